"""Whether a stated probability can be read as one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cancernet import defaults
from cancernet.errors import UserError
from cancernet.evaluation.metrics import bin_of
from cancernet.evaluation.ranking import Floats, checked, ratio

EPSILON = 1e-7  # keeps log odds finite
TEMPERATURES = (0.05, 20.0)  # beyond these a model is certain, or chance, at every patch


def reliability(
    label: ArrayLike, probability: ArrayLike, bins: int = defaults.CALIBRATION_BINS
) -> pd.DataFrame:
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


def logit(probability: ArrayLike) -> Floats:
    """Log odds, finite: probabilities are clipped to [1e-7, 1 - 1e-7], about the resolution of float32."""
    clipped = np.clip(np.asarray(probability, dtype=np.float64), EPSILON, 1 - EPSILON)
    return np.log(clipped) - np.log1p(-clipped)


def fit_temperature(label: ArrayLike, probability: ArrayLike) -> float:
    """The temperature that makes probabilities most likely, on validation patches.

    One number for the whole model: it dampens (above 1) or sharpens (below 1) every probability and
    changes no ranking, so AUC stays; a threshold has to be moved with `apply_temperature` too.

    Args:
        label: (N,) of 0 and 1.
        probability: (N,) in [0, 1], of malignant.

    Returns:
        a temperature between 0.05 and 20.

    Raises:
        UserError: one class only, where no finite temperature is best.
        ValueError: shapes, labels or scores that make no sense.

    Source: Guo et al. 2017, "On calibration of modern neural networks", section 4.2.
    """
    from scipy.optimize import minimize_scalar

    labels, scores = checked(label, probability)
    if np.unique(labels).size < 2:
        raise UserError("calibration needs benign and malignant validation patches: choose another split")
    signed = np.where(labels == 1, 1.0, -1.0) * logit(scores)

    def loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -signed * np.exp(-log_temperature)).mean())

    # The loss has one minimum along the logarithm of the temperature (it is convex in 1 / temperature).
    return float(np.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x))


def apply_temperature(probability: ArrayLike, temperature: float) -> Floats:
    """Probabilities (N,) with their log odds divided by the temperature; 1 leaves them as they are.

    Raises:
        ValueError: a temperature that is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"a temperature must be above 0, not {temperature:g}")
    return 0.5 * (1 + np.tanh(logit(probability) / temperature / 2))


def uncalibrated(probability: ArrayLike, *, scale: float, offset: float) -> Floats:
    """Probabilities (N,) before a calibration that made `scale * logit + offset` of their log odds."""
    return 0.5 * (1 + np.tanh((logit(probability) - offset) / scale / 2))
