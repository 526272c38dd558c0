"""From a Keras network to an ONNX graph and to a file that plain Keras loads."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np

from cancernet.atomic import replacing


def to_onnx(model: keras.Model) -> bytes:
    """Return a model as an ONNX graph taking raw uint8 RGB, any number of patches at a time."""
    model.predict_on_batch(np.zeros((1, *model.input.shape[1:]), "uint8"))  # export wants a called model
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "model.onnx"
        with contextlib.redirect_stdout(io.StringIO()):
            model.export(path, format="onnx", verbose=False)
        return path.read_bytes()


def save_h5(model: keras.Model, path: Path) -> None:
    """Write a model as HDF5 that `keras.models.load_model` reads without any code of ours."""
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # HDF5 is the older format, and what the readers of this file expect
        logging.getLogger("absl").setLevel(logging.ERROR)
        model.save(temporary)
