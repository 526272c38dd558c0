"""Decision thresholds, chosen on validation patients and then left alone."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.evaluation.ranking import checked, ratio

DEFAULT_THRESHOLD = 0.5

OPERATING_POINTS = ("target_recall", "default", "best_f1")  # the first is the headline


def choose_thresholds(
    label: ArrayLike, probability: ArrayLike, *, target_recall: float = defaults.TARGET_RECALL
) -> dict[str, float]:
    """Choose the threshold of each operating point; malignant is probability >= threshold.

    `target_recall` is the largest threshold whose recall here is at least the target, `default` is 0.5
    and `best_f1` maximises the F1 of the malignant class. Pass validation patients only: a threshold
    chosen on the patients it is reported on flatters the model.

    Args:
        label: (N,) of 0 and 1, validation patches.
        probability: (N,) probability of malignant.
        target_recall: in (0, 1].

    Returns:
        a threshold for each name in `OPERATING_POINTS`.

    Raises:
        UserError: no malignant patch to choose on, or a target outside (0, 1].
        ValueError: shapes, labels or scores that make no sense.

    Example:
        >>> choose_thresholds([0, 1, 1, 1, 1], [0.3, 0.2, 0.6, 0.7, 0.9], target_recall=0.75)
        {'target_recall': 0.6, 'default': 0.5, 'best_f1': 0.2}
    """
    labels, scores = checked(label, probability)
    return {
        "target_recall": recall_threshold(labels, scores, target_recall),
        "default": DEFAULT_THRESHOLD,
        "best_f1": best_f1_threshold(labels, scores),
    }


def recall_threshold(label: ArrayLike, probability: ArrayLike, target: float) -> float:
    """The largest threshold with recall >= target: the probability of the last patch that must be found.

    Raises:
        UserError: no malignant patch, or a target outside (0, 1].
    """
    if not 0 < target <= 1:
        raise UserError(f"target recall {target:g} is not a share: give a number above 0 and up to 1, such as 0.95")
    malignant = _malignant(label, probability)
    # The slack undoes rounding such as 0.07 * 100 = 7.000000000000001, which would ask for one more.
    needed = max(1, math.ceil(target * malignant.size - 1e-9))
    return float(np.sort(malignant)[::-1][needed - 1])


def best_f1_threshold(label: ArrayLike, probability: ArrayLike) -> float:
    """The threshold of highest malignant F1; of equals the lowest, which finds the most.

    Raises:
        UserError: no malignant patch.
    """
    malignant = np.sort(_malignant(label, probability))
    # F1 can only peak where a malignant patch is gained, so their scores are the candidates.
    candidates = np.unique(malignant)
    everyone = np.sort(np.asarray(probability, dtype=np.float64))
    found = malignant.size - np.searchsorted(malignant, candidates, side="left")
    called = everyone.size - np.searchsorted(everyone, candidates, side="left")
    return float(candidates[int(np.argmax(ratio(2 * found, called + malignant.size)))])


def _malignant(label: ArrayLike, probability: ArrayLike) -> np.ndarray:
    labels, scores = checked(label, probability)
    if not labels.any():
        raise UserError(
            "the validation patients hold no malignant patch, so no threshold can be chosen on them: "
            "choose another split (--split grouped, another --seed) or add patients"
        )
    return scores[labels == 1]
