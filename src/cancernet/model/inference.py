"""Run an exported graph on patches with ONNX Runtime: no TensorFlow, no code from the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from cancernet.common.errors import UserError
from cancernet.common.threads import available_cpus
from cancernet.model.decide import sigmoid
from cancernet.model.graph import check_graph

OUTPUTS = ("probability", "evidence", "embedding")  # of an exported graph; of an older one the first alone
BATCH = 32  # patches; measured fastest on a CPU: activations of a larger batch leave the cache
MOST_MEMORY = 4_000_000_000  # bytes of all tensors; the two largest of MobileNetV2 at 512 px are 1.6 GB for a batch
MOST_GAP = 1e-3  # of probability, between an answer and the mean of its evidence, which are float32
MOST_SECONDS = 60.0  # for the first patches; the model that ships takes 3 ms
SOURCE = re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : |/onnxruntime_src/.*?\) (?=[A-Z])")  # in messages
TRIAL = 2  # patches: more than one, so that the answers are told apart


def open_session(
    graph: Path | bytes, *, threads: int | None = None, spin: bool = True, limited: bool = False
) -> ort.InferenceSession:
    """Open an ONNX graph on the CPU.

    Args:
        graph: a file, or the bytes of one.
        threads: threads to use; the CPUs this process may use by default.
        spin: whether its threads wait for work busily: sooner at hand, but they take the CPUs from others.
        limited: whether its tensors, with those of others so opened, may take MOST_MEMORY at most.

    Raises:
        UserError: the file is no graph that ONNX Runtime can run, or holds what `check_graph` refuses.
    """
    try:
        content = graph if isinstance(graph, bytes) else graph.read_bytes()
    except OSError as error:
        raise UserError(f"cannot run the model graph: {error}") from error
    return _open(content, _options(threads, spin=spin, limited=limited))


def open_model(content: bytes, side: int, *, threads: int | None = None) -> ort.InferenceSession:
    """Open the graph of a model of a stranger: it takes patches and answers with probabilities, in bounded time.

    It is tried as it stands before ONNX Runtime makes it faster: that works out whatever depends on no patch, which
    nothing could end, whereas a trial that takes too long is ended between two of its operations.

    Args:
        content: of the file.
        side: of the patches, px.
        threads: threads to use; the CPUs this process may use by default.

    Raises:
        UserError: as `open_session`; or it takes other inputs, asks for too much memory or time, or answers a patch
            otherwise than with one probability.
    """
    plain = _options(1, limited=True)
    plain.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = _open(content, plain)
    takes = [(each.type, each.shape[1:]) for each in session.get_inputs()]
    if takes != [("tensor(uint8)", [side, side, 3])] or isinstance(session.get_inputs()[0].shape[0], int):
        found = "; ".join(f"{each.type} {each.shape}" for each in session.get_inputs()) or "nothing"
        raise UserError(
            f"the model graph takes {found[:200]}, not patches: tensor(uint8) [any number, {side}, {side}, 3]"
        )
    gives = [each.type for each in session.get_outputs()]
    if set(gives) != {"tensor(float)"}:
        raise UserError(
            f"the model graph answers with {', '.join(gives)[:200] or 'nothing'}, not with tensor(float) alone"
        )
    images = np.resize(np.arange(251, dtype=np.uint8), (TRIAL, side, side, 3))
    options = ort.RunOptions()
    timer = Timer(MOST_SECONDS, setattr, (options, "terminate", True))
    timer.start()
    try:
        check_probability(_run(session, images, [each.name for each in session.get_outputs()], options)[0])
    except UserError:
        if options.terminate:
            raise UserError(
                f"the model graph takes over {MOST_SECONDS:g} s for {TRIAL} patches: it cannot be used"
            ) from None
        raise
    finally:
        timer.cancel()
    return open_session(content, threads=threads, limited=True)


def _options(threads: int | None, *, spin: bool = True, limited: bool) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or available_cpus()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is said once, by us
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    options.add_session_config_entry("session.load_model_format", "ONNX")  # no other is guessed from the bytes
    if limited:
        _limit_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
    return options


@cache
def _limit_memory() -> None:
    """Limit the memory of all sessions that ask for it, once in a process."""
    kind = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(kind, ort.OrtArenaCfg({"max_mem": MOST_MEMORY}))


def _open(content: bytes, options: ort.SessionOptions) -> ort.InferenceSession:
    check_graph(content)
    try:
        # Its fallback would try the same again, after a banner on the screen.
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # ONNX Runtime raises its own classes, one for each status code
        raise UserError(f"cannot run the model graph: {_first_line(error)}") from error


def run_batches(
    session: ort.InferenceSession, images: np.ndarray, rows: np.ndarray, *, outputs: Sequence[str] = ()
) -> Iterator[list[NDArray[Any]]]:
    """Yield some outputs of a graph for each batch of rows; reads a batch at a time, works out no other output.

    Args:
        session: from `open_session`.
        images: (N, ...), as the graph takes them, in memory or memory-mapped.
        rows: int (M,), the rows to run.
        outputs: names; the first output alone by default.

    Yields:
        An array (batch, ...) an output, in the order of `rows`.

    Raises:
        UserError: the graph takes other inputs, fails, or answers more or fewer patches than it was given.
    """
    options = ort.RunOptions()
    options.only_execute_path_to_fetches = True  # or what explains an answer would be worked out as well
    wanted = list(outputs) or [session.get_outputs()[0].name]
    for start in range(0, len(rows), BATCH):
        yield _run(session, images[rows[start : start + BATCH]], wanted, options)


def _run(
    session: ort.InferenceSession, batch: NDArray[Any], wanted: list[str], options: ort.RunOptions
) -> list[NDArray[Any]]:
    """Return some outputs for a batch, a row a patch each; raises UserError as `run_batches`."""
    try:
        found = session.run(wanted, {session.get_inputs()[0].name: batch}, options)
    except Exception as error:  # as above; a graph of a stranger can fail in any of its ways
        raise UserError(f"the model graph cannot be run on these patches: {_first_line(error)}") from error
    if any(np.shape(each)[:1] != (len(batch),) for each in found):
        raise UserError(f"the model graph does not answer each of {len(batch)} patches with one row")
    return found


def predict(session: ort.InferenceSession, images: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return the probability of malignant, float32 (M,), of `rows` of uint8 patches (all by default).

    Raises:
        UserError: the graph cannot be run, or answers otherwise than with one probability a patch.
    """
    rows = np.arange(len(images)) if rows is None else rows
    batches = [check_probability(found[0]) for found in run_batches(session, images, rows)]
    return np.concatenate([np.empty(0, "float32"), *batches])


