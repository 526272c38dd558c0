"""TensorFlow without the notes it prints at start-up, which are no concern of a user."""

from __future__ import annotations

import logging
import os
import warnings


def import_quietly() -> None:
    """Import TensorFlow with standard error closed to its C++ start-up notes; errors still come through."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", module="keras.*")
    for name in ("absl", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import keras  # noqa: F401
        import tensorflow as tf

        tf.constant(0)  # the CPU device speaks when it is first used
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
