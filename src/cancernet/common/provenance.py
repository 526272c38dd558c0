"""What a run ran on and with, for `run.json` and the bundle."""

from __future__ import annotations

import datetime
import os
import platform
import shlex
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from typing import Any

from cancernet.common.threads import available_cpus
from cancernet.common.version import __version__

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"  # switch of TensorFlow, read when it starts: 1 oneDNN's kernels, 0 its own
CALLED: list[str] = []  # the words of the command line; the entry point puts them in
PACKAGES = (
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "numpy",
    "pandas",
    "scikit-learn",
    "onnxruntime",
    "simplejpeg",
    "opencv-python-headless",
)


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Return the versions of CancerNet, Python and what results may depend on and is installed, by package."""
    found = {"cancernet": __version__, "python": platform.python_version()}
    for package in packages:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
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


def begin() -> dict[str, Any]:
    """Return the facts of a job that begins now: command, time, versions, machine."""
    return {
        "command": shlex.join(CALLED) if CALLED else "called from Python",
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "machine": machine(),
    }


def minutes_since(started: str) -> float:
    """Return the minutes that have passed since the `started` of `begin`."""
    passed = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(started)
    return round(passed.total_seconds() / 60, 2)
