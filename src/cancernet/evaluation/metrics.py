"""Metrics of malignant-patch detection: pure functions of labels, probabilities and a threshold.

The rule everywhere: a patch is called malignant when its probability >= threshold. Every function
takes `weight`: None, (N,), or (B, N) for B weightings at once (then it returns (B,) arrays). What is
undefined (recall without a malignant patch, precision without a malignant call) is NaN, never 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.common import defaults
from cancernet.evaluation.ranking import (
    Floats,
    auc,
    average_precision,
    checked,
    like_weight,
    ratio,
    weights_2d,
)

__all__ = [
    "RATES",
    "accuracy",
    "auc",
    "average_precision",
    "balanced_accuracy",
    "bin_of",
    "brier",
    "class_report",
    "confusion",
    "expected_calibration_error",
    "f1",
    "f1_weighted",
    "precision",
    "rates",
    "recall",
    "specificity",
]

RATES = ("recall", "specificity", "precision", "f1", "f1_weighted", "balanced_accuracy", "accuracy")


def rates(tn: ArrayLike, fp: ArrayLike, fn: ArrayLike, tp: ArrayLike) -> dict[str, Floats]:
    """Every thresholded rate from the four cells of the confusion matrix (numbers or equal arrays).

    `f1` is of the malignant class. `f1_weighted` averages the two classes' F1 by how many patches each
    truly has; it comes out much higher on this data and is what some papers call "F1".

    Returns:
        the names in `RATES` -> float64 arrays of the cells' shape; NaN where undefined.
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


def confusion(
    label: ArrayLike, probability: ArrayLike, threshold: float, weight: ArrayLike | None = None
) -> tuple[float | Floats, float | Floats, float | Floats, float | Floats]:
    """The confusion matrix (tn, fp, fn, tp), malignant being positive.

    Args:
        label: (N,) of 0 and 1.
        probability: (N,) probability of malignant.
        threshold: called malignant at or above it.
        weight: None, (N,) or (B, N).

    Returns:
        four floats (whole numbers without weights), or four (B,) arrays for (B, N) weights.

    Raises:
        ValueError: shapes, labels or scores that make no sense.
    """
    labels, scores = checked(label, probability)
    rows = weights_2d(weight, labels.size)
    cell = 2 * labels + (scores >= threshold)  # 0 tn, 1 fp, 2 fn, 3 tp
    tn, fp, fn, tp = (like_weight(rows @ (cell == index).astype(np.float64), weight) for index in range(4))
    return tn, fp, fn, tp


def _rate(
    name: str, label: ArrayLike, probability: ArrayLike, threshold: float, weight: ArrayLike | None
) -> float | Floats:
    value = rates(*confusion(label, probability, threshold, weight))[name]
    return value if value.ndim else float(value)


def recall(
    label: ArrayLike, probability: ArrayLike, threshold: float, weight: ArrayLike | None = None
) -> float | Floats:
    """Share of malignant patches called malignant (sensitivity); NaN without a malignant patch.

    Example:
        >>> recall([0, 1, 1], [0.2, 0.5, 0.4], 0.5)
        0.5
    """
    return _rate("recall", label, probability, threshold, weight)


def specificity(
    label: ArrayLike, probability: ArrayLike, threshold: float, weight: ArrayLike | None = None
) -> float | Floats:
    """Share of benign patches called benign; NaN without a benign patch."""
    return _rate("specificity", label, probability, threshold, weight)


def precision(
    label: ArrayLike, probability: ArrayLike, threshold: float, weight: ArrayLike | None = None
) -> float | Floats:
    """Share of malignant calls that are malignant; NaN without a malignant call."""
    return _rate("precision", label, probability, threshold, weight)


def f1(
    label: ArrayLike, probability: ArrayLike, threshold: float, weight: ArrayLike | None = None
) -> float | Floats:
    """F1 of the malignant class: harmonic mean of its precision and recall."""
    return _rate("f1", label, probability, threshold, weight)


def f1_weighted(
    label: ArrayLike, probability: ArrayLike, threshold: float, weight: ArrayLike | None = None
) -> float | Floats:
    """F1 of both classes averaged by true class size (scikit-learn's `average="weighted"`)."""
    return _rate("f1_weighted", label, probability, threshold, weight)


def balanced_accuracy(
    label: ArrayLike, probability: ArrayLike, threshold: float, weight: ArrayLike | None = None
) -> float | Floats:
    """Mean of recall and specificity; NaN where a class is absent."""
    return _rate("balanced_accuracy", label, probability, threshold, weight)


def accuracy(
    label: ArrayLike, probability: ArrayLike, threshold: float, weight: ArrayLike | None = None
) -> float | Floats:
    """Share of patches called rightly; flattering where one class is rare."""
    return _rate("accuracy", label, probability, threshold, weight)


def brier(label: ArrayLike, probability: ArrayLike, weight: ArrayLike | None = None) -> float | Floats:
    """Mean squared difference between probability and label, 0 best (Brier 1950)."""
    labels, scores = checked(label, probability)
    rows = weights_2d(weight, labels.size)
    return like_weight(ratio(rows @ (scores - labels) ** 2, rows.sum(axis=1)), weight)


def bin_of(probability: ArrayLike, bins: int) -> NDArray[np.int64]:
    """Index (N,) of the equal-width bin of [0, 1] each probability falls in; 1.0 is in the last."""
    return np.clip((np.asarray(probability, dtype=np.float64) * bins).astype(np.int64), 0, bins - 1)


def expected_calibration_error(
    label: ArrayLike,
    probability: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    bins: int = defaults.CALIBRATION_BINS,
) -> float | Floats:
    """Mean gap between stated probability and observed share of malignant, over equal-width bins.

    Of the probability of malignant, not of the confidence in the winning class: a consumer reads the
    former. Source: Guo et al. 2017, eq. 3.

    Args:
        label: (N,) of 0 and 1.
        probability: (N,) in [0, 1].
        weight: None, (N,) or (B, N).
        bins: how many equal-width bins.

    Raises:
        ValueError: shapes, labels or scores that make no sense.
    """
    labels, scores = checked(label, probability)
    rows = weights_2d(weight, labels.size)
    member = bin_of(scores, bins)[:, None] == np.arange(bins)
    # Within a bin, size * |mean probability - share malignant| is |sum of residuals|.
    gaps = np.abs(rows @ np.where(member, (scores - labels)[:, None], 0.0)).sum(axis=1)
    return like_weight(ratio(gaps, rows.sum(axis=1)), weight)


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
    return str(
        classification_report(labels, called, labels=[0, 1], target_names=names, digits=3, zero_division=0)
    )
