"""Choose how much of its neighbours a patch is to take in, on specimens that the network did not learn from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet import defaults
from cancernet.answers import logit
from cancernet.evaluation.calibration import fit_platt
from cancernet.evaluation.metrics import auc
from cancernet.evaluation.operating_points import choose_thresholds
from cancernet.maps.context import MIN_NEIGHBOURS, calibrated, smooth
from cancernet.maps.grid import Grid, neighbours, to_grid

SIGMAS = (0.0, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0)  # cells; the widths to choose from
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
        if np.mean(neighbour_counts(rows) >= MIN_NEIGHBOURS) > 0.5:
            found[str(patient)] = rows
    return found


def fit_context(
    predictions: pd.DataFrame, *, target_recall: float = defaults.TARGET_RECALL
) -> dict[str, Any] | None:
    """Choose the width of the Gaussian, a calibration and thresholds.

    The width is that of the highest AUC within a specimen, on average; each specimen counts alike.

    Args:
        predictions: columns patient, x, y, label, probability, of patients the network did not learn from.
        target_recall: for the operating threshold.

    Returns:
        What `apply_context` takes, for the manifest; None with fewer than `MIN_SPECIMENS` whole specimens.
    """
    found = specimens(predictions)
    if len(found) < MIN_SPECIMENS:
        return None
    scores = {
        sigma: float(np.mean([auc(rows["label"], smoothed(rows, sigma)) for rows in found.values()]))
        for sigma in SIGMAS
    }
    sigma = max(scores, key=lambda key: scores[key])
    rows = pd.concat(found.values())
    odds = np.concatenate([smoothed(each, sigma) for each in found.values()])
    near = np.concatenate([neighbour_counts(each) for each in found.values()]) >= MIN_NEIGHBOURS
    label = rows["label"].to_numpy()[near]
    scale, offset = fit_platt(label, 0.5 * (1 + np.tanh(odds[near] / 2)))
    context: dict[str, Any] = {
        "method": "gaussian",
        "sigma_px": sigma * defaults.PATCH_SIZE,
        "scale": scale,
        "offset": offset,
    }
    probability = calibrated(odds[near], context)
    return context | {
        "thresholds": choose_thresholds(label, probability, target_recall=target_recall),
        "fitted_on": {
            "n_specimens": len(found),
            "n_patches": int(near.sum()),
            "auc_by_sigma_cells": {f"{key:g}": value for key, value in scores.items()},
        },
    }


def mean_auc(sections: Iterable[pd.DataFrame], sigma: float) -> float:
    """Return the mean AUC within each section after smoothing by `sigma` cells."""
    return float(np.mean([auc(rows["label"], smoothed(rows, sigma)) for rows in sections]))


def smoothed(rows: pd.DataFrame, sigma: float) -> NDArray[np.float64]:
    """Return the log odds (N,) of a specimen's patches after smoothing by `sigma` cells."""
    x, y = (rows[name].to_numpy(np.int64) for name in ("x", "y"))
    grid = smooth(to_grid(x, y, logit(rows["probability"])), sigma * defaults.PATCH_SIZE)
    return grid.at(x, y).astype(np.float64)


def neighbour_counts(rows: pd.DataFrame) -> NDArray[np.float32]:
    """Return how many of its eight neighbours each patch (N,) of a specimen has."""
    x, y = (rows[name].to_numpy(np.int64) for name in ("x", "y"))
    grid = to_grid(x, y, np.zeros(len(rows)))
    return Grid(neighbours(grid.there).astype(np.float32), grid.x0, grid.y0, grid.step).at(x, y)
