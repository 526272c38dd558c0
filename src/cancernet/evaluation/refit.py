"""Intervals for what nested cross-validation tells of a threshold: patients are resampled, and it is chosen anew.

The recall that cross-validation tells differs from that of the threshold which ships for two reasons: the patients it
was told on are a sample, and so are those the threshold was chosen on. Intervals that resample the first alone hold in
74 to 92 of a hundred laboratories where 95 are asked for. So in each resample of the patients all is done again - a
threshold for each fold from the others, one from all - and the error is seen: what the folds tell of the resample less
what its threshold does on the patients at hand. The interval is what was told less those errors, in log odds where it
is a rate: near 1 it reaches farther down than up.

A few patients with far more mistakes than the others make the spread of resamples too small where they happen to lack,
so the ends of a rate (not of its change, in which they go out) are those of Student's t with as many degrees of freedom
as the spread of patients is known to: 2 n / (kurtosis - 1), which is n for patients who differ as a Gaussian has it.

Source: the basic bootstrap, Davison & Hinkley 1997, section 5.2.1; degrees of freedom, Satterthwaite 1946; that
cross-validation's own spread is too small, Bates, Hastie & Tibshirani 2023, "Cross-validation: what does it estimate
and how well does it do it?".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.evaluation.adaptation import FOLDS, Rule, fold_of
from cancernet.evaluation.assured import rank, search
from cancernet.evaluation.bootstrap import Interval, multiplicities
from cancernet.evaluation.ranking import Floats, ratio
from cancernet.model.decide import logit, sigmoid

CHUNK_CELLS = 2_000_000  # samples by patches looked at at once: 16 MB
RATES = ("recall", "specificity", "balanced_accuracy")


@dataclass(frozen=True)
class Errors:
    """How far off what was told lies, in resamples of the patients: rate -> (samples,).

    Attributes:
        after: of the rates at the chosen threshold, in log odds.
        change: of their difference to those at the threshold before.
        freedom: degrees of freedom of the rates, rate -> number.
        n_patients: that were resampled.
    """

    after: dict[str, Floats]
    change: dict[str, Floats]
    freedom: dict[str, float]
    n_patients: int

    def of_rate(self, name: str, told: float) -> Interval:
        """Return a rate that was told at the chosen threshold, with its interval."""
        low, high = (
            float(sigmoid(end)) for end in self._ends(float(logit(told)), self.after[name], self.freedom[name])
        )
        return Interval(told, low, high)

    def of_change(self, name: str, told: float) -> Interval:
        """Return the change of a rate that was told, with its interval."""
        low, high = (float(np.clip(end, -1, 1)) for end in self._ends(told, self.change[name], np.inf))
        return Interval(told, low, high)

    def _ends(self, told: float, errors: Floats, freedom: float) -> tuple[float, float]:
        """Widened for few patients as `bootstrap.interval` is; NaN where there are too few."""
        from scipy.stats import norm, t

        defined = errors[np.isfinite(errors)]
        n = self.n_patients
        if not np.isfinite(told) or n < 2 or not len(defined):
            return np.nan, np.nan
        reach = norm.cdf(np.sqrt(n / (n - 1)) * t.ppf((1 - defaults.CONFIDENCE) / 2, max(1.0, min(freedom, n - 1))))
        least, most = np.quantile(defined, [reach, 1 - reach])
        return told - most, told - least


def refit_errors(
    rows: pd.DataFrame,
    rule: Rule,
    before: float,
    *,
    samples: int = defaults.BOOTSTRAP_SAMPLES,
    seed: int = defaults.SEED,
) -> Errors:
    """Return the errors of what `adaptation.told_on` tells by nested cross-validation.

    Args:
        rows: as `adaptation.fit` takes them: patient, label, `among`.
        rule: how thresholds are chosen.
        before: threshold of the model before, log odds.
        samples: resamples of the patients.
        seed: of the folds, as `told_on` draws them, and of the resamples.
    """
    fold = fold_of(rows, FOLDS, seed)
    names, code = np.unique(rows["patient"].to_numpy(str), return_inverse=True)
    of = np.zeros(len(names), np.int64)
    of[code] = fold
    sides = [_Side(rows, code, kind) for kind in (1, 0)]
    found: list[NDArray] = []
    for weight in multiplicities(len(names), samples, seed, max(1, CHUNK_CELLS // len(rows))):
        parts = [(of == number, thresholds(rows, weight * (of != number), rule)) for number in range(FOLDS)]
        whole = thresholds(rows, weight, rule)
        found.append(np.stack([_rates(side, weight, parts, whole, before) for side in sides]))
    recall, specificity = np.concatenate(found, axis=2)
    own = _own(rows, rule)
    known = [side.freedom(own, len(names)) for side in sides]
    freedom = dict(zip(RATES, (*known, min(known)), strict=True))
    rates = dict(zip(RATES, (recall, specificity, (recall + specificity) / 2), strict=True))
    return Errors(
        {name: _odds(told, len(rows)) - _odds(true, len(rows)) for name, (told, true, _, _) in rates.items()},
        {name: (told - was_told) - (true - was) for name, (told, true, was_told, was) in rates.items()},
        freedom,
        len(names),
    )


def thresholds(rows: pd.DataFrame, weight: Floats, rule: Rule) -> Floats:
    """Choose the threshold of `adaptation.choose` in samples that hold each patient so often.

    Args:
        rows: patient, label, `among`.
        weight: (S, P), of the patients in sorted order.
        rule: how.

    Returns:
        (S,) log odds.
    """
    ranked = rank(rows["patient"], rows["label"], rows["among"])
    every = np.unique(rows["patient"].to_numpy(str))
    mine = weight[:, np.searchsorted(every, ranked.names)]
    each = mine[:, ranked.patient]  # (S, M), ascending in score
    passed = np.cumsum(each, axis=1) - each  # weight of what a threshold at each patch misses
    plain = _last(passed <= (1 - rule.target) * each.sum(axis=1)[:, None] + 1e-9, ranked.first)
    if rule.alpha is None:
        chosen = search(ranked, mine, target=rule.target, assurance=rule.assurance, rho=rule.rho)
        return ranked.score[np.where(chosen >= 0, chosen, plain)]
    share = each / ranked.size[ranked.patient]
    missed = np.cumsum(share, axis=1) - share
    n = mine.sum(axis=1)[:, None]
    allowed = missed <= (n + 1) * rule.alpha - 1 + 1e-9
    return ranked.score[np.where(allowed[:, 0], _last(allowed, ranked.first), plain)]


class _Side:
    """The patches of one class."""

    def __init__(self, rows: pd.DataFrame, code: NDArray[np.int64], kind: int) -> None:
        mine = (rows["label"] == kind).to_numpy()
        self.code, self.odds, self.kind = code[mine], rows["among"].to_numpy()[mine], kind

    def freedom(self, threshold: float, n: int) -> float:
        """Return how many degrees of freedom the spread of n patients has about the rate at a threshold."""
        right = self.right(np.array([threshold]))[0]
        size = np.bincount(self.code, minlength=n).astype(np.float64)
        adds = np.bincount(self.code, right, n) - right.mean() * size
        square = float(np.mean(adds**2))
        kurtosis = float(np.mean(adds**4)) / square**2 if square > 0 else 3.0
        return 2 * n / max(kurtosis - 1, 2 / n)

    def right(self, threshold: Floats) -> NDArray[np.bool_]:
        """Whether each patch is called right at each threshold: (S, M)."""
        called = self.odds >= threshold[:, None]
        return called if self.kind else ~called


def _own(rows: pd.DataFrame, rule: Rule) -> float:
    """Return the threshold on the patients at hand."""
    return float(thresholds(rows, np.ones((1, rows["patient"].nunique())), rule)[0])


def _rates(
    side: _Side, weight: Floats, parts: list[tuple[NDArray[np.bool_], Floats]], whole: Floats, before: float
) -> NDArray:
    """Return a rate as the folds tell it and as it is, and the same before: (4, S)."""
    each = weight[:, side.code]
    total = each.sum(axis=1)
    right = np.zeros(len(weight))
    for mine, threshold in parts:
        of = mine[side.code]
        right += (side.right(threshold)[:, of] * each[:, of]).sum(axis=1)
    was = side.right(np.array([before]))[0]
    true = side.right(whole).mean(axis=1)
    return np.stack(
        [ratio(right, total), true, ratio((was * each).sum(axis=1), total), np.full(len(weight), was.mean())]
    )


def _odds(rate: Floats, patches: int) -> Floats:
    """Return log odds of a rate of patches, of which half a one is always missing: 1 has no log odds."""
    return logit(np.clip(rate, 0.5 / patches, 1 - 0.5 / patches))


def _last(holds: NDArray[np.bool_], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the last place in `first` at which each sample (S, M) still holds; it holds at the first."""
    return first[np.maximum(holds[:, first].sum(axis=1) - 1, 0)]
