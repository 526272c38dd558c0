"""An exported graph answers the same for a patch however it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.model import inference
from cancernet.model.inference import BATCH, OUTPUTS, embed, explain, open_model, open_session, predict, run_batches
from cancernet.model.model import load_model
from hostile import graphs

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
def test_a_graph_that_takes_too_long_for_its_first_patches_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setattr(inference, "check_graph", lambda content: None)  # which refuses what has no end at all
    monkeypatch.setattr(inference, "MOST_SECONDS", 0.05)
    with pytest.raises(UserError, match=r"takes over 0\.05 s for 2 patches"):
        open_model(graphs.endless()(), 50)


@pytest.mark.train
def test_what_depends_on_no_patch_is_not_worked_out_before_its_time_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setattr(inference, "MOST_SECONDS", 0.05)
    steps = [("MatMul", f"a{step} a{step}", f"a{step + 1}") for step in range(200)]  # tens of seconds
    graph = graphs.model(
        ("ConstantOfShape", "shape", "a0"), *steps, ("ReduceSum", "a200", "s", {"keepdims": 0}), ("Add", "m s", "y"),
        constants={"shape": [1500, 1500]},
    )  # fmt: skip
    with pytest.raises(UserError, match=r"takes over 0\.05 s for 2 patches"):
        open_model(graph, 50)


@pytest.mark.train
def test_memory_is_limited_for_the_graphs_of_strangers(images: np.ndarray) -> None:
    pytest.importorskip("onnx")
    with pytest.raises(UserError, match="asks for more than 4 GB of memory"):
        open_model(graphs.large(2_000_000_000)(), 50)
    assert len(predict(open_model(GRAPH.read_bytes(), 50), images)) == len(images)  # there is enough for others


def test_a_graph_that_is_tried_first_answers_as_one_that_is_not(
    images: np.ndarray, session: ort.InferenceSession
) -> None:
    tried = open_model(GRAPH.read_bytes(), 50, threads=1)
    np.testing.assert_array_equal(predict(tried, images), predict(session, images))
    assert tried.get_session_options().graph_optimization_level == ort.GraphOptimizationLevel.ORT_ENABLE_ALL


@pytest.mark.train
@pytest.mark.parametrize(("evidence", "wrong"), [("Identity", ""), ("Neg", "does not add up"), ("Log", "not finite")])
def test_evidence_is_finite_and_adds_up_to_the_answer(evidence: str, wrong: str) -> None:
    pytest.importorskip("onnx")
    dark = np.zeros((BATCH + 1, 50, 50, 3), "uint8")
    dark[-1] = 3  # log odds of 3 in the second batch
    session = open_model(graphs.explaining(evidence)(), 50)
    if wrong:
        with pytest.raises(UserError, match=wrong):
            explain(session, dark)
    else:
        assert [each.shape for each in explain(session, dark)] == [(33,), (33, 1, 1), (33, 1)]


@pytest.mark.parametrize(
    ("batches", "wrong"),
    [
        ([[[np.nan, 0.0]]], "not finite rows"),
        ([[0.0]], "not finite rows"),
        ([[[0.0, 0.0]], [[0.0]]], "from batch to batch"),
    ],
    ids=["no number", "no row", "rows of two lengths"],
)
def test_an_embedding_that_is_no_finite_row_is_refused(
    monkeypatch: pytest.MonkeyPatch, session: ort.InferenceSession, batches: list[Any], wrong: str
) -> None:
    half = np.full((1, 1), 0.5, "float32")
    answers = [[half, np.array(each, "float32")] for each in batches]
    monkeypatch.setattr(inference, "run_batches", lambda *_, **__: iter(answers))
    with pytest.raises(UserError, match=wrong):
        embed(session, np.zeros((len(answers), 50, 50, 3), "uint8"))


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
