"""How far a site lies from what is usual: in each measure, in colour, and how far a patient or slide may stray.

A site's mean weighs each patient by how well its few patches tell it (DerSimonian & Laird 1986), so that 50 patients of
one patch and 10 of a thousand are held to the limits that are due to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from cancernet.model.colours import Colours
from cancernet.sites.measures import Group
from cancernet.sites.reference import ODDS, Reference, Spread

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shift:
    """A site's mean of a measure against the usual one.

    Attributes:
        value: of the site.
        usual: of the reference.
        off: value less usual; of colours their distance, never below 0.
        error: of `off`, one standard deviation, where nothing has changed.
        z: `off` in such errors, less where few patients told the spread.
        shared: part of the variance of `off` that is the reference's own error: it is the same in every later run.
        n: patients or slides.
    """

    value: float
    usual: float
    off: float
    error: float
    z: float
    shared: float
    n: int


def shift(means: Floats, counts: Floats, spread: Spread, *, n_reference: int) -> Shift:
    """Compare the means (G,) of a site's patients over `counts` (G,) patches with a spread.

    Args:
        means: finite.
        counts: at least 1.
        spread: of the reference.
        n_reference: patients of it; few tell the spread badly, and z is smaller by as much as Student's t is wider.
    """
    weight = 1 / (spread.between**2 + spread.within**2 / counts)
    value = float((weight * means).sum() / weight.sum())
    error = float(np.sqrt(1 / weight.sum() + spread.error**2))
    off = value - spread.mean
    return Shift(
        value, spread.mean, off, error, off / error / wider(n_reference), (spread.error / error) ** 2, len(means)
    )


def wider(n: int, tail: float = 0.005) -> float:
    """Return how much farther Student's t strays than the normal distribution where n patients told the spread.

    Example:
        >>> round(wider(10), 2), round(wider(200), 2)
        (1.26, 1.01)
    """
    return float(t.ppf(1 - tail, max(1, n - 1)) / norm.ppf(1 - tail))


def shift_of(groups: Sequence[Group], name: str, reference: Reference) -> Shift | None:
    """Compare a measure, or the mean log odds, of patients or slides; nothing where none has it."""
    pairs = [each for group in groups if (each := value_of(group, name))[1] > 0]
    if not pairs or name not in reference.measures:
        return None
    means, counts = np.array(pairs, np.float64).T
    return shift(means, counts, reference.measures[name], n_reference=reference.n)


def value_of(group: Group, name: str) -> tuple[float, int]:
    """Return a measure of a patient or slide, and how many patches it is of."""
    if name == ODDS:
        return (float(group.odds.mean()), len(group.odds)) if len(group.odds) else (np.nan, 0)
    return group.means[name], group.counted(name)


def colour_shift(groups: Sequence[Group], reference: Reference, colours: Colours) -> Shift | None:
    """Compare the mean colours of a site with a reference's: the distance that `Colours` measures, root mean square."""
    there = [group for group in groups if group.n_tissue]
    if not there:
        return None
    moved = np.stack([group.colours for group in there]) - np.array(reference.centre)
    counts = np.array([group.n_tissue for group in there], np.float64)
    known = reference.position
    weight = 1 / (known.between**2 + known.within**2 / counts)
    off = (weight / weight.sum()) @ moved @ np.array(colours.whiten).T
    distance = float(np.sqrt(np.mean(off**2)))
    error = float(np.sqrt(1 / weight.sum() + known.error**2))
    return Shift(
        distance, 0.0, distance, error, distance / error / wider(reference.n), (known.error / error) ** 2, len(there)
    )


def stray(group: Group, name: str, reference: Reference) -> float:
    """Return how many standard deviations a patient or slide lies from the mean of a reference; NaN where unknown."""
    value, count = value_of(group, name)
    if not count or name not in reference.measures:
        return np.nan
    spread = reference.measures[name]
    return float((value - spread.mean) / np.sqrt(spread.between**2 + spread.within**2 / count + spread.error**2))
