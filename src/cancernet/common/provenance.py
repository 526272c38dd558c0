"""What a run ran on and with, for `run.json` and the bundle."""

from __future__ import annotations

import os
import platform
from importlib import metadata

import cancernet
from cancernet.common.threads import available_cpus

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"  # switch of TensorFlow, read when it starts: 1 oneDNN's kernels, 0 its own
PACKAGES = (
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "numpy",
    "pandas",
    "scikit-learn",
    "onnxruntime",
    "opencv-python-headless",
)


def versions() -> dict[str, str]:
    """Return the versions of CancerNet, Python and what results may depend on, by package."""
    found = {"cancernet": cancernet.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str | int]:
    """Return what kind of machine this is, without naming it."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cpus": os.cpu_count() or 1,
        "cpus_used": available_cpus(),
        "onednn": os.environ.get(ONEDNN, "TensorFlow's choice"),
    }
