"""A patch's probability in the light of what lies around it.

Tumour does not end at a patch's edge: what lies around a patch tells about it, and so does the rest of its section. Its
log odds are joined with the mean of its neighbours', weighted by a Gaussian of their distance, and with the mean of the
whole section's. Where few neighbours are there, as in a sample of a section, the section's mean stands in for them. The
width of the Gaussian and the weights are fitted to patients the network did not learn from, and lie in the bundle; they
are fitted so that the threshold of a patch by itself holds for it among others too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.common.defaults import PATCH_SIZE
from cancernet.common.errors import UserError
from cancernet.context.grid import to_grid
from cancernet.model.decide import MALIGNANT, Decisions, logit, sigmoid
from cancernet.model.manifest import Context
from cancernet.model.model import Model

REACH = 4.0  # widths after which a Gaussian weighs less than one in three thousand
FARTHEST = 2**40  # px; farther from the origin lies no patch
MIN_PATCHES = 6  # of a section; with fewer, nothing is known of what lies around
FEW_NEAR = 0.2  # of a neighbouring patch's weight: how much the section's mean counts among the neighbours
FEW_WHOLE = 3.0  # patches: how much the mean of all sections counts among a section's

Odds = NDArray[np.float64]


@dataclass(frozen=True)
class Contextual:
    """Patches with their surroundings taken in.

    Attributes:
        probability: float64 (N,) of malignant, calibrated.
        threshold: of the model, malignant at or above it.
        in_context: bool (N,), whether surroundings were taken in.
        decision: int8 (N,), from `Model.decide`.
    """

    probability: NDArray[np.float64]
    threshold: float
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
    """Take the surroundings of each patch of one section into account, as the model says.

    Args:
        model: without a context, and for sections of fewer than `MIN_PATCHES`, probabilities stay as they are.
        x: (N,) px, left edges at the model's scale, of one section.
        y: (N,) px, top edges.
        probability: (N,) of malignant, each patch by itself.
        step: px from one patch to the next; the width of the Gaussian is kept in px.
        reasons: (N,) from `Model.judge`; a patch with one is as good as absent to the others.

    Raises:
        UserError: positions that are on no grid.
    """
    taken, near = in_section(model.context, x, y, probability, step=step, reasons=reasons)
    return Contextual(taken, model.threshold, near, model.decide(taken, reasons=reasons))


def in_section(
    context: Context | None,
    x: ArrayLike,
    y: ArrayLike,
    probability: ArrayLike,
    *,
    step: int = PATCH_SIZE,
    reasons: Sequence[str] | NDArray[np.object_] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the probability float64 (N,), and bool (N,) whether surroundings were taken in; see `apply_context`."""
    taken = np.array(probability, np.float64)
    judged = np.ones(taken.shape, bool) if reasons is None else np.asarray(reasons) == ""
    if context is None or judged.sum() < MIN_PATCHES:
        return taken, np.zeros(taken.shape, bool)
    odds = logit(taken[judged])
    left, top = np.asarray(x)[judged], np.asarray(y)[judged]
    around = surroundings(left, top, odds, sigma_px=context.sigma_px, prior=context.prior, step=step)
    taken[judged] = sigmoid(context.offset + np.column_stack([odds, *around]) @ np.array(context.weights))
    return taken, judged


def by_patient(
    context: Context | None,
    patient: Sequence[str],
    x: ArrayLike,
    y: ArrayLike,
    probability: ArrayLike,
    reasons: Sequence[str] | None = None,
) -> tuple[NDArray[np.float64], dict[str, str]]:
    """Do what `in_section` does for patches of many patients, each patient's a section, or each slide's of a patient.

    Args:
        context: of the model.
        patient: (N,) ids, or sections of theirs from `section_of`; "" where unknown.
        x: (N,) px, left edges; NaN where unknown.
        y: (N,) px, top edges.
        probability: (N,) of malignant, each patch by itself.
        reasons: (N,) from `Model.judge`; all can be judged by default.

    Returns:
        The probability float64 (N,), as it is where patient or place is unknown; and the patients whose patches were
        judged one by one although both are known, and why: their places are on no grid, or those of two sections.
    """
    taken = np.array(probability, np.float64)
    apart: dict[str, str] = {}
    if context is None:
        return taken, apart
    left, top = (np.asarray(each, np.float64) for each in (x, y))
    known = (np.abs(left) < FARTHEST) & (np.abs(top) < FARTHEST)  # not NaN either
    why = np.full(taken.shape, "", object) if reasons is None else np.asarray(reasons, dtype=object)
    sections: dict[str, list[int]] = {}
    for row in np.flatnonzero(known).tolist():
        if patient[row]:
            sections.setdefault(patient[row], []).append(row)
    for name, rows in sections.items():
        at = np.array(rows)
        places = left[at].astype(np.int64), top[at].astype(np.int64)
        try:
            taken[at], _ = in_section(context, *places, taken[at], reasons=why[at])
        except UserError as error:  # copies, or names that state something else: each patch stands by itself
            apart[name] = str(error)
    return taken, apart


def told(apart: Mapping[str, str]) -> list[str]:
    """Say in a line whose patches were judged one by one, from `by_patient`; nothing where there are none."""
    if not apart:
        return []
    name, why = min(apart.items())
    return [f"Patches of {len(apart)} patient(s) are judged one by one, not as a section; {name}: {why}"]


def surroundings(
    x: NDArray[np.int64], y: NDArray[np.int64], odds: Odds, *, sigma_px: float, prior: float, step: int = PATCH_SIZE
) -> tuple[Odds, Odds]:
    """Return for each patch of a section the mean log odds of its neighbours, and of the section: float64 (N,) each.

    Args:
        x: (N,) px, left edges.
        y: (N,) px, top edges.
        odds: (N,) log odds.
        sigma_px: px, standard deviation of the Gaussian that neighbours are weighted by; the patch itself is none.
        prior: mean log odds of all sections.
        step: px from one patch to the next. Patches nearer than their own side overlap, and count less each.

    Raises:
        UserError: positions that are on no grid.

    Source: normalised convolution, Knutsson & Westin 1993, with a prior for where there is little.
    """
    from scipy.ndimage import gaussian_filter, gaussian_filter1d

    area = (step / PATCH_SIZE) ** 2  # of a patch that is its own
    whole = (area * odds.sum() + FEW_WHOLE * prior) / (area * len(odds) + FEW_WHOLE)
    grid = to_grid(x, y, odds, step=step)
    there = grid.there
    how: dict[str, Any] = {"sigma": sigma_px / step, "mode": "constant", "truncate": REACH}

    def spread(values: NDArray[Any]) -> Odds:
        return gaussian_filter(values.astype(np.float64), **how)

    middle = int(REACH * how["sigma"] + 0.5)
    single = np.zeros(2 * middle + 1)
    single[middle] = 1
    peak = float(gaussian_filter1d(single, **how)[middle]) ** 2  # what a patch gives itself
    values = np.where(there, grid.values, 0)
    total = area * (spread(values) / peak - values)
    weight = area * np.maximum(spread(there) / peak - there, 0)
    mean = (total + FEW_NEAR * whole) / (weight + FEW_NEAR)
    return grid.at(x, y, mean), np.full(len(odds), whole)
