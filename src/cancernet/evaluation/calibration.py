"""Whether a stated probability can be read as one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.evaluation.metrics import bin_of
from cancernet.evaluation.ranking import Floats, checked, ratio
from cancernet.model.decide import logit, sigmoid

SCALES = (0.05, 20.0)  # beyond these a model is chance, or certain, at every patch
OFFSETS = (-20.0, 20.0)


def reliability(label: ArrayLike, probability: ArrayLike, bins: int = defaults.CALIBRATION_BINS) -> pd.DataFrame:
    """The reliability diagram as a table: stated against observed, in equal-width bins.

    Args:
        label: (N,) of 0 and 1.
        probability: (N,) in [0, 1].
        bins: how many.

    Returns:
        one row a bin, empty bins too: low, high (edges), n, mean_probability, fraction_malignant (NaN
        where empty).

    Raises:
        ValueError: shapes, labels or scores that make no sense.

    Source: Guo et al. 2017, section 2.
    """
    labels, scores = checked(label, probability)
    member = bin_of(scores, bins)
    n = np.bincount(member, minlength=bins)
    edges = np.arange(bins + 1) / bins
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "n": n,
            "mean_probability": ratio(np.bincount(member, weights=scores, minlength=bins), n),
            "fraction_malignant": ratio(np.bincount(member, weights=labels, minlength=bins), n),
        }
    )


def fit_platt(label: ArrayLike, probability: ArrayLike) -> tuple[float, float]:
    """The scale and offset of the log odds that make held-out labels most likely.

    A scale dampens or sharpens every probability; the offset takes back a shift of all, as class weights
    leave one. Neither changes the ranking, so AUC stays; a threshold moves with `apply_platt`.

    Args:
        label: (N,) of 0 and 1.
        probability: (N,) in [0, 1], of malignant, by a model that did not learn from these patches.

    Returns:
        scale between 0.05 and 20, and offset between -20 and 20.

    Raises:
        UserError: one class only, where no finite offset is best.
        ValueError: shapes, labels or scores that make no sense.

    Source: Platt 1999, "Probabilistic outputs for support vector machines", without its prior on labels.
    """
    from scipy.optimize import minimize

    labels, scores = checked(label, probability)
    if np.unique(labels).size < 2:
        raise UserError("calibration needs benign and malignant validation patches: choose another split")
    odds, sign = logit(scores), np.where(labels == 1, 1.0, -1.0)

    def loss(both: Floats) -> tuple[float, Floats]:
        signed = sign * (both[0] * odds + both[1])
        slope = -sign * sigmoid(-signed) / labels.size
        return float(np.logaddexp(0, -signed).mean()), np.array([slope @ odds, slope.sum()])

    found = minimize(loss, (1.0, 0.0), jac=True, bounds=(SCALES, OFFSETS), method="L-BFGS-B")
    return float(found.x[0]), float(found.x[1])


def fit_offset(label: ArrayLike, probability: ArrayLike) -> tuple[float, float]:
    """Fit what `fit_platt` does with a scale of 1: for patients too few to tell how steep the log odds are.

    Returns:
        1, and the offset between -20 and 20.

    Raises:
        UserError: one class only.
        ValueError: shapes, labels or scores that make no sense.
    """
    from scipy.optimize import brentq

    labels, scores = checked(label, probability)
    if np.unique(labels).size < 2:
        raise UserError("calibration needs benign and malignant patches")
    odds = logit(scores)

    def excess(offset: float) -> float:
        return float(sigmoid(odds + offset).mean() - labels.mean())

    low, high = OFFSETS
    if excess(low) > 0 or excess(high) < 0:
        return 1.0, low if excess(low) > 0 else high
    return 1.0, float(brentq(excess, low, high))


def apply_platt(probability: ArrayLike, scale: float, offset: float) -> Floats:
    """Probabilities (N,) with `scale * logit + offset` for log odds; 1 and 0 leave them as they are.

    Raises:
        ValueError: a scale that is not above 0.
    """
    if not scale > 0:
        raise ValueError(f"a scale must be above 0, not {scale:g}")
    return sigmoid(scale * logit(probability) + offset)


def undo_platt(probability: ArrayLike, scale: float, offset: float) -> Floats:
    """Probabilities (N,) as they were before `apply_platt`."""
    return apply_platt(probability, 1 / scale, -offset / scale)
