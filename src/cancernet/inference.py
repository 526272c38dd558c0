"""Run an exported graph on patches with ONNX Runtime: no TensorFlow, no code from the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort

from cancernet.errors import UserError
from cancernet.threads import available_cpus

OUTPUTS = ("probability", "evidence", "embedding")  # of an exported graph; of an older one the first alone
BATCH = 32  # patches; measured fastest on a CPU: activations of a larger batch leave the cache


def open_session(
    graph: Path | bytes, *, threads: int | None = None, spin: bool = True
) -> ort.InferenceSession:
    """Open an ONNX graph on the CPU.

    Args:
        graph: a file, or the bytes of one.
        threads: threads to use; the CPUs this process may use by default.
        spin: whether its threads wait for work busily: sooner at hand, but they take the CPUs from others.

    Raises:
        UserError: the file is no graph that ONNX Runtime can run.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or available_cpus()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    try:
        model = graph if isinstance(graph, bytes) else str(graph)
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises its own classes, one for each status code
        raise UserError(f"cannot run the model graph: {str(error).splitlines()[0]}") from error


def run_batches(session: ort.InferenceSession, images: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the graph's first output for each batch of rows; reads a batch at a time, asks for no other output.

    Args:
        session: from `open_session`.
        images: uint8 (N, 50, 50, 3) RGB, in memory or memory-mapped.
        rows: int (M,), the rows to run.

    Yields:
        float32 (batch, ...), in the order of `rows`.
    """
    name, wanted = session.get_inputs()[0].name, [session.get_outputs()[0].name]
    options = ort.RunOptions()
    options.only_execute_path_to_fetches = True  # or what explains an answer would be worked out as well
    for start in range(0, len(rows), BATCH):
        yield session.run(wanted, {name: images[rows[start : start + BATCH]]}, options)[0]


def predict(session: ort.InferenceSession, images: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return the probability of malignant, float32 (M,), of `rows` of uint8 patches (all by default)."""
    rows = np.arange(len(images)) if rows is None else rows
    if len(rows) == 0:
        return np.empty(0, "float32")
    return np.concatenate(list(run_batches(session, images, rows)))[:, 0]
