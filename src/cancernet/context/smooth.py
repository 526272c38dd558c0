"""A patch's probability in the light of its neighbours.

Tumour does not end at a patch's edge: what lies around a patch tells about it. Its log odds are averaged with those
of its neighbours, weighted by a Gaussian of their distance, over the patches that are there. The width of the
Gaussian, a calibration and thresholds of its own are chosen on specimens the network did not learn from, and lie in
the bundle. A patch with hardly a neighbour keeps the probability and the threshold it has by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.common.defaults import PATCH_SIZE
from cancernet.context.grid import MIN_NEIGHBOURS, Grid, neighbour_counts, to_grid
from cancernet.model.decide import MALIGNANT, Decisions, logit, sigmoid
from cancernet.model.model import Model

REACH = 4.0  # widths after which a Gaussian weighs less than one in three thousand


@dataclass(frozen=True)
class Contextual:
    """Patches with their surroundings taken in.

    Attributes:
        probability: float64 (N,) of malignant, calibrated.
        threshold: float64 (N,), malignant at or above it.
        in_context: bool (N,), whether neighbours were taken in.
        decision: int8 (N,), from `Model.decide`.
    """

    probability: NDArray[np.float64]
    threshold: NDArray[np.float64]
    in_context: NDArray[np.bool_]
    decision: Decisions

    @property
    def malignant(self) -> NDArray[np.bool_]:
        """The patches (N,) that are called malignant."""
        return self.decision == MALIGNANT


def apply_context(
    model: Model,
    x: ArrayLike,
    y: ArrayLike,
    probability: ArrayLike,
    *,
    step: int = PATCH_SIZE,
    reasons: Sequence[str] | NDArray[np.object_] | None = None,
) -> Contextual:
    """Take the neighbours of each patch of one section into account, as the model says.

    Args:
        model: without a context, and for patches with fewer than `MIN_NEIGHBOURS` neighbours, probabilities and
            threshold stay as they are.
        x: (N,) px, left edges at the model's scale, of one section.
        y: (N,) px, top edges.
        probability: (N,) of malignant, each patch by itself.
        step: px from one patch to the next; the width of the Gaussian is kept in px.
        reasons: (N,) from `Model.judge`; a patch with one is as good as absent to its neighbours.

    Raises:
        UserError: positions that are on no grid.
    """
    alone = np.asarray(probability, np.float64)
    near, taken = np.zeros(alone.shape, bool), alone.copy()
    judged = np.ones(alone.shape, bool) if reasons is None else np.asarray(reasons) == ""
    if model.context is not None and judged.any():
        x, y = np.asarray(x)[judged], np.asarray(y)[judged]
        near[judged] = neighbour_counts(x, y, step=step) >= MIN_NEIGHBOURS
        grid = to_grid(x, y, logit(alone[judged]), step=step)
        odds = smooth(grid, model.context.sigma_px).at(x, y).astype(np.float64)
        among = calibrated(odds, model.context.scale, model.context.offset)
        taken[judged] = np.where(near[judged], among, alone[judged])
    decision = model.decide(taken, in_context=near, reasons=reasons)
    return Contextual(taken, model.threshold_of(taken, near), near, decision)


def calibrated(odds: NDArray[np.float64], scale: float, offset: float) -> NDArray[np.float64]:
    """Return probabilities (N,) from smoothed log odds (N,)."""
    return sigmoid(scale * odds + offset)


def smooth(grid: Grid, sigma_px: float) -> Grid:
    """Average each cell with its neighbours, weighted by a Gaussian; gaps weigh nothing and stay gaps.

    Args:
        grid: log odds.
        sigma_px: px, standard deviation of the Gaussian; 0 leaves all as it is.

    Source: normalised convolution, Knutsson & Westin 1993.
    """
    from scipy.ndimage import gaussian_filter

    if sigma_px <= 0:
        return grid
    there = grid.there
    how = {"sigma": sigma_px / grid.step, "mode": "constant", "truncate": REACH}
    total = gaussian_filter(np.where(there, grid.values, 0).astype(np.float64), **how)
    weight = gaussian_filter(there.astype(np.float64), **how)
    values = np.where(there, total / np.where(there, weight, 1), np.nan)
    return Grid(values.astype(np.float32), grid.x0, grid.y0, grid.step)
