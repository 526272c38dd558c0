"""Run an exported graph on patches with ONNX Runtime: no TensorFlow, no code from the file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import: it would look a host up and write an id

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from cancernet.common.errors import UserError
from cancernet.common.threads import available_cpus

OUTPUTS = ("probability", "evidence", "embedding")  # of an exported graph; of an older one the first alone
# A tensor kept outside of the graph is named by entries of key and value, the first of which has the key "location"; in
# protobuf that is field 1 and a length of 8, both as numbers that may be padded. A string of a graph cannot be hidden.
OUTSIDE = re.compile(rb"(?:\n|\x8a\x80*\x00)(?:\x08|\x88\x80*\x00)location")
BATCH = 32  # patches; measured fastest on a CPU: activations of a larger batch leave the cache


def open_session(graph: Path | bytes, *, threads: int | None = None, spin: bool = True) -> ort.InferenceSession:
    """Open an ONNX graph on the CPU.

    Args:
        graph: a file, or the bytes of one.
        threads: threads to use; the CPUs this process may use by default.
        spin: whether its threads wait for work busily: sooner at hand, but they take the CPUs from others.

    Raises:
        UserError: the file is no graph that ONNX Runtime can run, or it names other files, which would be read from
            whatever folder this process runs in.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or available_cpus()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is said once, by us
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    options.add_session_config_entry("session.load_model_format", "ONNX")  # no other is guessed from the bytes
    try:
        content = graph if isinstance(graph, bytes) else graph.read_bytes()
        if OUTSIDE.search(content):
            raise UserError("the model graph keeps its weights in another file: export it in one")
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except UserError:
        raise
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
    for start in range(0, len(rows), BATCH):
        try:
            name = session.get_inputs()[0].name
            wanted = list(outputs) or [session.get_outputs()[0].name]
            batch = images[rows[start : start + BATCH]]
            found = session.run(wanted, {name: batch}, options)
        except Exception as error:  # as above; a graph of a stranger can fail in any of its ways
            raise UserError(f"the model graph cannot be run on these patches: {_first_line(error)}") from error
        if any(np.shape(each)[:1] != (len(batch),) for each in found):
            raise UserError(f"the model graph does not answer each of {len(batch)} patches with one row")
        yield found


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


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
