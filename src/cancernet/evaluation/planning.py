"""How many patients a purpose needs: samples of patients are drawn from those at hand, and it is seen which reach it.

Patches of a patient are alike, so it is patients that are drawn, with all their patches. `need` finds the smallest
number of which a wanted share of samples (the assurance) reaches a purpose: has a threshold, an interval narrow enough,
a difference told from none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from cancernet.common import defaults
from cancernet.evaluation.pilot import Statistic
from cancernet.evaluation.ranking import Floats

SAMPLES = 2000  # of patients, for each number of them that is tried; a share of 0.9 is then known to 0.007
FEWEST_DRAWN = 5  # patients; of fewer, an interval says nothing
MOST_DRAWN = 5000  # patients; who needs more needs another way
BEYOND = 3  # times what is needed: as far as a curve is drawn
CHUNK_CELLS = 2_000_000  # weights of patients in samples held at once, 16 MB
Value = Callable[[Floats], Floats]  # from samples (S, P) to (S,), inf where a sample tells nothing


@dataclass(frozen=True)
class Purpose:
    """What patients are wanted for: a sample reaches it where its value is at most a limit.

    Attributes:
        key: names it in files.
        kind: `threshold`, `width` or `difference`.
        what: in words.
        limit: on the value.
        value: of samples; `Value`.
        formula: patients by a published formula; NaN where there is none.
        source: of the formula.
        of_middle: whether the formula is for the sample in the middle; else for the assured share of samples.
    """

    key: str
    kind: str
    what: str
    limit: float
    value: Value
    formula: float = np.nan
    source: str = ""
    of_middle: bool = True


@dataclass(frozen=True)
class Need:
    """How many patients a purpose needs.

    Attributes:
        purpose: what for.
        patients: the smallest number of which the assured share of samples reaches it; 0 where more than
            `MOST_DRAWN` are needed.
        typical: the same for half of the samples.
        curve: columns patients, reached (share of samples), middle and assured (of the value: its median, and what it
            is at most in the assured share of samples; inf where samples tell nothing).
    """

    purpose: Purpose
    patients: int
    typical: int
    curve: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        curve = self.curve.astype(object).where(np.isfinite(self.curve), None)
        return {
            "purpose": self.purpose.key,
            "kind": self.purpose.kind,
            "what": self.purpose.what,
            "limit": self.purpose.limit,
            "patients": self.patients or None,
            "typical": self.typical or None,
            "formula": None if np.isnan(self.purpose.formula) else self.purpose.formula,
            "formula_of": "half of the samples" if self.purpose.of_middle else "the assured share of samples",
            "source": self.purpose.source,
            "curve": curve.to_dict("records"),
        }


def draw(n: int, n_pilot: int, samples: int, seed: int) -> Floats:
    """Draw n of the patients at hand with replacement; how often each is in each sample, (samples, n_pilot)."""
    return np.random.default_rng((seed, n)).multinomial(n, np.full(n_pilot, 1 / n_pilot), size=samples).astype(float)


def values(purpose: Purpose, n: int, n_pilot: int, *, samples: int = SAMPLES, seed: int = defaults.SEED) -> Floats:
    """Return the value (samples,) that samples of n patients have for a purpose."""
    weight = draw(n, n_pilot, samples, seed)
    step = max(1, CHUNK_CELLS // n_pilot)
    return np.concatenate([purpose.value(weight[start : start + step]) for start in range(0, samples, step)])


def need(
    purpose: Purpose,
    n_pilot: int,
    assurance: float,
    *,
    numbers: Sequence[int] = (),
    samples: int = SAMPLES,
    seed: int = defaults.SEED,
) -> Need:
    """Find how many patients a purpose needs.

    Args:
        purpose: what for.
        n_pilot: patients at hand.
        assurance: share of the samples that are to reach it.
        numbers: of patients, for the curve; those far beyond what is needed are left out.
        samples: for each number of patients that is tried.
        seed: of the draws.
    """

    @cache
    def drawn(n: int) -> Floats:
        return np.sort(values(purpose, n, n_pilot, samples=samples, seed=seed))

    def reached(n: int) -> float:
        return float(np.searchsorted(drawn(n), purpose.limit, "right") / samples)

    def smallest(share: float) -> int:
        low, high = FEWEST_DRAWN - 1, FEWEST_DRAWN
        while reached(high) < share:
            if high >= MOST_DRAWN:
                return 0
            low, high = high, min(2 * high, MOST_DRAWN)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if reached(middle) >= share else (middle, high)
        return high

    most, typical = smallest(assurance), smallest(0.5)
    rows: list[tuple[int, float, float, float]] = []
    for n in numbers:
        if rows and most and n > BEYOND * max(most, numbers[len(numbers) // 4]):
            break
        middle, at_most = (drawn(n)[int(np.ceil(share * samples)) - 1] for share in (0.5, assurance))
        rows.append((n, reached(n), float(middle), float(at_most)))
    return Need(purpose, most, typical, pd.DataFrame(rows, columns=["patients", "reached", "middle", "assured"]))


def half_width(statistic: Statistic, confidence: float) -> Value:
    """Return, of samples, half the width of the interval that resampling their patients would give."""

    def value(weight: Floats) -> Floats:
        _, adds = statistic(weight)
        found = _reach(weight, adds, confidence)
        return np.where(found > 0, found, np.inf)  # no spread at all in a sample is one that cannot be told

    return value


def shortfall(better: Statistic, other: Statistic, confidence: float, shift: float = 0.0) -> Value:
    """Return, of samples, by how much the interval of a difference fails to lie above 0; negative where it does.

    Args:
        better: of the model that is to be shown better.
        other: of the other one, on the same patients.
        confidence: of the two-sided interval.
        shift: added to every difference, for one supposed instead of the one seen, with the same spread.
    """

    def value(weight: Floats) -> Floats:
        (first, adds), (second, less) = better(weight), other(weight)
        found = _reach(weight, adds - less, confidence) - (first - second + shift)
        return np.where(np.isfinite(found), found, np.inf)

    return value


def truth(statistic: Statistic, n_pilot: int) -> float:
    """Return a statistic on the patients at hand."""
    return float(statistic(np.ones((1, n_pilot)))[0][0])


def spread_of_one(statistic: Statistic, other: Statistic | None, n_pilot: int) -> float:
    """Return the standard error of a statistic, or of a difference of two, as if from one patient (times sqrt(n))."""
    weight = np.ones((1, n_pilot))
    adds = statistic(weight)[1] - (0 if other is None else other(weight)[1])
    return float(_error(weight, adds)[0] * np.sqrt(n_pilot))


def _error(weight: Floats, adds: Floats) -> Floats:
    """Standard error (S,) of statistics in samples (S, P), from what each patient adds to it."""
    n = weight.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.sqrt(n / (n - 1) * (weight * adds**2).sum(axis=1))


def _reach(weight: Floats, adds: Floats, confidence: float) -> Floats:
    """Half the width (S,) of t-intervals."""
    from scipy.stats import t

    return t.ppf((1 + confidence) / 2, weight.sum(axis=1) - 1) * _error(weight, adds)
