"""Metrics of malignant-patch detection at a threshold, as pure functions; those of the order are in `ranking`.

The rule everywhere: a patch is called malignant when its probability >= threshold. What is undefined (recall without a
malignant patch, precision without a malignant call) is NaN, never 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.common import defaults
from cancernet.evaluation.ranking import Floats, auc, average_precision, checked, ratio

__all__ = [
    "RATES",
    "auc",
    "average_precision",
    "bin_of",
    "class_report",
    "confusion",
    "expected_calibration_error",
    "rates",
]

RATES = ("recall", "specificity", "precision", "f1", "f1_weighted", "balanced_accuracy", "accuracy")


def rates(tn: ArrayLike, fp: ArrayLike, fn: ArrayLike, tp: ArrayLike) -> dict[str, Floats]:
    """Every thresholded rate from the four cells of the confusion matrix (numbers or equal arrays).

    `f1` is of the malignant class. `f1_weighted` averages the two classes' F1 by how many patches each
    truly has; it comes out much higher on this data and is what some papers call "F1".

    Returns:
        the names in `RATES` -> float64 arrays of the cells' shape; NaN where undefined.

    Example:
        >>> float(rates(tn=8, fp=2, fn=1, tp=3)["recall"])
        0.75
    """
    tn, fp, fn, tp = (np.asarray(cell, dtype=np.float64) for cell in (tn, fp, fn, tp))
    benign, malignant = tn + fp, fn + tp
    sensitivity, specific = ratio(tp, malignant), ratio(tn, benign)
    f1_malignant, f1_benign = ratio(2 * tp, 2 * tp + fp + fn), ratio(2 * tn, 2 * tn + fp + fn)
    # An absent class weighs nothing; its undefined F1 must not spoil the average.
    both = np.nan_to_num(f1_malignant) * malignant + np.nan_to_num(f1_benign) * benign
    return {
        "recall": sensitivity,
        "specificity": specific,
        "precision": ratio(tp, tp + fp),
        "f1": f1_malignant,
        "f1_weighted": ratio(both, benign + malignant),
        "balanced_accuracy": (sensitivity + specific) / 2,
        "accuracy": ratio(tp + tn, benign + malignant),
    }


def confusion(label: ArrayLike, probability: ArrayLike, threshold: float) -> tuple[int, int, int, int]:
    """The confusion matrix (tn, fp, fn, tp), malignant being positive.

    Args:
        label: (N,) of 0 and 1.
        probability: (N,) probability of malignant.
        threshold: called malignant at or above it.

    Raises:
        ValueError: shapes, labels or scores that make no sense.

    Example:
        >>> confusion([0, 1, 1], [0.2, 0.5, 0.4], 0.5)
        (1, 0, 1, 1)
    """
    labels, scores = checked(label, probability)
    tn, fp, fn, tp = np.bincount(2 * labels + (scores >= threshold), minlength=4).tolist()
    return tn, fp, fn, tp


def bin_of(probability: ArrayLike, bins: int) -> NDArray[np.int64]:
    """Index (N,) of the equal-width bin of [0, 1] each probability falls in; 1.0 is in the last."""
    return np.clip((np.asarray(probability, dtype=np.float64) * bins).astype(np.int64), 0, bins - 1)


def expected_calibration_error(
    label: ArrayLike, probability: ArrayLike, *, bins: int = defaults.CALIBRATION_BINS
) -> float:
    """Mean gap between stated probability and observed share of malignant, over equal-width bins.

    Of the probability of malignant, not of the confidence in the winning class: a consumer reads the
    former. Source: Guo et al. 2017, eq. 3.

    Args:
        label: (N,) of 0 and 1.
        probability: (N,) in [0, 1].
        bins: how many equal-width bins.

    Returns:
        from 0 to 1; NaN without a patch.

    Raises:
        ValueError: shapes, labels or scores that make no sense.
    """
    labels, scores = checked(label, probability)
    # Within a bin, size * |mean probability - share malignant| is |sum of residuals|.
    gaps = np.bincount(bin_of(scores, bins), weights=scores - labels, minlength=bins)
    return float(ratio(np.abs(gaps).sum(), labels.size))


def class_report(label: ArrayLike, probability: ArrayLike, threshold: float) -> str:
    """Precision, recall, F1 and support by class as scikit-learn's `classification_report` prints them.

    Raises:
        ValueError: shapes, labels or scores that make no sense.
    """
    from sklearn.metrics import classification_report

    labels, scores = checked(label, probability)
    if labels.size == 0:
        return "no patches"
    names = list(defaults.CLASS_NAMES)
    called = (scores >= threshold).astype(np.int64)
    return str(classification_report(labels, called, labels=[0, 1], target_names=names, digits=3, zero_division=0))
