"""An exported graph answers the same for a patch however it is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.model import inference
from cancernet.model.inference import BATCH, OUTPUTS, open_session, predict, run_batches
from cancernet.model.model import load_model

GRAPH = Path(__file__).parents[1] / "fixtures" / "bundle_v1" / "model.onnx"


@pytest.fixture(scope="module")
def session() -> ort.InferenceSession:
    return open_session(GRAPH, threads=1)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2 * BATCH + 5, 50, 50, 3), dtype=np.uint8)


def test_a_graph_opens_from_a_file_and_from_its_bytes(images: np.ndarray, session: ort.InferenceSession) -> None:
    from_bytes = open_session(GRAPH.read_bytes())
    np.testing.assert_array_equal(predict(from_bytes, images[:3]), predict(session, images[:3]))


@pytest.mark.parametrize("content", [b"", b"not a graph", GRAPH.read_bytes()[:1000]])
def test_what_is_no_graph_is_one_line(content: bytes) -> None:
    with pytest.raises(UserError, match="cannot run the model graph") as error:
        open_session(content)
    assert "\n" not in str(error.value)


def test_a_missing_graph_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot run the model graph"):
        open_session(tmp_path / "none.onnx")


@pytest.mark.train
@pytest.mark.parametrize("size_threshold", [0, 1000])  # of the tensors that are moved out, bytes
def test_a_graph_that_names_another_file_is_refused_and_nothing_is_read_from_where_we_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size_threshold: int
) -> None:
    onnx = pytest.importorskip("onnx")
    outside = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": size_threshold}
    onnx.save_model(onnx.load(GRAPH), tmp_path / "model.onnx", **outside)
    assert (tmp_path / "weights.bin").is_file()
    monkeypatch.chdir(tmp_path)  # ONNX Runtime would look for it here
    for graph in (tmp_path / "model.onnx", (tmp_path / "model.onnx").read_bytes()):
        with pytest.raises(UserError, match="keeps its weights in another file") as error:
            open_session(graph)
        assert "\n" not in str(error.value)


@pytest.mark.train
def test_a_name_of_another_file_is_found_however_it_is_encoded() -> None:
    onnx = pytest.importorskip("onnx")
    plain = b"\n\x08location"
    for padded in (plain, b"\n\x88\x00location", b"\x8a\x80\x00\x88\x80\x80\x00location"):
        entry = onnx.StringStringEntryProto.FromString(padded + b"\x12\x01w")
        assert (entry.key, entry.value) == ("location", "w")  # protobuf takes it
        with pytest.raises(UserError, match="in another file"):
            open_session(b"anything " + padded)
    with pytest.raises(UserError, match="cannot run the model graph"):
        open_session(b"\n\x09locations")  # another name


def test_another_format_than_onnx_is_not_guessed() -> None:
    options = open_session(GRAPH).get_session_options()
    assert options.get_session_config_entry("session.load_model_format") == "ONNX"


@pytest.mark.parametrize(("asked", "used"), [(1, 1), (3, 3), (None, 5), (0, 5)])
def test_threads_are_those_asked_for_or_those_this_process_may_use(
    asked: int | None, used: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "available_cpus", lambda: 5)
    assert open_session(GRAPH, threads=asked).get_session_options().intra_op_num_threads == used


def test_only_the_cpu_is_used(session: ort.InferenceSession) -> None:
    assert session.get_providers() == ["CPUExecutionProvider"]


def test_probabilities_are_float32_within_0_and_1(session: ort.InferenceSession, images: np.ndarray) -> None:
    probability = predict(session, images)
    assert probability.shape == (len(images),)
    assert probability.dtype == np.float32
    assert ((probability >= 0) & (probability <= 1)).all()


def test_no_patch_gives_no_probability(session: ort.InferenceSession) -> None:
    empty = predict(session, np.empty((0, 50, 50, 3), "uint8"))
    assert empty.shape == (0,)
    assert empty.dtype == np.float32


@given(st.lists(st.integers(0, 2 * BATCH + 4), max_size=BATCH + 3))
def test_a_patch_scores_alike_in_any_order_and_batch(
    session: ort.InferenceSession, images: np.ndarray, rows: list[int]
) -> None:
    alone = predict(session, images)
    np.testing.assert_allclose(predict(session, images, np.array(rows, int)), alone[rows], atol=1e-6)


def test_memory_mapped_patches_are_read_a_batch_at_a_time(
    session: ort.InferenceSession, images: np.ndarray, tmp_path: Path
) -> None:
    images.tofile(tmp_path / "images.u8")
    mapped = np.memmap(tmp_path / "images.u8", np.uint8, "r", shape=images.shape)
    sizes = [len(probability) for [probability] in run_batches(session, mapped, np.arange(len(mapped)))]
    assert sizes == [BATCH, BATCH, 5]
    np.testing.assert_array_equal(predict(session, mapped), predict(session, images))


@pytest.mark.parametrize(("spin", "entry"), [(True, "1"), (False, "0")])
def test_threads_wait_busily_only_where_they_may(spin: bool, entry: str) -> None:
    options = open_session(GRAPH, threads=2, spin=spin).get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == entry
    default = open_session(GRAPH, threads=2).get_session_options()
    assert default.get_session_config_entry("session.intra_op.allow_spinning") == "1"


def test_only_the_first_output_is_asked_for(images: np.ndarray) -> None:
    shipped_session = load_model(threads=1).session
    assert [each.name for each in shipped_session.get_outputs()] == list(OUTPUTS)
    asked: list[list[str]] = []

    class Watched:
        get_inputs = staticmethod(shipped_session.get_inputs)
        get_outputs = staticmethod(shipped_session.get_outputs)

        @staticmethod
        def run(names: list[str], *rest: object) -> list[np.ndarray]:
            asked.append(names)
            return shipped_session.run(names, *rest)

    found = predict(Watched(), images[:3])  # type: ignore[arg-type]
    assert asked == [["probability"]]
    np.testing.assert_array_equal(found, predict(shipped_session, images[:3]))
