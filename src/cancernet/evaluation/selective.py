"""Selective prediction: the patches on which the model says "I don't know".

A patch is unsure when its log odds lie within a width of those of the operating threshold. The width
is fitted on validation patients, each patient being one observation, because patches of one patient
are not exchangeable with those of another while patients are.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet.common.errors import UserError
from cancernet.evaluation.bootstrap import units
from cancernet.evaluation.ranking import Floats, checked, ratio
from cancernet.model.decide import distance_to, logit, sigmoid
from cancernet.model.manifest import Band

Loss = Literal["wrong", "missed"]


def fit_selective(
    predictions: pd.DataFrame,
    threshold: float,
    *,
    abstain_share: float | None = None,
    max_error: float | None = None,
    loss: Loss = "wrong",
) -> Band:
    """Fit the band of abstention on validation patients, by a share to abstain on or an error to keep to.

    With `abstain_share` the band is the widest in which, averaged over patients, at most that share of a
    patient's patches lies.

    With `max_error` it is the narrowest that conformal risk control allows: for a new patient drawn like
    the validation patients, the expected loss is at most `max_error`. The loss of a patient is the share
    of its patches that are answered wrongly ("wrong"), or of its malignant patches that are answered
    benign ("missed"; patients without malignant patches do not count). Unsure patches are in the
    denominator: the promise is about wrong answers given, on average over patients, not about each
    patient, and not about error divided by answers (see `risk_coverage` for that, measured).

    Args:
        predictions: columns path, patient, label, probability of validation patches.
        threshold: the operating threshold.
        abstain_share: in [0, 1).
        max_error: in (0, 1).
        loss: what `max_error` bounds.

    Returns:
        a band: method, threshold, width (log odds), low, high (the band as probabilities, for display), target,
        loss, n_units, abstained (share of patches), error (mean loss).

    Raises:
        UserError: a share out of range, or too few patients for that error.
        ValueError: both or neither of the two aims.

    Source: Angelopoulos, Bates, Fisch, Lei & Schuster 2024, "Conformal risk control", eq. 4, with
    patients as the exchangeable units and 1 as the largest loss.
    """
    if (abstain_share is None) == (max_error is None):
        raise ValueError("give either abstain_share or max_error")
    label, probability = checked(predictions["label"], predictions["probability"])
    unit, n_units = units(predictions)
    distance = distance_to(probability, threshold)
    share, wrong, n_counted = _loss_weights(label, probability >= threshold, unit, n_units, loss)
    if abstain_share is not None:
        width = _width_for_share(distance, 1 / np.bincount(unit)[unit] / max(n_units, 1), abstain_share)
    else:
        width = _width_for_error(distance[wrong], share[wrong], n_counted, float(max_error or 0))
    centre = logit(threshold)
    accepted_wrong = wrong & (distance >= width)
    return Band(
        method="abstain share" if abstain_share is not None else "conformal risk control",
        threshold=float(threshold),
        width=width,
        low=float(sigmoid(centre - width)),
        high=float(sigmoid(centre + width)),
        target=float(abstain_share if abstain_share is not None else max_error or 0),
        loss=loss,
        n_units=n_counted,
        abstained=float((distance < width).mean()) if len(distance) else 0.0,
        error=float(share[accepted_wrong].sum() / max(n_counted, 1)),
    )


def risk_coverage(predictions: pd.DataFrame, threshold: float, *, points: int = 21) -> pd.DataFrame:
    """What abstaining buys: coverage against error among the answered, for bands of growing width.

    Args:
        predictions: columns label, probability; of test patients, for an honest table.
        threshold: the operating threshold.
        points: how many widths, from answering all to answering almost none, evenly in coverage.

    Returns:
        columns width (log odds), coverage (share answered), n_answered, error, recall, specificity (all
        three among the answered; NaN where undefined); coverage falls from 1.

    Raises:
        ValueError: labels or scores that make no sense.

    Source: El-Yaniv & Wiener 2010 (risk-coverage curve).
    """
    label, probability = checked(predictions["label"], predictions["probability"])
    distance = distance_to(probability, threshold)
    called = probability >= threshold
    order = np.argsort(-distance, kind="stable")
    # Cumulative counts from the surest patch down answer every width at once.
    cells = np.stack([(2 * label + called)[order] == index for index in range(4)]).cumsum(axis=1)
    ranked = distance[order]
    last = np.ceil(np.linspace(0, 1, points + 1)[1:] * len(ranked)).astype(int) - 1
    widths = np.unique(np.append(0.0, ranked[np.maximum(last, 0)])) if len(ranked) else np.empty(0)
    rows = []
    for width in widths:
        n = int(np.searchsorted(-ranked, -width, side="right"))
        tn, fp, fn, tp = (int(cell) for cell in cells[:, n - 1])
        rates = ratio([fp + fn, tp, tn], [n, tp + fn, tn + fp])
        rows.append((float(width), n / len(ranked), n, *rates.tolist()))
    return pd.DataFrame(rows, columns=["width", "coverage", "n_answered", "error", "recall", "specificity"])


def _loss_weights(
    label: NDArray[np.int64], called: NDArray[np.bool_], unit: NDArray[np.int64], n_units: int, loss: Loss
) -> tuple[Floats, NDArray[np.bool_], int]:
    """What each patch adds to its patient's loss if wrong, which are wrong, and the patients that count."""
    counts = np.ones_like(label) if loss == "wrong" else label
    size = np.bincount(unit, weights=counts, minlength=n_units)
    wrong = (called != label) & (counts > 0)
    return np.nan_to_num(ratio(1.0, size))[unit], wrong, int((size > 0).sum())


def _width_for_share(distance: Floats, weight: Floats, target: float) -> float:
    if not 0 <= target < 1:
        raise UserError(
            f"abstain share {target:g} is not a share: give a number from 0 up to below 1, such as 0.1"
        )
    edges, member = np.unique(distance, return_inverse=True)
    # Taking in an edge takes in all patches at that distance; unsure is strictly inside the width.
    inside = np.cumsum(np.bincount(member, weights=weight, minlength=edges.size))
    taken = int(np.searchsorted(inside, target + 1e-12, side="right"))
    return float(np.nextafter(edges[taken - 1], np.inf)) if taken else 0.0


def _width_for_error(distance: Floats, loss: Floats, n: int, target: float) -> float:
    """The least width with (n * mean loss + 1) / (n + 1) <= target."""
    if not 0 < target < 1:
        raise UserError(f"error {target:g} is not a share: give a number between 0 and 1, such as 0.1")
    budget = target * (n + 1) - 1
    if budget < -1e-12:
        needed = math.ceil(1 / target - 1 - 1e-9)
        raise UserError(
            f"{n} validation patients are too few to promise an error of {target:g}: "
            f"at least {needed} are needed, or allow a larger error"
        )
    order = np.argsort(-distance, kind="stable")
    edges, spent = distance[order], np.cumsum(loss[order])
    over = np.flatnonzero(spent > budget + 1e-12)
    # The first wrong patch that the budget does not hold, and all nearer ones, must be unsure.
    return float(np.nextafter(edges[over[0]], np.inf)) if over.size else 0.0
