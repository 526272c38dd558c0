"""From a probability to a decision: malignant, benign or unsure. The only place where one meets a threshold.

NumPy only, so that predicting starts fast.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.common.defaults import CLASS_NAMES

BENIGN, MALIGNANT, UNSURE = 0, 1, -1
WORDS = {BENIGN: CLASS_NAMES[0], MALIGNANT: CLASS_NAMES[1], UNSURE: "unsure"}
EPSILON = 1e-7  # keeps log odds finite; about the resolution of float32

Decisions = NDArray[np.int8]


def decide(probability: ArrayLike, threshold: ArrayLike, *, width: float = 0.0) -> Decisions:
    """Return a decision for each probability, in the shape of `probability`.

    Args:
        probability: of malignant. What is not a number is unsure, never benign.
        threshold: malignant at or above it; one for all, or one for each.
        width: log odds about the threshold within which a patch is unsure; 0 leaves none.

    Returns:
        int8: MALIGNANT (1), BENIGN (0) or UNSURE (-1).

    Example:
        >>> decide([0.2, 0.5, float("nan")], 0.5).tolist()
        [0, 1, -1]
    """
    scores = np.asarray(probability, dtype=np.float64)
    made = np.where(scores >= np.asarray(threshold, dtype=np.float64), MALIGNANT, BENIGN).astype(np.int8)
    made[np.isnan(scores)] = UNSURE
    if width:
        made[distance_to(scores, threshold) < width] = UNSURE
    return made


def words(decisions: ArrayLike) -> list[str]:
    """Return decisions (N,) as the words of the tables.

    Example:
        >>> words([1, 0, -1])
        ['malignant', 'benign', 'unsure']
    """
    return [WORDS[each] for each in np.asarray(decisions).tolist()]


def logit(probability: ArrayLike) -> NDArray[np.float64]:
    """Log odds, finite: probabilities are clipped to [1e-7, 1 - 1e-7]."""
    clipped = np.clip(np.asarray(probability, dtype=np.float64), EPSILON, 1 - EPSILON)
    return np.log(clipped) - np.log1p(-clipped)


def sigmoid(odds: ArrayLike) -> NDArray[np.float64]:
    """Probability of log odds, in the form that overflows nowhere."""
    return 0.5 * (1 + np.tanh(np.asarray(odds, dtype=np.float64) / 2))


def distance_to(probability: ArrayLike, threshold: ArrayLike) -> NDArray[np.float64]:
    """Distance of probabilities to a threshold, in log odds."""
    return np.abs(logit(probability) - logit(threshold))
