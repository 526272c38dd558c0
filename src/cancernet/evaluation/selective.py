"""Selective prediction: the patches on which the model says "I don't know".

A patch is unsure when its log odds lie within a width of those of the operating threshold. The width
is fitted on validation patients, each patient being one observation, because patches of one patient
are not exchangeable with those of another while patients are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cancernet.common.errors import UserError
from cancernet.evaluation.bootstrap import units
from cancernet.evaluation.ranking import checked, ratio
from cancernet.model.decide import distance_to, logit, sigmoid
from cancernet.model.manifest import Band


def fit_selective(predictions: pd.DataFrame, threshold: float, *, abstain_share: float) -> Band:
    """Fit the widest band in which, averaged over patients, at most a share of a patient's patches lies.

    Args:
        predictions: columns path, patient, label, probability of validation patches.
        threshold: the operating threshold.
        abstain_share: in [0, 1).

    Returns:
        a band; `low` and `high` are its ends as probabilities, `abstained` the share of all patches within, `error` the
        mean over patients of the share of their patches that are answered wrongly.

    Raises:
        UserError: a share out of range.
        ValueError: labels or scores that make no sense.
    """
    if not 0 <= abstain_share < 1:
        raise UserError(
            f"abstain share {abstain_share:g} is not a share: give a number from 0 up to below 1, such as 0.1"
        )
    label, probability = checked(predictions["label"], predictions["probability"])
    unit, n_units = units(predictions)
    weight = 1 / np.bincount(unit)[unit] / max(n_units, 1)  # of a patch in the mean over patients
    distance = distance_to(probability, threshold)
    edges, member = np.unique(distance, return_inverse=True)
    # Taking in an edge takes in all patches at that distance; unsure is strictly inside the width.
    inside = np.cumsum(np.bincount(member, weights=weight, minlength=edges.size))
    taken = int(np.searchsorted(inside, abstain_share + 1e-12, side="right"))
    width = float(np.nextafter(edges[taken - 1], np.inf)) if taken else 0.0
    wrong = ((probability >= threshold) != label) & (distance >= width)
    centre = logit(threshold)
    return Band(
        method="abstain share",
        threshold=float(threshold),
        width=width,
        low=float(sigmoid(centre - width)),
        high=float(sigmoid(centre + width)),
        target=float(abstain_share),
        loss="wrong",
        n_units=n_units,
        abstained=float((distance < width).mean()) if distance.size else 0.0,
        error=float(weight[wrong].sum()),
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
