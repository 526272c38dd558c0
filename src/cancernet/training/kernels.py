"""Which convolution kernels TensorFlow trains with on this processor: measured once, then remembered.

TensorFlow brings two sets, its own (Eigen) and oneDNN's, and takes the second by itself only where the processor
has instructions for neural networks. Without those oneDNN is often the faster one too: an AVX2 processor took
1.6 times as many steps of `step_seconds` with it (0.042 s in place of 0.068). Which it is shows in a few seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from cancernet.common.files import write_text
from cancernet.common.provenance import ONEDNN
from cancernet.common.threads import available_cpus
from cancernet.training.quiet import use_threads

REMEMBERED = "kernels.json"
WORTH = 0.95  # oneDNN is taken where a step takes at most this share of the time
_STEPS = 7
_LIMIT = 120  # seconds a measurement may take


def choose_kernels(
    cache: Path, *, say: Callable[[str], None] = print, measure: Callable[[str], float | None] | None = None
) -> str | None:
    """Set TensorFlow's switch to the kernels that are faster here; to be called before it is imported.

    Args:
        cache: folder in which the answer is remembered, by processor, cores and version of TensorFlow.
        say: where a line for the user goes when something is measured.
        measure: seconds of a step with the switch at `0` or `1`, or nothing if that failed; by default
            `measure_step`.

    Returns:
        The switch as it is now: the user's own where it was set, nothing where the processor leaves no choice
        or nothing could be measured.
    """
    if ONEDNN in os.environ or platform.machine() not in ("x86_64", "AMD64") or "tensorflow" in sys.modules:
        return os.environ.get(ONEDNN)
    path, here = cache / REMEMBERED, _here()
    known = _read(path)
    if here not in known:
        say("measuring which convolution kernels are faster on this processor: once, some ten seconds")
        plain, onednn = ((measure or measure_step)(value) for value in ("0", "1"))
        if plain is None or onednn is None:
            say("  could not be measured; TensorFlow's own choice stands")
            return None
        known[here] = {"0": plain, "1": onednn}
        _remember(path, known)
    seconds = known[here]
    os.environ[ONEDNN] = "1" if seconds["1"] <= WORTH * seconds["0"] else "0"
    return os.environ[ONEDNN]


def measure_step(value: str) -> float | None:
    """Return the seconds of one training step in a process of its own with the switch at `value`."""
    environment = os.environ | {ONEDNN: value, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "cancernet.training.kernels"]
    try:
        ended = subprocess.run(  # noqa: S603 - our own interpreter and module
            command, env=environment, capture_output=True, text=True, check=True, timeout=_LIMIT
        )
        return float(ended.stdout.split()[-1])
    except (subprocess.SubprocessError, OSError, ValueError, IndexError):
        return None


def step_seconds() -> float:
    """Return the median seconds of a training step of three convolutions, of a size that the recipes have."""
    import tensorflow as tf

    use_threads(0)
    patches = tf.random.stateless_uniform((64, 25, 25, 32), seed=(1, 2))
    kernels = [tf.random.stateless_normal((3, 3, 32, 32), seed=(3, i), stddev=0.1) for i in range(3)]

    @tf.function
    def step() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(kernels)
            x = patches
            for kernel in kernels:
                x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))
            loss = tf.reduce_mean(x)
        return tape.gradient(loss, kernels)

    taken = []
    for _ in range(_STEPS + 2):
        started = time.perf_counter()
        [gradient.numpy() for gradient in step()]
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[2:])  # the first ones trace the graph and warm up


def _here() -> str:
    """Name what the answer depends on."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if line.startswith(("model name", "flags"))]
        processor = hashlib.sha256("\n".join(lines[:2]).encode()).hexdigest()[:16]
    except OSError:
        processor = platform.processor()
    package = "tensorflow-cpu" if _installed("tensorflow-cpu") else "tensorflow"
    return f"{processor}, {available_cpus()} CPUs, {package} {_installed(package)}"


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _read(path: Path) -> dict[str, dict[str, float]]:
    """Return what was remembered, nothing where that is not what was written."""
    try:
        found = json.loads(path.read_text("utf-8"))
        return {str(key): {switch: float(value[switch]) for switch in ("0", "1")} for key, value in found.items()}
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        return {}


def _remember(path: Path, known: dict[str, dict[str, float]]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(known, indent=1) + "\n")
    except OSError:
        return  # a cache that cannot be written costs ten seconds the next time, and no run


if __name__ == "__main__":
    print(step_seconds())
