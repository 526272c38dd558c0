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
from cancernet.model.bundle import read_bundle, shipped
from cancernet.model.inference import BATCH, OUTPUTS, open_session, predict, run_batches

GRAPH = Path(__file__).parents[1] / "fixtures" / "bundle_v1" / "model.onnx"


@pytest.fixture(scope="module")
def session() -> ort.InferenceSession:
    return open_session(GRAPH, threads=1)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2 * BATCH + 5, 50, 50, 3), dtype=np.uint8)


def test_a_graph_opens_from_a_file_and_from_its_bytes(
    images: np.ndarray, session: ort.InferenceSession
) -> None:
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
    sizes = [len(batch) for batch in run_batches(session, mapped, np.arange(len(mapped)))]
    assert sizes == [BATCH, BATCH, 5]
    np.testing.assert_array_equal(predict(session, mapped), predict(session, images))


@pytest.mark.parametrize(("spin", "entry"), [(True, "1"), (False, "0")])
def test_threads_wait_busily_only_where_they_may(spin: bool, entry: str) -> None:
    options = open_session(GRAPH, threads=2, spin=spin).get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == entry


def test_only_the_first_output_is_asked_for(images: np.ndarray) -> None:
    shipped_session = read_bundle(shipped()).session(threads=1)
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