def check_probability(found: NDArray[Any]) -> NDArray[np.float32]:
    """Return a graph's answer (N, 1) as float32 (N,).

    Raises:
        UserError: it is of another shape, not finite, or outside of 0 to 1.
    """
    if found.ndim != 2 or found.shape[1] != 1 or found.dtype.kind != "f":
        raise UserError(f"the model graph answers with {found.dtype} {found.shape}, not with one probability a patch")
    wrong = ~((found >= 0) & (found <= 1))
    if wrong.any():
        raise UserError(
            f"the model graph answers {found[wrong][0]:g}, which is no probability: it is damaged, or its training "
            "diverged; train it again"
        )
    return found[:, 0].astype("float32", copy=False)


def embed(session: ort.InferenceSession, images: np.ndarray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return probability (N,) and embedding (N, D) for uint8 patches, worked out together; N of 1 or more.

    Raises:
        UserError: as `predict`; or an embedding is not finite, or no row of one length a patch.
    """
    parts = []
    for probability, embedding in run_batches(session, images, np.arange(len(images)), outputs=OUTPUTS[::2]):
        if embedding.ndim != 2 or not np.isfinite(embedding).all():
            raise UserError("the model graph's embeddings are not finite rows; train the model again")
        parts.append((check_probability(probability), embedding.astype(np.float32, copy=False)))
    try:
        probability, embedding = (np.concatenate(each) for each in zip(*parts, strict=True))
    except ValueError as error:
        raise UserError("the model graph embeds patches otherwise from batch to batch") from error
    return probability, embedding


def explain(session: ort.InferenceSession, images: np.ndarray) -> list[NDArray[np.float32]]:
    """Return the OUTPUTS for uint8 patches: probability (N,), evidence (N, h, w), embedding (N, D); N of 1 or more.

    Raises:
        UserError: as `predict`; or what explains an answer is not finite, or its evidence does not add up to it.
    """
    parts = []
    for probability, evidence, embedding in run_batches(session, images, np.arange(len(images)), outputs=OUTPUTS):
        checked = check_probability(probability)
        if evidence.ndim != 3 or embedding.ndim != 2 or not evidence.size:
            raise UserError(f"the model graph explains its answers with {evidence.shape} and {embedding.shape}")
        if not (np.isfinite(evidence).all() and np.isfinite(embedding).all()):
            raise UserError("the model graph's evidence is not finite; train the model again")
        gap = np.abs(sigmoid(evidence.mean(axis=(1, 2), dtype=np.float64)) - checked).max()
        if gap > MOST_GAP:
            raise UserError(f"the model graph's evidence does not add up to its answers ({gap:.3f} apart)")
        parts.append((checked, evidence, embedding))
    try:
        return [np.concatenate(each) for each in zip(*parts, strict=True)]
    except ValueError as error:
        raise UserError("the model graph explains its answers otherwise from batch to batch") from error


def _first_line(error: Exception) -> str:
    """Return what an error says to a person: without codes and places in the source of ONNX Runtime."""
    line = SOURCE.sub("", (str(error).strip().splitlines() or [type(error).__name__])[0])
    if "BFCArena" in str(error) or isinstance(error, MemoryError):
        return f"it asks for more than {MOST_MEMORY / 1e9:g} GB of memory"
    return line[:300]
