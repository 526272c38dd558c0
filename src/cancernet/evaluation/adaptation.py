"""Fit a model's scores to local patients: recalibrate, choose the threshold, and tell honestly what it is worth.

All of it works on log odds, of each patch by itself (`alone`) and with its surroundings (`among`), which is what the
commands show. The latter are calibrated, the threshold is chosen on them, and the former are moved so that the same
threshold does for both. What that is worth is told on patients that none of it was fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.evaluation.assured import ASSURANCE, RHO, assured_threshold
from cancernet.evaluation.calibration import SCALES, fit_offset, fit_platt
from cancernet.evaluation.guarantee import risk_threshold
from cancernet.evaluation.operating_points import recall_threshold
from cancernet.evaluation.ranking import Floats
from cancernet.model.decide import sigmoid

LEAST = 5  # patients with tumour, without whom nothing is fitted
LEAST_BENIGN = 2  # patients with benign patches, likewise: calibration needs both, a threshold for recall does not
PROVISIONAL = 20  # patients, below which whatever is told is provisional
SCALED = 40  # patients, from whom on the scale is fitted too, and not the offset alone
HOLD_OUT = 60  # patients, above whom a third is held out for the figures that are told
FOLDS = 5  # of patients, below that

ASSURED, GUARANTEED, PLAIN = "assured", "guaranteed", "plain"  # how a threshold was chosen


@dataclass(frozen=True)
class Rule:
    """How the threshold is chosen.

    Attributes:
        target: recall.
        assurance: share of samples of patients in which it is to hold.
        rho: how alike the patches of a patient are taken to be at least.
        alpha: mean miss rate a patient that is guaranteed in place of that; None for none.
    """

    target: float = defaults.TARGET_RECALL
    assurance: float = ASSURANCE
    rho: float = RHO
    alpha: float | None = None


@dataclass(frozen=True)
class Chosen:
    """A threshold, and how it was chosen.

    Attributes:
        at: log odds, malignant at or above it.
        how: `ASSURED`, `GUARANTEED`, or `PLAIN`, which gives the target on the patients at hand and on others half of
            the time.
        why: of a plain one, why it is none of the others.
        lower: bound of recall, or mean miss rate, that it rests on; NaN of a plain one.
    """

    at: float
    how: str
    why: str = ""
    lower: float = float("nan")


@dataclass(frozen=True)
class Fitted:
    """What was fitted: two maps of log odds, both meeting one threshold.

    Attributes:
        threshold: log odds after either map, malignant at or above it.
        scale: of the log odds of a patch by itself.
        offset: likewise, added after.
        chosen: the threshold on patches by themselves, before.
        among_scale: of log odds with surroundings; as `scale` where no patch has any.
        among_offset: likewise.
        among: the threshold with surroundings, before; None where no patch has any.
    """

    threshold: float
    scale: float
    offset: float
    chosen: Chosen
    among_scale: float
    among_offset: float
    among: Chosen | None = None

    def alone(self, odds: Floats) -> Floats:
        """Return log odds (N,) of patches by themselves as the adapted model gives them."""
        return self.scale * odds + self.offset

    def with_surroundings(self, odds: Floats) -> Floats:
        """Return log odds (N,) of patches with their surroundings as the adapted model gives them."""
        return self.among_scale * odds + self.among_offset


@dataclass(frozen=True)
class Told:
    """A fit, and what it may be told on.

    Attributes:
        fitted: the fit.
        rows: that it is of.
        shown: rows of patients that took no part in what is told of them, with log odds `after` the fit, and `over`, by
            how much they lie over its threshold.
        of: which these are, in words.
        held_out: whether they took no part in `fitted` itself either.
    """

    fitted: Fitted
    rows: pd.DataFrame
    shown: pd.DataFrame
    of: str
    held_out: bool


def fit(rows: pd.DataFrame, rule: Rule) -> Fitted:
    """Fit calibration and threshold to patients.

    Args:
        rows: a row a patch: patient, label, and log odds `alone` and `among`, which is equal where nothing is known of
            what lies around.
        rule: how the threshold is chosen.

    Raises:
        UserError: one class alone.
    """
    label, alone, among = (rows[name].to_numpy() for name in ("label", "alone", "among"))
    calibrate = fit_platt if rows["patient"].nunique() >= SCALED else fit_offset
    chosen = choose(rows.assign(score=alone), rule)
    scale, offset = calibrate(label, sigmoid(among))
    if np.array_equal(alone, among):
        return Fitted(scale * chosen.at + offset, scale, offset, chosen, scale, offset)
    there = choose(rows.assign(score=among), rule)
    threshold = scale * there.at + offset
    by = scale if calibrate is fit_offset else _stretch(label, alone - chosen.at, threshold)
    return Fitted(threshold, by, threshold - by * chosen.at, chosen, scale, offset, there)


def choose(rows: pd.DataFrame, rule: Rule) -> Chosen:
    """Choose a threshold on patches: patient, label, score (log odds).

    Where there are too few patients for the one that was asked for, a plain one is chosen, and says so.
    """
    given = rows["patient"], rows["label"], rows["score"]
    probability = sigmoid(rows["score"].to_numpy())
    plain = recall_threshold(rows["label"], probability, rule.target)
    at = float(rows["score"].to_numpy()[probability >= plain].min())  # a score itself: nothing is lost by rounding
    if rule.alpha is not None:
        held = risk_threshold(*given, alpha=rule.alpha)
        return (
            Chosen(held.threshold, GUARANTEED, lower=held.miss) if not held.reason else Chosen(at, PLAIN, held.reason)
        )
    found = assured_threshold(*given, target=rule.target, assurance=rule.assurance, rho=rule.rho)
    return Chosen(found.threshold, ASSURED, lower=found.lower) if not found.reason else Chosen(at, PLAIN, found.reason)


def told_on(rows: pd.DataFrame, rule: Rule, *, seed: int = defaults.SEED) -> Told:
    """Fit, and give the rows on which it may be told what that is worth.

    Above `HOLD_OUT` patients a third of them is held out, and the fit is of the others. Below, all are fitted on; what
    is told is of fits on four fifths of the patients, each on the other fifth.

    Args:
        rows: as `fit` takes them.
        rule: how thresholds are chosen.
        seed: of the draw of patients.
    """
    n = rows["patient"].nunique()
    if n > HOLD_OUT:
        out = fold_of(rows, 3, seed) == 0
        fitted, held = fit(rows[~out], rule), rows[out]
        of = f"{held['patient'].nunique()} of {n} patients, held out: nothing was fitted on them"
        return Told(fitted, rows[~out], _applied(fitted, held), of, held_out=True)
    fold = fold_of(rows, FOLDS, seed)
    parts = [_applied(fit(rows[fold != number], rule), rows[fold == number]) for number in range(FOLDS)]
    of = f"all {n} patients in turn, each by a fit on the others (nested cross-validation in {FOLDS} folds)"
    return Told(fit(rows, rule), rows, pd.concat(parts).loc[rows.index], of, held_out=False)


def fold_of(rows: pd.DataFrame, folds: int, seed: int) -> NDArray[np.int64]:
    """Return a fold for each row, whole patients, those with tumour evenly shared out: int (N,), from 0."""
    patients = rows.groupby("patient", sort=True)["label"].max()
    order = np.random.default_rng(seed).permutation(len(patients))
    shuffled = patients.iloc[order].sort_values(ascending=False, kind="stable")
    number = pd.Series(np.arange(len(shuffled)) % folds, index=shuffled.index)
    return rows["patient"].map(number).to_numpy(np.int64)


def check_local(rows: pd.DataFrame) -> None:
    """Refuse patients to whom nothing can be fitted.

    Args:
        rows: patient, label, `among`.

    Raises:
        UserError: too few with tumour or without benign patches, patients unknown, scores all alike or upside down.
    """
    from cancernet.evaluation.ranking import auc

    if (rows["patient"] == "").any():
        raise UserError("patients are unknown, so nothing can be told of others; say them with --patients CSV")
    for kind, word, least in ((1, "malignant", LEAST), (0, "benign", LEAST_BENIGN)):
        have = rows.loc[rows["label"] == kind, "patient"].nunique()
        if have < least:
            raise UserError(
                f"{have} patients with {word} patches that the model can judge; at least {least} are needed, and "
                "`cancernet plan` says how many for what"
            )
    if rows["among"].nunique() < 2:
        raise UserError("all patches have the same score: the model sees nothing here, and no threshold can help")
    found = auc(rows["label"], sigmoid(rows["among"].to_numpy()))
    if found < 0.5:
        raise UserError(
            f"AUC {found:.3f}, under 0.5: malignant patches score lower than benign ones. Are the labels inverted "
            "(--benign, --malignant)? If not, no threshold can help here"
        )


def _applied(fitted: Fitted, rows: pd.DataFrame) -> pd.DataFrame:
    alone, among = rows["alone"].to_numpy(), rows["among"].to_numpy()
    after = np.where(alone == among, fitted.alone(alone), fitted.with_surroundings(among))
    return rows.assign(after=after, over=after - fitted.threshold)


def _stretch(label: NDArray[Any], over: Floats, threshold: float) -> float:
    """Return by what log odds about a threshold are stretched to be most likely."""
    from scipy.optimize import minimize_scalar

    sign = np.where(label == 1, 1.0, -1.0)

    def loss(by: float) -> float:
        return float(np.logaddexp(0.0, -sign * (by * over + threshold)).mean())

    return float(minimize_scalar(loss, bounds=SCALES, method="bounded").x)
