"""How many local patients a laboratory needs: for a threshold, for an estimate, for a comparison of two models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.progress import progress
from cancernet.evaluation.assured import ASSURANCE
from cancernet.evaluation.closed_forms import (
    design_effect,
    least_exact,
    least_in_expectation,
    least_worth,
    patches_for_auc,
    patches_for_share,
    patients_for_difference,
)
from cancernet.evaluation.pilot import Pilot, Statistic, check_pair
from cancernet.evaluation.planning import Need, Purpose, draw, half_width, need, shortfall, spread_of_one, truth
from cancernet.evaluation.thresholds_ahead import ThresholdsAhead

HALF_WIDTH = 0.05  # of an interval; 0.90 to 1.00 tells a recall of 0.95 from one that would not do
LOSS = 0.1  # of specificity: of ten benign patches, one more that somebody looks at for nothing
CURVE = (5, 7, 10, 14, 20, 28, 40, 57, 80, 113, 160, 226, 320, 453, 640, 905, 1280)  # patients, root 2 apart
CHECKED = (10, 20, 40, 80)  # patients, at which it is shown how often thresholds hold
METRICS = {"recall": "recall", "specificity": "specificity", "auc": "AUC"}
SLACK = 0.02  # of recall; below the target by less, nobody at a microscope would see it


@dataclass(frozen=True)
class PlanOptions:
    """What is asked for.

    Attributes:
        target_recall: of the local threshold.
        assurance: share of samples of patients in which a purpose is to be reached.
        half_width: of intervals.
        loss: of specificity, that the local threshold may cost for want of patients.
        difference: between two models, in AUC and in specificity; as seen here where there is none.
        confidence: of intervals.
    """

    target_recall: float = defaults.TARGET_RECALL
    assurance: float = ASSURANCE
    half_width: float = HALF_WIDTH
    loss: float = LOSS
    difference: float | None = None
    confidence: float = defaults.CONFIDENCE

    def __post_init__(self) -> None:
        for name in ("target_recall", "assurance", "half_width", "loss", "confidence"):
            if not 0 < getattr(self, name) < 1:
                raise UserError(f"{name.replace('_', ' ')} {getattr(self, name):g} is not a share between 0 and 1")
        if self.difference is not None and not 0 < self.difference < 1:
            raise UserError(f"difference {self.difference:g} is no difference of two shares: give one such as 0.02")


@dataclass(frozen=True)
class Plan:
    """How many patients each purpose needs, and what it rests on.

    Attributes:
        ask: what was asked for.
        needs: one a purpose.
        pilot: facts of the patients that samples were drawn from, plain.
        holds: a row for some numbers of patients: patients, refused, held, held_nearly (recall within `SLACK` of the
            target), specificity (its median); shares of samples.
        free: patients with tumour that any threshold needs at least, with no assumption: on average, and assured.
        notes: sentences on what could not be planned.
        model: its name.
        against: the other model's name, or nothing.
        synthetic: whether the patients are drawn by a program.
        shortened: what a quick training left out, in words.
    """

    ask: PlanOptions
    needs: list[Need]
    pilot: dict[str, Any]
    holds: list[dict[str, float]]
    free: dict[str, int]
    model: str
    against: str
    notes: list[str] = field(default_factory=list)
    synthetic: bool = False
    shortened: str = ""

    def __getitem__(self, key: str) -> Need:
        """Return the need of a purpose by its key.

        Raises:
            KeyError: it was not planned.
        """
        for each in self.needs:
            if each.purpose.key == key:
                return each
        raise KeyError(key)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "plan": 1,
            "model": self.model,
            "against": self.against,
            "ask": vars(self.ask),
            "needs": [each.to_dict() for each in self.needs],
            "pilot": self.pilot,
            "holds": self.holds,
            "free": self.free,
            "notes": self.notes,
            "synthetic": self.synthetic,
            "shortened": self.shortened,
        }


def plan(
    pilot: Pilot,
    other: Pilot | None = None,
    ask: PlanOptions | None = None,
    *,
    seed: int = defaults.SEED,
    synthetic: bool = False,
    shortened: str = "",
) -> Plan:
    """Say how many patients each purpose needs, by drawing samples of those at hand.

    Args:
        pilot: patients that the model did not learn from.
        other: the same patients by another model, to plan a comparison with it.
        ask: what is asked for.
        seed: of the draws.
        synthetic: the patients are drawn by a program.
        shortened: what a quick training left out, in words.

    Raises:
        UserError: the two are not of the same patients, or the model tells nothing on these.
    """
    ask = ask or PlanOptions()
    if other is not None:
        check_pair(pilot, other)
    ahead = _thresholds(pilot, ask)
    notes: list[str] = []
    purposes = [*_threshold_purposes(ahead, ask), *_width_purposes(pilot, ask)]
    if other is not None:
        purposes += _difference_purposes(pilot, other, ask, notes)
    needs = []
    with progress(total=len(purposes), what="plan", unit=" purposes") as bar:
        for purpose in purposes:
            needs.append(need(purpose, pilot.n_patients, ask.assurance, numbers=CURVE, seed=seed))
            bar.update()
    return Plan(
        ask,
        needs,
        _facts(pilot, ahead),
        [_hold(ahead, n, seed) for n in CHECKED],
        {
            "on average": int(np.ceil(least_in_expectation(ask.target_recall) - 1e-9)),
            "assured": int(np.ceil(least_exact(ask.target_recall, ask.assurance))),
        },
        pilot.name,
        other.name if other else "",
        notes,
        synthetic,
        shortened,
    )


def _thresholds(pilot: Pilot, ask: PlanOptions) -> ThresholdsAhead:
    ahead = ThresholdsAhead(pilot, target=ask.target_recall, assurance=ask.assurance)
    try:
        _ = ahead.rho
    except ValueError as error:
        raise UserError(f"{pilot.of}: {error}; ask for another --target-recall, or plan from more patches") from error
    return ahead


def _threshold_purposes(ahead: ThresholdsAhead, ask: PlanOptions) -> Iterator[Purpose]:
    size = ahead.pilot.malignant
    b = (size**2).sum() / size.sum()
    worth = least_worth(ask.target_recall, ask.assurance) * (1 + (b - 1) * ahead.rho) / size.mean()
    target = f"a threshold that holds a recall of {ask.target_recall:g}"
    yield Purpose("threshold", "threshold", target, 0, ahead.found, worth, "Kish 1965 and Jeffreys' bound")
    costs = f"the same, at {ask.loss:g} of specificity less than with patients without end, at most"
    yield Purpose("threshold_cost", "threshold", costs, ask.loss, ahead.given_up)


def _width_purposes(pilot: Pilot, ask: PlanOptions) -> Iterator[Purpose]:
    n = pilot.n_patients
    for key, name in METRICS.items():
        statistic: Statistic = getattr(pilot, key)
        value = truth(statistic, n)
        clustered = spread_of_one(statistic, None, n)
        if key == "auc":
            patches = partial(patches_for_auc, value, pilot.malignant.sum() / len(pilot.table))
            source = "Riley et al. 2021, times the design effect"
        else:
            patches, source = partial(patches_for_share, value), "Buderer 1996, times the design effect (Kish 1965)"
        # The patches at hand are worth so many independent ones as give the width that they have
        worth = patches(clustered / np.sqrt(n) * _z(ask.confidence), ask.confidence)
        formula = n * patches(ask.half_width, ask.confidence) / worth
        what = f"{name}, {value:.3f} here, to within {ask.half_width:g}"
        yield Purpose(
            f"{key}_width", "width", what, ask.half_width, half_width(statistic, ask.confidence), formula, source
        )


def _difference_purposes(pilot: Pilot, other: Pilot, ask: PlanOptions, notes: list[str]) -> Iterator[Purpose]:
    n = pilot.n_patients
    for key in ("auc", "specificity"):
        better, less = getattr(pilot, key), getattr(other, key)
        seen = truth(better, n) - truth(less, n)
        wanted = seen if ask.difference is None else ask.difference
        if wanted <= 0:
            notes.append(
                f"{METRICS[key]}: {pilot.name} is not above {other.name} on these patients ({seen:+.3f}), so there is "
                "no such difference to show; give --difference to suppose one"
            )
            continue
        spread = spread_of_one(better, less, n)
        supposed = "as seen here" if ask.difference is None else f"supposed; {seen:+.3f} was seen here"
        yield Purpose(
            f"{key}_difference",
            "difference",
            f"{METRICS[key]} above that of {other.name}, by {wanted:.3f} ({supposed})",
            0,
            shortfall(better, less, ask.confidence, wanted - seen),
            patients_for_difference(spread, wanted, ask.confidence, ask.assurance),
            "normal approximation for pairs of patients",
            of_middle=False,
        )


def _hold(ahead: ThresholdsAhead, n: int, seed: int) -> dict[str, float]:
    weight = draw(n, ahead.pilot.n_patients, 1000, seed)
    held, nearly, lost = ahead.held(weight), ahead.held(weight, SLACK), ahead.given_up(weight)
    given = np.isfinite(lost)
    if not given.any():
        return {"patients": n, "refused": 1.0}
    return {
        "patients": n,
        "refused": float(1 - given.mean()),
        "held": float(held[given].mean()),
        "held_nearly": float(nearly[given].mean()),
        "specificity": float(ahead.specificity - np.median(lost[given])),
    }


def _facts(pilot: Pilot, ahead: ThresholdsAhead) -> dict[str, Any]:
    recall, specificity = (
        design_effect(size, np.bincount(pilot.code, right & (pilot.label == kind)).astype(float))
        for size, kind, right in (
            (pilot.malignant, 1, pilot.probability >= pilot.threshold),
            (pilot.benign, 0, pilot.probability < pilot.threshold),
        )
    )
    return {
        "of": pilot.of,
        "n_patients": pilot.n_patients,
        "n_with_tumour": int((pilot.malignant > 0).sum()),
        "n_patches": len(pilot.table),
        "n_malignant": int(pilot.malignant.sum()),
        "threshold": pilot.threshold,
        "recall": truth(pilot.recall, pilot.n_patients),
        "specificity": truth(pilot.specificity, pilot.n_patients),
        "auc": truth(pilot.auc, pilot.n_patients),
        "design_effect_recall": recall,
        "design_effect_specificity": specificity,
        "rho": ahead.rho,
        "best_specificity": float(ahead.specificity),
    }


def _z(confidence: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf((1 + confidence) / 2))
