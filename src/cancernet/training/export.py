"""From a Keras network to an ONNX graph and to a file that plain Keras loads."""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from cancernet.common.files import replacing
from cancernet.training.quiet import give_back


def to_onnx(model: keras.Model, *, outputs: Sequence[str] = ()) -> bytes:
    """Return a model as an ONNX graph taking raw uint8 RGB, any number of patches at a time.

    Args:
        model: from uint8 patches.
        outputs: names for its outputs, in their order; by default the exporter's own.
    """
    model(np.zeros((1, *model.input.shape[1:]), "uint8"))  # export wants a called model
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "model.onnx"
        gc.freeze()  # the exporter leaves copies of the graph, which Python finds sooner if nothing else is looked at
        gc.collect()
        with contextlib.redirect_stdout(io.StringIO()):
            model.export(path, format="onnx", verbose=False)
        gc.unfreeze()
        graph = path.read_bytes()
    give_back()
    return _named(graph, outputs) if outputs else graph


def _named(graph: bytes, outputs: Sequence[str]) -> bytes:
    """Rename the outputs of a graph: the exporter numbers them."""
    import onnx

    model = onnx.load_from_string(graph)
    new = dict(zip((each.name for each in model.graph.output), outputs, strict=True))
    for each in model.graph.output:
        each.name = new[each.name]
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [new.get(name, name) for name in names]
    onnx.checker.check_model(model)
    return model.SerializeToString()


def save_h5(model: keras.Model, path: Path) -> None:
    """Write a model as HDF5 that `keras.models.load_model` reads without any code of ours."""
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # HDF5 is the older format, and what the readers of this file expect
        logging.getLogger("absl").setLevel(logging.ERROR)
        model.save(temporary)
