"""Exported models are for others: ONNX for any runtime, HDF5 for plain Keras."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from cancernet.model.inference import open_session, predict
from cancernet.networks import NETWORKS, build_network, with_probability
from cancernet.training.export import save_h5, to_onnx

pytestmark = pytest.mark.train
PLAIN_KERAS = """
import sys, numpy as np, keras
patches = np.load(sys.argv[1])
answers = [keras.models.load_model(path).predict(patches, verbose=0)[:, 0] for path in sys.argv[3:]]
assert not [name for name in sys.modules if name.startswith("cancernet")]
np.save(sys.argv[2], np.array(answers))
"""


@pytest.fixture
def patches() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 50, 50, 3), dtype=np.uint8)


def test_the_graph_takes_raw_uint8_patches_any_number_at_a_time(tiny: Callable, patches: np.ndarray) -> None:
    session = open_session(to_onnx(with_probability(tiny())))
    [source] = session.get_inputs()
    assert source.type == "tensor(uint8)"
    assert source.shape[1:] == [50, 50, 3]
    for n in (1, 2, 5):
        assert predict(session, patches[:n]).shape == (n,)


def test_the_graph_is_valid_and_holds_its_own_weights(tiny: Callable) -> None:
    graph = onnx.load_from_string(to_onnx(with_probability(tiny())))
    onnx.checker.check_model(graph)
    assert not [t.name for t in graph.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]


def test_exporting_twice_gives_the_same_answers_and_leaves_the_model_alone(tiny: Callable, patches: np.ndarray) -> None:
    model = with_probability(tiny())
    before = model.predict_on_batch(patches)
    first, second = (predict(open_session(to_onnx(model)), patches) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(model.predict_on_batch(patches), before)


def test_exporting_says_nothing(tiny: Callable, capfd: pytest.CaptureFixture[str]) -> None:
    to_onnx(with_probability(tiny()))
    assert capfd.readouterr().out == ""


def test_an_h5_file_is_whole_or_absent(tiny: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = with_probability(tiny())
    save_h5(model, tmp_path / "m.h5")
    whole = (tmp_path / "m.h5").read_bytes()

    def broken(path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(model, "save", broken)
    with pytest.raises(OSError, match="disk full"):
        save_h5(model, tmp_path / "m.h5")
    assert (tmp_path / "m.h5").read_bytes() == whole
    assert [p.name for p in tmp_path.iterdir()] == ["m.h5"]


@pytest.mark.slow
def test_plain_keras_reads_the_h5_files_without_this_package_and_answers_alike(
    tmp_path: Path, patches: np.ndarray
) -> None:
    np.save(tmp_path / "patches.npy", patches)
    keras.utils.set_random_seed(0)
    models = {
        name: with_probability(build_network(name, input_size=32 if name == "mobilenet" else 50, dropout=0.3))
        for name in NETWORKS
    }
    for name, model in models.items():
        save_h5(model, tmp_path / f"{name}.h5")
    files = [str(tmp_path / name) for name in ("patches.npy", "answers.npy", *(f"{n}.h5" for n in models))]
    ended = subprocess.run(
        [sys.executable, "-c", PLAIN_KERAS, *files], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    for model, answer in zip(models.values(), np.load(tmp_path / "answers.npy"), strict=True):
        np.testing.assert_allclose(answer, model.predict_on_batch(patches)[:, 0], atol=1e-5)
