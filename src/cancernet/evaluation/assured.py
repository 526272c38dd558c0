"""A threshold that holds a target recall on patients still to come, with a stated assurance, from few patients.

The threshold that gives the target on the patients at hand misses it on others half of the time. Here it is the largest
at which a lower confidence bound of recall reaches the target, there and at every lower threshold. Patches of a patient
are alike, so the bound is not of their number m but of how many independent ones they are worth, m / (1 + (b - 1) rho)
(Kish 1965, section 5.4; b is the mean number of malignant patches of the patient whose patch is drawn, rho how alike
they are), and rho is a number which twenty patients cannot tell. It is brought along: that of the patients held out of
the model, or of those at hand where theirs is larger. On the effective number the bound is Jeffreys' (Brown, Cai &
DasGupta 2001), as in Korn & Graubard 1998 with the mid-way in place of the exact interval; and never above the exact
bound for independent patches (Clopper & Pearson 1934). Thresholds are gone through from below until one fails, which
keeps the error of all of them at that of one (Bates et al. 2021, "Distribution-free, risk-controlling prediction
sets").

What it costs and what it holds was measured: docs/plan.md. It rests on one assumption, that those to come are drawn as
those at hand were, and are no more unlike each other than the larger of the two rho says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.evaluation.closed_forms import LEAST_PATIENTS, least_exact, least_worth
from cancernet.evaluation.ranking import Floats

ASSURANCE = 0.9  # of all samples of patients, in how many the target is to hold
RHO = 0.08  # of being found at a recall of 0.95; 0.077 and 0.069 in two halves of the shipped model's held-out patients
BLOCK = 256  # thresholds looked at together


@dataclass(frozen=True)
class Assured:
    """A threshold, or why there is none.

    Attributes:
        threshold: in the scores' own unit, malignant at or above it; NaN where there is none.
        reason: why there is none, in one line; "" where there is one.
        recall: of the patches at hand at the threshold; NaN where there is none.
        lower: the bound there, at least the target; NaN where there is none.
        n_patients: with a malignant patch.
        n_malignant: patches.
        worth: how many independent patches they are worth, at the threshold or with none missed.
        rho: how alike the patches of a patient were taken to be, there.
        target: recall.
        assurance: share of samples of patients in which the target is to hold.
    """

    threshold: float
    reason: str
    recall: float
    lower: float
    n_patients: int
    n_malignant: int
    worth: float
    rho: float
    target: float
    assurance: float


@dataclass(frozen=True)
class Ranked:
    """Malignant patches from the lowest score up, as the search goes through them.

    Attributes:
        names: (P,) of the patients with a malignant patch, by their codes.
        score: (M,) ascending.
        patient: int (M,), codes from 0.
        earlier: float (M,), how many of the same patient come before.
        size: float (P,) malignant patches of each patient.
        first: int (K,), where a new score begins: a threshold there misses what comes before.
    """

    names: NDArray[np.str_]
    score: Floats
    patient: NDArray[np.int64]
    earlier: Floats
    size: Floats
    first: NDArray[np.int64]


def assured_threshold(
    patient: ArrayLike,
    label: ArrayLike,
    score: ArrayLike,
    *,
    target: float = defaults.TARGET_RECALL,
    assurance: float = ASSURANCE,
    rho: float = RHO,
) -> Assured:
    """Return the largest threshold that holds a target recall on patients to come, or why there is none.

    Args:
        patient: (N,) names, all known.
        label: (N,) of 0 and 1; benign patches do not matter.
        score: (N,) probability of malignant, or its log odds.
        target: recall over all malignant patches, in (0, 1).
        assurance: in (0, 1).
        rho: how alike the patches of a patient are taken to be at least, in [0, 1]; see `closed_forms.likeness`.

    Raises:
        UserError: shares out of range, or a patient that is not known.
        ValueError: scores that are not finite.

    Example:
        >>> assured_threshold([1, 1, 2, 2], [1, 1, 1, 1], [0.9, 0.8, 0.7, 0.6]).reason[:48]
        '2 patients with tumour hold 4 malignant patches,'
    """
    for name, value in (("target recall", target), ("assurance", assurance)):
        if not 0 < value < 1:
            raise UserError(f"{name} {value:g} is not a share: give a number between 0 and 1, such as 0.9")
    ranked = rank(patient, label, score)
    n, m = len(ranked.size), len(ranked.score)
    nothing = Assured(np.nan, "", np.nan, np.nan, n, m, float(m), rho, target, assurance)
    if n < LEAST_PATIENTS:
        return replace(
            nothing, reason=f"{_patients(n)}: a threshold for others needs {LEAST_PATIENTS} at the very least"
        )
    every = np.ones((1, n))
    [chosen] = search(ranked, every, target=target, assurance=assurance, rho=rho)
    at = max(int(chosen), 0)
    code = ranked.patient[:at]
    sums = np.array([at, (2 * ranked.earlier[:at] + 1).sum(), ranked.size[code].sum()], np.float64)
    alike, worth = _worth(ranked, every, sums[:, None, None], rho)
    nothing = replace(nothing, worth=float(worth[0, 0]), rho=float(alike[0, 0]))
    if chosen < 0:
        return replace(nothing, reason=_too_few(nothing))
    lower = float(lower_bound(m, at, worth, assurance)[0, 0])
    return replace(nothing, threshold=float(ranked.score[at]), recall=1 - at / m, lower=lower)


def rank(patient: ArrayLike, label: ArrayLike, score: ArrayLike) -> Ranked:
    """Return the malignant patches as the search goes through them; see `assured_threshold`.

    Raises:
        UserError: a patient that is not known.
        ValueError: scores that are not finite.
    """
    malignant = np.asarray(label) == 1
    names = np.asarray(patient)[malignant].astype(str)
    if (names == "").any():
        raise UserError("a threshold for other patients needs the patient of every patch; some here have none")
    scores = np.asarray(score, np.float64)[malignant]
    if not np.isfinite(scores).all():
        raise ValueError("a score is not finite")
    order = np.argsort(scores, kind="stable")
    unique, code = np.unique(names, return_inverse=True)
    code, scores = code[order].astype(np.int64), scores[order]
    size = np.bincount(code).astype(np.float64)
    together = np.argsort(code, kind="stable")  # patches of a patient beside each other, still ascending
    earlier = np.empty(len(code))
    earlier[together] = np.arange(len(code)) - np.repeat(np.cumsum(size) - size, size.astype(int))
    first = np.flatnonzero(np.append(True, scores[1:] != scores[:-1])[: len(scores)])
    return Ranked(unique, scores, code, earlier, size, first)


def search(ranked: Ranked, weight: Floats, *, target: float, assurance: float, rho: float) -> NDArray[np.int64]:
    """Go up the thresholds until one fails, for many samples of patients at once.

    Args:
        ranked: malignant patches of P patients.
        weight: (S, P), how often each patient is in each sample, as patients of their own.
        target: recall.
        assurance: of the bound.
        rho: at least.

    Returns:
        (S,) position in `ranked` of the patch whose score is the threshold; -1 where none will do.
    """
    chosen = np.full(len(weight), -1)
    going = weight.sum(axis=1) >= LEAST_PATIENTS
    before = np.zeros((3, len(weight)))
    m = weight @ ranked.size
    for start in range(0, len(ranked.first), BLOCK):
        live = np.flatnonzero(going)
        if not len(live):
            break
        at = ranked.first[start : start + BLOCK]
        end = ranked.first[start + BLOCK] if start + BLOCK < len(ranked.first) else len(ranked.score)
        rows = slice(at[0], end)
        of = weight[live][:, ranked.patient[rows]]
        steps = [of, of * (2 * ranked.earlier[rows] + 1), of * ranked.size[ranked.patient[rows]]]
        running = [before[k, live, None] + np.cumsum(step, axis=1) for k, step in enumerate(steps)]
        previous = np.stack(
            [np.column_stack([before[k, live], each[:, :-1]])[:, at - at[0]] for k, each in enumerate(running)]
        )
        _, worth = _worth(ranked, weight[live], previous, rho)
        holds = _holds(m[live, None], previous[0], worth, target, assurance)
        passed = np.where(holds.all(axis=1), holds.shape[1], np.argmin(holds, axis=1))
        chosen[live] = np.where(passed > 0, at[np.maximum(passed - 1, 0)], chosen[live])
        going[live] = passed == holds.shape[1]
        for k, each in enumerate(running):
            before[k, live] = each[:, -1]
    return chosen


def enough(ranked: Ranked, weight: Floats, *, target: float, assurance: float, rho: float) -> NDArray[np.bool_]:
    """Tell of samples of patients whether any threshold would do, (S,): the one that misses none; see `search`."""
    nothing = np.zeros((3, len(weight), 1))
    m, n = (weight @ ranked.size)[:, None], weight.sum(axis=1)
    _, worth = _worth(ranked, weight, nothing, rho)
    return _holds(m, nothing[0], worth, target, assurance)[:, 0] & (n >= LEAST_PATIENTS)


def lower_bound(m: float, missed: ArrayLike, worth: ArrayLike, assurance: float) -> Floats:
    """Return the lower confidence bound of recall, for m patches worth fewer, of which some are missed."""
    from scipy.special import betaincinv

    missed, worth = np.asarray(missed, np.float64), np.asarray(worth, np.float64)
    lost = missed / m * worth
    exact = betaincinv(np.maximum(m - missed, 1e-9), missed + 1, 1 - assurance)
    return np.minimum(betaincinv(worth - lost + 0.5, lost + 0.5, 1 - assurance), exact)


def _holds(m: Floats, missed: Floats, worth: Floats, target: float, assurance: float) -> NDArray[np.bool_]:
    """Whether `lower_bound` reaches the target, which is quicker to tell than where it lies."""
    from scipy.special import betainc

    lost = missed / m * worth
    passed = betainc(worth - lost + 0.5, lost + 0.5, target) <= 1 - assurance
    at = np.nonzero(passed)  # the second bound is seldom the lower one, and each costs as much
    least = np.broadcast_to(m, passed.shape)[at]
    passed[at] = betainc(np.maximum(least - missed[at], 1e-9), missed[at] + 1, target) <= 1 - assurance
    return passed


def _worth(ranked: Ranked, weight: Floats, sums: Floats, rho: float) -> tuple[Floats, Floats]:
    """Return how alike patches of a patient are, and how many independent ones all are worth; both (S, K).

    Args:
        ranked: P patients.
        weight: (S, P).
        sums: (3, S, K), with each threshold: malignant patches missed; the sum over patients of the square of theirs;
            the sum over patches missed of the number that their patient has.
        rho: at least.
    """
    missed, squares, sizes = sums
    n, m = weight.sum(axis=1)[:, None], (weight @ ranked.size)[:, None]
    square = (weight @ ranked.size**2)[:, None]
    b = square / m
    share = missed / m
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = n / (n - 1) * (squares - 2 * share * sizes + share**2 * square) / m / (share * (1 - share))
        seen = (effect - 1) / (b - 1)
    alike = np.clip(np.where(np.isfinite(seen), np.maximum(seen, rho), rho), 0, 1)
    return alike, m / (1 + (b - 1) * alike)


def _too_few(found: Assured) -> str:
    """Say why even a threshold that misses none of the patches at hand is no answer."""
    worth, exact = least_worth(found.target, found.assurance), least_exact(found.target, found.assurance)
    wanted = found.n_patients * max(worth / found.worth, exact / found.n_malignant)
    least, alone = f"{np.ceil(worth):.0f}", f"{np.ceil(exact):.0f}"
    return (
        f"{_patients(found.n_patients)} hold {found.n_malignant} malignant patches, worth {found.worth:.0f} "
        f"independent ones, and a recall of {found.target:g} with assurance {found.assurance:g} asks for {least} even "
        f"where none is missed ({alone} of patients with one each); some {np.ceil(wanted):.0f} such patients would do"
    )


def _patients(n: int) -> str:
    return f"{n} patient{'' if n == 1 else 's'} with tumour"
