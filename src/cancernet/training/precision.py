"""Whether 16-bit arithmetic makes training faster on this machine."""

from __future__ import annotations

from pathlib import Path

_CPU_FLAGS = ("avx512_bf16", "amx_bf16")  # without them oneDNN widens each product to 32 bits, which is slower


def policy(wanted: bool, cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the Keras dtype policy to train with.

    Args:
        wanted: whether the recipe asks for mixed precision; weights stay float32 either way.
        cpuinfo: where the kernel lists what the processor can do.

    Returns:
        `mixed_bfloat16` where it is wanted and the processor multiplies bfloat16, `mixed_float16` where it
        is wanted and there is a GPU, else `float32`.
    """
    if not wanted:
        return "float32"
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):  # pragma: no cover - not on a machine without one
        return "mixed_float16"
    try:
        flags = cpuinfo.read_text(encoding="utf-8")
    except OSError:
        return "float32"
    return "mixed_bfloat16" if any(flag in flags for flag in _CPU_FLAGS) else "float32"
