"""What a trained network said of a large val side, kept beside the features: scoring it again would cost an epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.common.files import replacing
from cancernet.model.model import Model

MOST_BYTES = 100_000_000  # of a file that is read; a million patches have 4 MB


def keep_held(cache: Path, fingerprint: str, probability: NDArray[np.floating]) -> None:
    """Keep the calibrated probabilities (N,) of all val patches, in their order, of the run of that fingerprint.

    They go to the user's own cache and not into the bundle: what came with a bundle would be a stranger's word.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with replacing(_place(cache, fingerprint)) as temporary, temporary.open("wb") as file:
        np.save(file, probability.astype("float32"))


def kept_held(cache: Path, model: Model, n_val: int) -> NDArray[np.float32] | None:
    """Return what was kept of a model that was trained here, float32 (n_val,); nothing where there is none.

    Args:
        cache: folder of cached features.
        model: just trained, or found trained by the same run before.
        n_val: how many val patches there are.
    """
    path = _place(cache, model.manifest.training.fingerprint if model.manifest.training else "")
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    usable = found.shape == (n_val,) and found.dtype == np.float32 and bool(((found >= 0) & (found <= 1)).all())
    return found if usable else None


def _place(cache: Path, fingerprint: str) -> Path:
    return cache / f"held-{fingerprint[:32]}.npy"
