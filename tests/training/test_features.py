"""Features of a frozen part are computed once, and again only when something about them has changed."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from cancernet.model.floor import colour_features
from cancernet.training import features
from cancernet.training.features import frozen_features, kept_colours

pytestmark = pytest.mark.train


@pytest.fixture
def part(tiny: Callable[..., keras.Model]) -> keras.Model:
    network = tiny()
    return keras.Model(network.input, network.get_layer("embedding").output)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 50, 50, 3), dtype=np.uint8)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the passes over patches; one entry each."""
    counted: list[int] = []
    run = features.run_batches

    def counting(session: object, images: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
        counted.append(len(rows))
        return run(session, images, rows)

    monkeypatch.setattr(features, "run_batches", counting)
    return counted


def test_features_are_what_keras_gives_in_the_order_of_the_rows(
    part: keras.Model, images: np.ndarray, tmp_path: Path
) -> None:
    rows = np.array([7, 3, 39, 0])
    found = frozen_features(part, images, rows, content="c", cache=tmp_path)
    np.testing.assert_allclose(found, part.predict_on_batch(images[rows]), atol=1e-4)
    assert found.dtype == np.float32


def test_the_second_call_makes_no_pass(
    part: keras.Model, images: np.ndarray, tmp_path: Path, passes: list[int]
) -> None:
    rows = np.arange(40)
    first = frozen_features(part, images, rows, content="c", cache=tmp_path)
    [file] = tmp_path.glob("features-*")
    made = file.stat().st_mtime_ns
    second = frozen_features(part, images, rows, content="c", cache=tmp_path)
    assert passes == [40]
    assert file.stat().st_mtime_ns == made
    np.testing.assert_array_equal(first, second)


def test_other_patches_rows_weights_or_input_size_are_computed_anew(
    part: keras.Model, images: np.ndarray, tmp_path: Path, passes: list[int]
) -> None:
    rows = np.arange(10)
    frozen_features(part, images, rows, content="c", cache=tmp_path)
    frozen_features(part, images, rows, content="d", cache=tmp_path)
    frozen_features(part, images, rows[::-1], content="c", cache=tmp_path)
    part.weights[0].assign(part.weights[0] * 1.001)
    frozen_features(part, images, rows, content="c", cache=tmp_path)
    assert len(passes) == len(list(tmp_path.glob("features-*"))) == 4


def test_a_pass_that_breaks_leaves_nothing_that_looks_finished(
    part: keras.Model, images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(session: object, images: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
        yield [np.zeros((2, part.output.shape[-1]), "float32")]
        raise KeyboardInterrupt

    monkeypatch.setattr(features, "run_batches", broken)
    with pytest.raises(KeyboardInterrupt):
        frozen_features(part, images, np.arange(10), content="c", cache=tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_what_a_killed_pass_left_is_cleared_by_the_next(part: keras.Model, images: np.ndarray, tmp_path: Path) -> None:
    frozen_features(part, images, np.arange(3), content="c", cache=tmp_path)
    [file] = tmp_path.glob("features-*")
    half = file.rename(tmp_path / f".{file.stem}.0123456789ab.tmp.npy")
    frozen_features(part, images, np.arange(3), content="c", cache=tmp_path)
    assert file.exists()
    assert not half.exists()


def test_features_are_mapped_and_cannot_be_changed(part: keras.Model, images: np.ndarray, tmp_path: Path) -> None:
    found = frozen_features(part, images, np.arange(3), content="c", cache=tmp_path)
    assert isinstance(found, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1


def test_nothing_holds_the_features_of_all_patches(
    part: keras.Model, images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref] = []
    held: list[int] = []  # blocks of features that somebody still has, as each is asked for

    def counted(session: object, images: np.ndarray, rows: np.ndarray) -> Iterator[list[np.ndarray]]:
        for _ in range(20):
            block = np.zeros((2, part.output.shape[-1]), "float32")
            made.append(weakref.ref(block))
            answer = [block]
            del block
            yield answer
            del answer
            held.append(sum(each() is not None for each in made))

    monkeypatch.setattr(features, "run_batches", counted)
    monkeypatch.setattr(features, "open_session", lambda _: None)
    monkeypatch.setattr(features, "to_onnx", lambda _: b"")
    assert frozen_features(part, images, np.arange(40), content="c", cache=tmp_path).shape[0] == 40
    assert len(held) == 20
    assert max(held) <= 2


def test_colours_are_what_they_are_and_worked_out_once(
    images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.array([7, 3, 39, 0])
    first = kept_colours(images, rows, content="c", cache=tmp_path)
    np.testing.assert_array_equal(first, colour_features(images, rows))
    monkeypatch.setattr(features, "colour_features", None)
    np.testing.assert_array_equal(kept_colours(images, rows, content="c", cache=tmp_path), first)
    with pytest.raises(TypeError):
        kept_colours(images, rows[::-1], content="c", cache=tmp_path)
