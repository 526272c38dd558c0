"""Starting TensorFlow says nothing, hides nothing else, and takes the threads it is given."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.train, pytest.mark.slow]

CODE = """
import os, sys
from cancernet.training.quiet import import_quietly, use_threads
import_quietly(1)
os.write(2, b"heard")
import tensorflow as tf
use_threads(4)  # too late: no error, no effect
print(tf.config.threading.get_intra_op_parallelism_threads(), "keras" in sys.modules)
"""


def test_start_up_is_silent_and_takes_the_threads_asked_for() -> None:
    ended = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert ended.stderr == "heard"
    assert ended.stdout.split() == ["1", "True"]
