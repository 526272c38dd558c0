"""A patch's probability in the light of its neighbours.

Tumour does not end at a patch's edge: what lies around a patch tells about it. Its log odds are averaged with those
of its neighbours, weighted by a Gaussian of their distance, over the patches that are there. The width of the
Gaussian, a calibration and thresholds of its own are chosen on specimens the network did not learn from, and lie in
the bundle. A patch with hardly a neighbour keeps the probability and the threshold it has by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.common.defaults import PATCH_SIZE
from cancernet.context.grid import Grid, neighbours, to_grid
from cancernet.model.bundle import Bundle
from cancernet.model.decide import logit

MIN_NEIGHBOURS = 3  # of eight: the corner of a section has three
REACH = 4.0  # widths after which a Gaussian weighs less than one in three thousand


@dataclass(frozen=True)
class Contextual:
    """Patches with their surroundings taken in.

    Attributes:
        probability: float64 (N,) of malignant, calibrated.
        threshold: float64 (N,), malignant at or above it.
        in_context: bool (N,), whether neighbours were taken in.
    """

    probability: NDArray[np.float64]
    threshold: NDArray[np.float64]
    in_context: NDArray[np.bool_]

    @property
    def malignant(self) -> NDArray[np.bool_]:
        """The calls (N,)."""
        return self.probability >= self.threshold


def apply_context(
    bundle: Bundle, x: ArrayLike, y: ArrayLike, probability: ArrayLike, *, step: int = PATCH_SIZE
) -> Contextual:
    """Take the neighbours of each patch of one section into account, as the bundle says.

    Args:
        bundle: with `context` in its manifest; without it, and for patches with fewer than `MIN_NEIGHBOURS`
            neighbours, probabilities and threshold stay as they are.
        x: (N,) px, left edges at the model's scale, of one section.
        y: (N,) px, top edges.
        probability: (N,) of malignant, each patch by itself.
        step: px from one patch to the next; the width of the Gaussian is kept in px.

    Raises:
        UserError: positions that are on no grid.
    """
    alone = np.asarray(probability, np.float64)
    found = Contextual(alone, np.full(alone.shape, bundle.threshold), np.zeros(alone.shape, bool))
    context = bundle.manifest.get("context")
    if context is None or not alone.size:
        return found
    grid = to_grid(x, y, logit(alone), step=step)
    near = Grid(neighbours(grid.there).astype(np.float32), grid.x0, grid.y0, step).at(x, y) >= MIN_NEIGHBOURS
    odds = smooth(grid, context["sigma_px"]).at(x, y).astype(np.float64)
    taken = calibrated(odds, context)
    return Contextual(
        np.where(near, taken, alone),
        np.where(near, context["thresholds"]["target_recall"], bundle.threshold),
        near,
    )


def calibrated(odds: NDArray[np.float64], context: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return probabilities (N,) from smoothed log odds (N,)."""
    return 0.5 * (1 + np.tanh((context["scale"] * odds + context["offset"]) / 2))


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
