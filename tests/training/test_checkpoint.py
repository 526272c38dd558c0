"""A checkpoint comes back bit by bit, belongs to one run, and is read without running code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from cancernet.common.errors import UserError
from cancernet.training import checkpoint
from cancernet.training.checkpoint import Progress, load_weights, read_checkpoint, save_checkpoint, weights_of

pytestmark = pytest.mark.train


@pytest.fixture
def state() -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(3, i + 1)).astype("float32") for i in range(12)]  # more than ten: 10 after 9
    return {"weights": weights, "optimizer": [np.array(7, "int32"), np.float32(rng.normal(size=4))]}


@pytest.fixture
def progress() -> Progress:
    return Progress("abc", epoch=2, history=[{"epoch": 1, "loss": 0.1}], best_epoch=1, best={"0000/a/b": np.ones(3)})


def test_state_and_progress_come_back_bit_by_bit(tmp_path: Path, state: dict, progress: Progress) -> None:
    save_checkpoint(tmp_path / "c.safetensors", state, progress)
    found = read_checkpoint(tmp_path / "c.safetensors", "abc")
    assert found is not None
    for group, arrays in state.items():
        for old, new in zip(arrays, found[0][group], strict=True):
            assert (old.dtype, old.shape, old.tobytes()) == (new.dtype, new.shape, new.tobytes())
    assert found[1].best.keys() == progress.best.keys()
    plain = ("fingerprint", "epoch", "history", "best_epoch", "done")
    assert all(getattr(found[1], name) == getattr(progress, name) for name in plain)


def test_arrays_that_come_back_can_be_changed(tmp_path: Path, state: dict, progress: Progress) -> None:
    save_checkpoint(tmp_path / "c.safetensors", state, progress)
    found = read_checkpoint(tmp_path / "c.safetensors", "abc")
    assert found is not None
    found[0]["weights"][0] += 1  # the moving average does so


def test_there_is_nothing_to_continue_at_first(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path / "none.safetensors", "abc") is None


def test_a_checkpoint_of_another_run_is_not_used(tmp_path: Path, state: dict, progress: Progress) -> None:
    save_checkpoint(tmp_path / "c.safetensors", state, progress)
    assert read_checkpoint(tmp_path / "c.safetensors", "another") is None


@pytest.mark.parametrize("content", [b"", b"junk", b"\x80\x04\x95pickle", b"\xff" * 100])
def test_a_file_that_is_no_checkpoint_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError, match="delete it to start over") as error:
        read_checkpoint(path, "abc")
    assert "\n" not in str(error.value)


def test_a_cut_checkpoint_says_what_to_do(tmp_path: Path, state: dict, progress: Progress) -> None:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, state, progress)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(UserError, match="delete it to start over"):
        read_checkpoint(path, "abc")


@pytest.mark.parametrize("meta", [None, {"progress": "{"}, {"progress": "{}"}, {"progress": "[]"}])
def test_weights_without_progress_are_no_checkpoint(tmp_path: Path, meta: dict | None) -> None:
    save_file({"weights/0000": np.ones(2)}, tmp_path / "c.safetensors", meta)
    with pytest.raises(UserError, match="delete it to start over"):
        read_checkpoint(tmp_path / "c.safetensors", "abc")


def test_a_write_that_breaks_leaves_the_checkpoint_before_it(
    tmp_path: Path, state: dict, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, state, progress)

    def half(tensors: dict, file: Path, meta: dict) -> None:
        Path(file).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(checkpoint, "save_file", half)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(path, {"weights": []}, Progress("abc", epoch=3))
    found = read_checkpoint(path, "abc")
    assert found is not None
    assert found[1].epoch == 2
    assert [p.name for p in tmp_path.iterdir()] == ["c.safetensors"]


def test_weights_of_a_model_are_copies(tiny: Callable[..., keras.Model]) -> None:
    model = tiny()
    kept = weights_of(model)
    before = {name: array.copy() for name, array in kept.items()}
    for variable in model.weights:
        variable.assign(variable + 1.0)
    for name, array in kept.items():
        np.testing.assert_array_equal(array, before[name])


def test_weights_go_to_another_model_of_the_same_network(tiny: Callable[..., keras.Model], tmp_path: Path) -> None:
    first, second = tiny(1), tiny(2)
    save_file(weights_of(first), tmp_path / "w.safetensors")
    load_weights(second, load_file(tmp_path / "w.safetensors"))
    for a, b in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_of_another_network_are_refused(tiny: Callable[..., keras.Model]) -> None:
    weights = weights_of(tiny())
    n = len(weights)
    with pytest.raises(UserError, match=f"of another network: {n - 1} arrays, not {n}"):
        load_weights(tiny(), dict(list(weights.items())[1:]))
    name = next(iter(weights))
    with pytest.raises(UserError, match=f"{name} has shape"):
        load_weights(tiny(), {**weights, name: np.zeros((2, 2))})


def test_a_checkpoint_of_another_format_is_started_over(
    tmp_path: Path, state: dict, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "FORMAT", "1")
    save_checkpoint(tmp_path / "c.safetensors", state, progress)
    monkeypatch.undo()
    assert read_checkpoint(tmp_path / "c.safetensors", "abc") is None
