"""Which probabilities the patches of each class were given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cancernet.common.defaults import CLASS_NAMES
from cancernet.evaluation.metrics import bin_of
from cancernet.evaluation.ranking import checked

BINS = 20  # equal-width bins of [0, 1]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def distribution(label: ArrayLike, probability: ArrayLike) -> dict[str, Any]:
    """Count the probabilities of each class in equal-width bins, and their quantiles.

    Args:
        label: (N,) of 0 and 1.
        probability: (N,) of malignant.

    Returns:
        {"edges": [BINS + 1], CLASS: {"n", "counts": [BINS], "quantiles": {"0.05": ...}}} for benign and malignant; a
        quantile is None of a class that is not there.

    Raises:
        ValueError: labels or scores that make no sense.

    Example:
        >>> found = distribution([0, 0, 1], [0.02, 0.12, 0.97])
        >>> found["benign"]["counts"][:3], found["malignant"]["quantiles"]["0.5"]
        ([1, 0, 1], 0.97)
    """
    labels, scores = checked(label, probability)
    found: dict[str, Any] = {"edges": (np.arange(BINS + 1) / BINS).tolist()}
    for value, name in enumerate(CLASS_NAMES):
        own = scores[labels == value]
        found[name] = {
            "n": int(own.size),
            "counts": np.bincount(bin_of(own, BINS), minlength=BINS).tolist(),
            "quantiles": {f"{at:g}": float(np.quantile(own, at)) if own.size else None for at in QUANTILES},
        }
    return found
