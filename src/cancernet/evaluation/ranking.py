"""Metrics of the order of the scores: area under the ROC curve and average precision.

Their curves take many sets of weights at once, because a bootstrap over patients is nothing but sets of whole-number
weights: sorting once and summing cumulatively serves every resample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def checked(label: ArrayLike, probability: ArrayLike) -> tuple[NDArray[np.int64], Floats]:
    """Give labels and probabilities as arrays that every metric can rely on.

    Args:
        label: (N,) of 0 (benign) and 1 (malignant).
        probability: (N,) finite scores.

    Returns:
        (N,) int64 labels and (N,) float64 probabilities.

    Raises:
        ValueError: other shapes, other labels, or scores that are not finite.
    """
    labels, scores = np.asarray(label), np.asarray(probability, dtype=np.float64)
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise ValueError(f"labels {labels.shape} and probabilities {scores.shape} must be two equal 1-D arrays")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("labels must be 0 (benign) or 1 (malignant)")
    if not np.isfinite(scores).all():
        raise ValueError("probabilities must be finite numbers")
    return labels.astype(np.int64), scores


def ratio(top: ArrayLike, bottom: ArrayLike) -> Floats:
    """Divide, giving NaN (undefined) where the denominator is 0."""
    over, under = np.broadcast_arrays(np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64))
    return np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0)


def finite(value: float) -> float | None:
    """Return a number as JSON has it: None where it is undefined."""
    return float(value) if np.isfinite(value) else None


def cumulative(label: NDArray[np.int64], score: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Weight of malignant and of benign patches at or above each distinct score, highest score first.

    Args:
        label: (N,) from `checked`.
        score: (N,) from `checked`; cheapest when already sorted, highest first.
        rows: (B, N) weights.

    Returns:
        two (B, K) arrays, K distinct scores: with a 0 in front, the ROC curve before scaling.
    """
    if (score[1:] > score[:-1]).any():  # a bootstrap sorts once, before its many calls
        order = np.argsort(-score, kind="stable")
        label, score, rows = label[order], score[order], rows[:, order]
    everyone = np.cumsum(rows, axis=1)
    malignant = np.cumsum(rows * label, axis=1)
    # Tied scores are one step of the curve: only the last patch of each tie is kept.
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True)[: score.size])
    if last.size < score.size:
        everyone, malignant = everyone[:, last], malignant[:, last]
    everyone -= malignant
    return malignant, everyone


def area_under_roc(malignant: Floats, benign: Floats) -> Floats:
    """AUC (B,) of curves from `cumulative`; NaN where one class has no weight."""
    if malignant.shape[1] == 0:
        return np.full(malignant.shape[0], np.nan)
    # Trapezia of doubled area: a tie counts half.
    doubled = np.einsum("bk,bk->b", np.diff(benign, axis=1), malignant[:, 1:] + malignant[:, :-1])
    doubled += benign[:, 0] * malignant[:, 0]
    return ratio(doubled / 2, malignant[:, -1] * benign[:, -1])


def area_under_precision(malignant: Floats, benign: Floats) -> Floats:
    """Average precision (B,) of curves from `cumulative`; NaN where one class has no weight."""
    if malignant.shape[1] == 0:
        return np.full(malignant.shape[0], np.nan)
    called = malignant + benign
    called[called == 0] = 1  # nothing gained there either: 0 / 1 instead of 0 / 0
    precision = np.divide(malignant, called, out=called)
    gained = np.einsum("bk,bk->b", np.diff(malignant, axis=1), precision[:, 1:])
    gained += malignant[:, 0] * precision[:, 0]
    value = ratio(gained, malignant[:, -1])
    value[benign[:, -1] <= 0] = np.nan
    return value


def auc(label: ArrayLike, probability: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a malignant patch outscores a benign one, ties half.

    Args:
        label: (N,) of 0 and 1.
        probability: (N,) scores, higher is more malignant.

    Returns:
        from 0 to 1; NaN where one class is missing.

    Raises:
        ValueError: shapes, labels or scores that make no sense.

    Source: Hanley & McNeil 1982, the Mann-Whitney form.

    Example:
        >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75
    """
    return float(area_under_roc(*_curve(label, probability))[0])


def average_precision(label: ArrayLike, probability: ArrayLike) -> float:
    """Average precision: precision at each distinct score, weighted by the recall gained there.

    No interpolation, as scikit-learn defines it; its chance level is the prevalence. Arguments and errors as of `auc`;
    NaN where either class is missing (with malignant patches only it would be 1 whatever the model).

    Example:
        >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 3)
        0.833
    """
    return float(area_under_precision(*_curve(label, probability))[0])


def _curve(label: ArrayLike, probability: ArrayLike) -> tuple[Floats, Floats]:
    labels, scores = checked(label, probability)
    return cumulative(labels, scores, np.ones((1, labels.size)))
