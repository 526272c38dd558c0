"""Are the scores of a site distributed like those of patients that the model did not learn from: by patient.

The distribution of a site is the mean of its patients' distributions, so a patient with many patches weighs as one with
few. How far two lie apart is the energy distance (Szekely & Rizzo 2013), in one dimension the area between the two
cumulative distributions, squared; its root is given here. What is far is told by a bootstrap over patients (Efron &
Tibshirani 1993, chapter 16): as many patients, of as many patches each, are drawn from the reference again and again. A
test over patches would call every site different, for patches of a patient are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.sites.reference import SCORE_RANGE

STEP = 0.25  # log odds between the points at which distributions are compared; a score's own digits are finer
EDGES = np.arange(-SCORE_RANGE, SCORE_RANGE + STEP / 2, STEP)
DRAWS = 999  # of the bootstrap; the smallest p is then 0.001
MOST_PATCHES = 64  # drawn of a patient; more add nothing to how patients differ
SEED = 1

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Distance:
    """How far the scores of a site lie from a reference's.

    Attributes:
        value: root of the integral of the squared difference of the cumulative distributions, root log odds.
        usual: the same of sites drawn from the reference, (DRAWS,), rising.
        p: share of the draws, this site counted in, that lie as far.
        site: (EDGES,), cumulative distribution of the site.
        reference: (EDGES,), of the reference.
    """

    value: float
    usual: Floats
    p: float
    site: Floats
    reference: Floats

    @property
    def higher(self) -> bool:
        """Whether the site's scores are the higher ones, on average."""
        return bool(self.site.sum() < self.reference.sum())

    def limit(self, p: float) -> float:
        """Return the distance that a share p of the draws exceeds."""
        return float(np.quantile(self.usual, 1 - p))


def distance(site: Sequence[Floats], reference: Sequence[Floats], *, draws: int = DRAWS, seed: int = SEED) -> Distance:
    """Compare the log odds of the patients of a site, each (M,), with those of a reference.

    Args:
        site: of each patient, at least one score.
        reference: the same.
        draws: of the bootstrap.
        seed: of them.
    """
    theirs = np.stack([cumulative(each) for each in reference])
    ours = np.mean([cumulative(each) for each in site], axis=0)
    middle = theirs.mean(axis=0)
    found = apart(ours, middle)
    sizes = [min(len(each), MOST_PATCHES) for each in site]
    # the reference's own mean is uncertain too, and more so the fewer its patients are
    wider = np.sqrt(1 + len(site) / len(reference))
    rng = np.random.default_rng(seed)
    usual = np.sort([wider * apart(_drawn(theirs, sizes, rng), middle) for _ in range(draws)])
    return Distance(found, usual, float((1 + np.sum(usual >= found)) / (1 + draws)), ours, middle)


def cumulative(odds: Floats) -> Floats:
    """Return the share of some log odds that lies at or below each of EDGES."""
    return np.searchsorted(np.sort(odds), EDGES, side="right") / max(1, len(odds))


def apart(one: Floats, other: Floats) -> float:
    """Return the root of the integral of the squared difference of two cumulative distributions."""
    return float(np.sqrt(STEP * np.sum((one - other) ** 2)))


def _drawn(theirs: Floats, sizes: Sequence[int], rng: np.random.Generator) -> Floats:
    """Return the mean distribution of patients drawn from a reference, of so many patches each.

    Of n patches the number at or below rising points is drawn as their places among uniform numbers.
    """
    total = np.zeros(len(EDGES))
    for size, which in zip(sizes, rng.integers(0, len(theirs), len(sizes)), strict=True):
        total += np.searchsorted(np.sort(rng.random(size)), theirs[which], side="right") / size
    return total / len(sizes)
