"""From a probability to an answer: malignant, benign or, within a band about the threshold, unsure.

NumPy only, so that predicting starts fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

UNSURE = -1  # beside the labels 0 and 1
EPSILON = 1e-7  # keeps log odds finite; about the resolution of float32


def logit(probability: ArrayLike) -> NDArray[np.float64]:
    """Log odds, finite: probabilities are clipped to [1e-7, 1 - 1e-7]."""
    clipped = np.clip(np.asarray(probability, dtype=np.float64), EPSILON, 1 - EPSILON)
    return np.log(clipped) - np.log1p(-clipped)


def distance_to(probability: ArrayLike, threshold: float) -> NDArray[np.float64]:
    """Distance (N,) of probabilities to a threshold, in log odds."""
    return np.abs(logit(probability) - logit(threshold))


def apply_selective(selective: Mapping[str, Any], probability: ArrayLike) -> NDArray[np.int8]:
    """Answers (N,): 1 malignant, 0 benign, UNSURE (-1) inside the band.

    Args:
        selective: threshold and width, from `cancernet.evaluation.fit_selective`, also after a trip through
            JSON; a width of 0 leaves nothing unsure.
        probability: (N,) probability of malignant.
    """
    scores = np.asarray(probability, dtype=np.float64)
    answer = (scores >= selective["threshold"]).astype(np.int8)
    answer[distance_to(scores, selective["threshold"]) < selective["width"]] = UNSURE
    return answer
