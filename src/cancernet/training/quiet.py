"""TensorFlow without the notes it prints at start-up, and without the memory it has done with."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import sys
import warnings

from cancernet.common.threads import available_cpus


def import_quietly(threads: int = 0) -> None:
    """Import TensorFlow with standard error closed to its C++ start-up notes; errors still come through.

    Args:
        threads: CPU threads; 0 takes those this process may use. TensorFlow cannot change them later.
    """
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

        use_threads(threads)
        tf.constant(0)  # the CPU device speaks when it is first used
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def use_threads(threads: int) -> None:
    """Tell TensorFlow how many CPU threads to use (0: those this process may); without effect once it has run."""
    import tensorflow as tf

    count = threads or available_cpus()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(1 if count == 1 else 2)
    except RuntimeError:
        return


def give_back() -> None:
    """Give memory that is used no more back to the system.

    What an export leaves refers to itself, so Python frees it late, and the C library keeps what TensorFlow frees: a
    run would stand at the sum of its stages, and not at the largest.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
        if trim is not None:
            trim(0)
