"""Choose how much of its neighbours a patch is to take in, on specimens that the network did not learn from.

A wide Gaussian makes large tumours whole and drowns small ones, which an average over patches does not show: there, the
sections that are full of tumour decide. So every specimen weighs alike, the threshold is the one that finds the
target share of a specimen's malignant patches on average, and the width is the narrowest of those that spare about
as many benign patches at it as the best one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.context.grid import ADJOINING, MIN_NEIGHBOURS, neighbour_counts, to_grid
from cancernet.context.smooth import calibrated, smooth
from cancernet.evaluation.calibration import fit_platt
from cancernet.evaluation.operating_points import choose_thresholds
from cancernet.model.decide import logit, sigmoid
from cancernet.model.manifest import Context, Thresholds

SIGMAS = (0.0, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0)  # cells; the widths to choose from
SLACK = 0.01  # of specificity: less than specimens differ by, so the narrower Gaussian is preferred
MIN_SPECIMENS = 3  # with fewer, one section would decide
MIN_PATCHES = 100  # of a specimen, most of them with neighbours


def specimens(predictions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the patients whose patches lie side by side, and enough of them with both classes to learn from.

    Args:
        predictions: columns patient, x, y, label, probability; x and y may be missing.

    Returns:
        patient -> its rows.
    """
    known = predictions[predictions["x"].notna() & predictions["y"].notna() & (predictions["patient"] != "")]
    found = {}
    for patient, rows in known.groupby("patient", sort=True):
        if len(rows) < MIN_PATCHES or rows["label"].nunique() < 2 or rows.duplicated(["x", "y"]).any():
            continue
        if np.mean(neighbour_counts(rows["x"], rows["y"]) >= MIN_NEIGHBOURS) > ADJOINING:
            found[str(patient)] = rows
    return found


def fit_context(predictions: pd.DataFrame, *, target_recall: float = defaults.TARGET_RECALL) -> Context | None:
    """Choose the width of the Gaussian, a calibration and thresholds.

    Args:
        predictions: columns patient, x, y, label, probability, of patients the network did not learn from.
        target_recall: for the operating threshold, on average over specimens.

    Returns:
        What `apply_context` takes, for the manifest; None with fewer than `MIN_SPECIMENS` whole specimens.
    """
    found = specimens(predictions)
    if len(found) < MIN_SPECIMENS:
        return None
    sigma, scores = choose_width(found, target_recall)
    near = np.concatenate([neighbour_counts(rows["x"], rows["y"]) for rows in found.values()]) >= MIN_NEIGHBOURS
    odds = np.concatenate([smoothed(rows, sigma) for rows in found.values()])[near]
    rows = pd.concat(found.values())[near]
    label, patient = rows["label"].to_numpy(), rows["patient"].to_numpy()
    scale, offset = fit_platt(label, sigmoid(odds))
    probability = calibrated(odds, scale, offset)
    thresholds = choose_thresholds(label, probability)
    thresholds["target_recall"] = even_threshold(label, probability, patient, target_recall)
    return Context(
        method="gaussian",
        sigma_px=sigma * defaults.PATCH_SIZE,
        scale=scale,
        offset=offset,
        thresholds=Thresholds(**thresholds),
        fitted_on={
            "n_specimens": len(found),
            "n_patches": int(near.sum()),
            "specificity_by_sigma_cells": {f"{key:g}": value for key, value in scores.items()},
        },
    )


def choose_width(found: dict[str, pd.DataFrame], target_recall: float) -> tuple[float, dict[float, float]]:
    """Return the width in cells, and of each width the mean specificity at its threshold for the target recall."""
    label = {patient: rows["label"].to_numpy() for patient, rows in found.items()}
    names = np.repeat(list(found), [len(rows) for rows in found.values()])
    every = np.concatenate(list(label.values()))
    scores = {}
    for sigma in SIGMAS:
        odds = {patient: smoothed(rows, sigma) for patient, rows in found.items()}
        threshold = even_threshold(every, np.concatenate(list(odds.values())), names, target_recall)
        spared = [np.mean(odds[patient][label[patient] == 0] < threshold) for patient in found]
        scores[sigma] = float(np.mean(spared))
    best = max(scores.values())
    return next(sigma for sigma in SIGMAS if scores[sigma] >= best - SLACK), scores


def even_threshold(
    label: NDArray[Any], score: NDArray[np.float64], patient: NDArray[Any], target_recall: float
) -> float:
    """Return the largest threshold at which the mean recall over specimens is at least the target.

    Args:
        label: (N,) of 0 and 1.
        score: (N,), higher is more malignant.
        patient: (N,) names; those without a malignant patch do not count.
        target_recall: in (0, 1].
    """
    malignant, whose = score[label == 1], patient[label == 1]
    _, code, count = np.unique(whose.astype(str), return_inverse=True, return_counts=True)
    order = np.argsort(-malignant, kind="stable")
    reached = np.cumsum(1 / count[code][order]) / len(count)
    last = min(int(np.searchsorted(reached, target_recall - 1e-9)), len(order) - 1)
    return float(malignant[order][last])


def smoothed(rows: pd.DataFrame, sigma: float) -> NDArray[np.float64]:
    """Return the log odds (N,) of a specimen's patches after smoothing by `sigma` cells."""
    x, y = (rows[name].to_numpy(np.int64) for name in ("x", "y"))
    grid = smooth(to_grid(x, y, logit(rows["probability"])), sigma * defaults.PATCH_SIZE)
    return grid.at(x, y).astype(np.float64)
