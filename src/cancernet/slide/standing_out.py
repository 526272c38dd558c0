"""Slides that stand out of their cohort, and how its numbers are distributed.

A slide far from most others was stained, scanned or cut out otherwise, or is another disease; which of them it is, a
person sees at a look. How far is far is told by the median and the median absolute deviation, since a mean and a
standard deviation are moved by the very slides that are looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.slide.cohort_row import MAPPED, Row

Values = NDArray[np.float64]

LIMIT = 3.5  # robust z; Iglewicz & Hoaglin 1993. Of a normal distribution one in 2,100 lies beyond, of few slides more
# Slides that have the number. Of 20 from a normal distribution 0.6 % lie beyond LIMIT, of 10 1.6 %, of 5 5.3 %: of few
# slides the spread itself is too uncertain (counted in tests/slide/test_standing_out.py).
FEWEST = 20
MAD_TO_SD = 1.4826  # of a normal distribution, its standard deviation is so many median absolute deviations
SMALLEST_DISTANCE = 0.01  # standard deviations of colour; keeps the logarithm finite
BINS = 24  # of a histogram


@dataclass(frozen=True)
class Measure:
    """A number of each slide, and how it is looked at.

    Attributes:
        name: of the column.
        title: in words.
        unit: behind a value, or "".
        digits: after the point.
        scale: to where its values lie evenly: shares and distances crowd near 0.
        low: whether a small value stands out too.
        least: what a value has to differ from the median by, in its own unit: among slides that are all alike the
            spread is so small that nothing is far from it.
    """

    name: str
    title: str
    unit: str
    digits: int
    scale: Callable[[Values], Values]
    low: bool
    least: float


def _of_share(values: Values) -> Values:
    """Arcsine of the root: what makes the spread of a share the same everywhere."""
    return np.arcsin(np.sqrt(np.clip(values, 0, 1)))


def _as_it_is(values: Values) -> Values:
    return values


def _logarithm(values: Values) -> Values:
    return np.log(np.maximum(values, SMALLEST_DISTANCE))


MEASURES = (
    Measure("malignant_share", "called malignant, of the analysed", "%", 1, _of_share, low=True, least=0.05),
    Measure("mean_log_odds", "mean log odds of malignant", "", 2, _as_it_is, low=True, least=0.5),
    Measure("stain_distance", "distance of the stain, standard deviations", "", 2, _logarithm, low=False, least=0.2),
    Measure("unsure_share", "patches that are unsure", "%", 1, _of_share, low=False, least=0.05),
)


@dataclass(frozen=True)
class Odd:
    """A slide that stands out: its place among the rows, and why."""

    row: int
    measure: Measure
    value: float
    median: float
    z: float


def values_of(rows: Sequence[Row], name: str) -> Values:
    """Return a column as float64 (N,), NaN where a slide has none."""
    return np.array([np.nan if (value := getattr(row, name)) is None else value for row in rows], np.float64)


def robust_z(values: Values) -> Values | None:
    """Return how many robust standard deviations each value (N,) lies from the median; NaN stays NaN.

    Returns:
        None where fewer than FEWEST are finite, or more than half are one and the same: nothing is known of a spread.
    """
    there = values[np.isfinite(values)]
    if len(there) < FEWEST:
        return None
    middle = float(np.median(there))
    spread = MAD_TO_SD * float(np.median(np.abs(there - middle)))
    return (values - middle) / spread if spread > 0 else None


def standing_out(rows: Sequence[Row]) -> list[Odd]:
    """Return the slides that stand out by any of MEASURES, farthest first; one may be there for several.

    Refused slides are told apart already, and neither stand out nor say what is usual. Numbers of different models are
    not compared: where there are several, nothing is said.
    """
    if several_models(rows):
        return []
    mapped = np.array([row.status == MAPPED for row in rows], bool)
    found = []
    for measure in MEASURES:
        values = np.where(mapped, values_of(rows, measure.name), np.nan)
        z = robust_z(measure.scale(values))
        if z is None:
            continue
        middle = float(np.nanmedian(values))
        far = (np.abs(z) > LIMIT if measure.low else z > LIMIT) & (np.abs(values - middle) >= measure.least)
        found += [Odd(int(i), measure, float(values[i]), middle, float(z[i])) for i in np.flatnonzero(far)]
    return sorted(found, key=lambda odd: -abs(odd.z))


def several_models(rows: Sequence[Row]) -> bool:
    """Tell whether more than one graph answered."""
    return len({row.graph_sha256 for row in rows if row.graph_sha256}) > 1


@dataclass(frozen=True)
class Histogram:
    """How many slides have which values: `counts` (BINS,), of bins of one width from `low` to `high`."""

    measure: Measure
    counts: tuple[int, ...]
    low: float
    high: float
    median: float


def histogram(rows: Sequence[Row], measure: Measure) -> Histogram | None:
    """Return the distribution of a number over the slides that have it; None where fewer than two have."""
    values = values_of(rows, measure.name)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return None
    low, high = (0.0, 1.0) if measure.unit == "%" else (float(values.min()), float(values.max()))
    low = min(low, 0.0) if measure.name == "stain_distance" else low
    high = high if high > low else low + 1
    counts = np.histogram(values, BINS, (low, high))[0]
    return Histogram(measure, tuple(counts.tolist()), low, high, float(np.median(values)))
