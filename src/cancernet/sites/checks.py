"""The verdict on a site: each measure against its limit, PASS, WARN or FAIL, and why that is the limit.

WARN: the site differs by more than patients do, or too little of it is known: look before the model is relied on.
FAIL: so far off that the model's threshold means nothing here, or a tenth of the patients or patches has no answer.

A limit has two parts. One is chance: how far batches of 20 patients of the public set stray, set on half of them and
measured on the others (`benchmarks/site_limits.py`, docs/site.md). The other is size: with many patients the least
difference shows, and one smaller than `least` is none that matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cancernet.evaluation.verdicts import PASS, SKIP, WARN, Check
from cancernet.model.colours import Colours
from cancernet.model.judge import kind_of
from cancernet.sites.measures import BRIGHTNESS, BY_NAME, SHARPNESS, TISSUE, UNSURE, Group
from cancernet.sites.reference import FEWEST, Reference
from cancernet.sites.scores import Distance, distance
from cancernet.sites.shifts import Shift, colour_shift, shift_of

FAIL = "FAIL"
STATES = (FAIL, WARN, PASS)  # the first of them that a check has is the verdict
FOREIGN = 0.1  # share of patients with a foreign stain, or of patches without an answer, from which a site fails
SCORES_P = 0.007  # of the bootstrap; a share of 0.7 % for each of six measures keeps all of them under 5 %


@dataclass(frozen=True)
class Limit:
    """How far a measure may lie off.

    Attributes:
        chance: errors of the mean; of batches of 20 patients at most 0.7 % lie beyond.
        least: in its own unit; less is no difference that matters.
        most: in its own unit, a failure from there on.
        why: it matters.
        low: whether too little is told too.
    """

    chance: float
    least: float
    most: float
    why: str
    low: bool = True


COLOUR = Limit(1.8, 0.3, 1.2, "colours the network did not learn from; the farthest of 230 patients lies at 1.2")
LIMITS = {
    BRIGHTNESS: Limit(2.8, 6, 36, "exposure, section thickness and staining time; three times the patients' spread"),
    SHARPNESS: Limit(2.7, 0.03, 0.7, "focus, scanner, JPEG, or another scale; a blur of 0.7 px is 0.8"),
    TISSUE: Limit(2.8, 0.05, 0.4, "patches cut otherwise, more or less glass, another kind of specimen"),
    UNSURE: Limit(4.4, 0.02, FOREIGN, "what cannot be judged is lost to the model", low=False),
}


def verdict(checks: Sequence[Check]) -> str:
    """Return the worst state of some checks; a check that was not made has not been passed, nor failed."""
    return next((state for state in STATES if any(check.state == state for check in checks)), WARN)


def check_number(n: int, *, what: str) -> Check:
    """Judge whether there are patients or slides enough to tell of a site.

    Args:
        n: of them with anything to judge.
        what: "patients" or "slides".
    """
    limit, why = f"at least {FEWEST} {what}", "of fewer one that is odd decides, and none tells how they differ"
    if n >= FEWEST:
        return Check(PASS, "number", f"{n:,} {what}", limit, why)
    said = f"{n} {what}: the verdict is provisional"
    if n == 1:
        said = f"one {what.removesuffix('s')}: what is said is of that one, not of the site; the verdict is provisional"
    return Check(WARN, "number", said, limit, why)


def check_answers(groups: Sequence[Group], reference: Reference, *, what: str) -> Check:
    """Judge how much the model cannot answer; each patient or slide weighs alike."""
    limit, total = LIMITS[UNSURE], sum(group.n for group in groups)
    counts = {group.name: sum(group.reasons.values()) for group in groups}
    lost = sum(counts.values())
    mean = float(np.mean([counts[group.name] / group.n for group in groups if group.n]))
    found = f"{lost:,} of {total:,} patches cannot be judged"
    if lost == total:
        reasons = [kind_of(reason) for group in groups for reason in group.reasons]
        said = f"not one of {total:,} patches can be judged: {reasons[0]}"
        return Check(FAIL, "answers", said, f"under {FOREIGN:.0%}", limit.why)
    found += f", {mean:.1%} where {what} weigh alike"
    if mean >= FOREIGN:
        return Check(FAIL, "answers", found, f"under {FOREIGN:.0%}", limit.why)
    shift = shift_of(groups, UNSURE, reference)
    state = PASS if shift is None else state_of(shift, limit)
    return Check(state, "answers", found, _allowed(shift, limit, UNSURE), limit.why)


def check_stain(groups: Sequence[Group], *, what: str) -> Check:
    """Judge how many patients or slides are stained or scanned unlike the training patches."""
    limit, why = f"none; a tenth of the {what} is a failure", "on a foreign stain the model may miss all, or see it all"
    told = [group for group in groups if group.stain.n]
    foreign = sum(bool(group.stain.alarm) for group in told)
    if not told:
        return Check(FAIL, "stain", "no stained tissue at all", limit, why)
    found = f"{foreign:,} of {len(told):,} {what} have a foreign stain"
    state = FAIL if foreign >= FOREIGN * len(told) else WARN
    return Check(state if foreign else PASS, "stain", found, limit, why)


def check_colours(groups: Sequence[Group], reference: Reference, colours: Colours) -> Check:
    """Judge the mean colours of all patients together, which tell a stain before any one patient does."""
    shift = colour_shift(groups, reference, colours)
    if shift is None:
        return Check(SKIP, "colours", "no stained tissue", "", COLOUR.why)
    found = f"mean colours lie {shift.value:.2f} standard deviations off"
    return Check(state_of(shift, COLOUR), "colours", found, _limits(shift, COLOUR, 1, 2, ""), COLOUR.why)


def check_measure(groups: Sequence[Group], name: str, reference: Reference) -> Check:
    """Judge brightness, sharpness or the stained share."""
    limit, measure = LIMITS[name], BY_NAME[name]
    shift = shift_of(groups, name, reference)
    if shift is None:
        return Check(SKIP, name, "nothing to measure it by", "", limit.why)
    value, usual = (f"{each * measure.scale:.{measure.digits}f}" for each in (shift.value, shift.usual))
    off = round(shift.off * measure.scale, measure.digits) + 0.0  # the 0 keeps a rounded trifle from being written -0
    found = f"{value}{measure.unit}, usual is {usual} ({off:+.{measure.digits}f}; {measure.title})"
    return Check(state_of(shift, limit), name, found, _allowed(shift, limit, name), limit.why)


def check_scores(found: Distance | None, *, what: str) -> Check:
    """Judge whether scores are distributed as those of patients held out; no failure, since disease differs too."""
    why = "another mix of disease, or colours that move the scores; a threshold that was chosen on others may not hold"
    limit = f"nearer than all but {SCORES_P:.1%} of as many {what} drawn from the reference"
    if found is None:
        return Check(SKIP, "scores", "no scores to compare, here or in the reference", limit, why)
    far = found.p <= SCORES_P
    middle = "higher" if found.higher else "lower"
    said = (
        f"distance {found.value:.2f} (p = {found.p:.3f}), limit {found.limit(SCORES_P):.2f}; scores here are {middle}"
    )
    return Check(WARN if far else PASS, "scores", said, limit, why)


def compare_scores(groups: Sequence[Group], reference: Reference) -> Distance | None:
    """Return how the scores of a site lie to a reference's; nothing where either has none."""
    ours = [group.odds for group in groups if len(group.odds)]
    theirs = [np.array(each) for each in reference.scores if each]
    return distance(ours, theirs) if ours and theirs else None


def state_of(shift: Shift, limit: Limit) -> str:
    """Hold a shift against its limit."""
    off = abs(shift.off) if limit.low else shift.off
    chance = (abs(shift.z) if limit.low else shift.z) > limit.chance
    if not chance or off < limit.least:
        return PASS
    return FAIL if off >= limit.most else WARN


def _allowed(shift: Shift | None, limit: Limit, name: str) -> str:
    measure = BY_NAME[name]
    if shift is None:
        return ""
    return _limits(shift, limit, measure.scale, measure.digits, "±" if limit.low else "+", measure.unit)


def _limits(shift: Shift, limit: Limit, scale: float, digits: int, sign: str, unit: str = "") -> str:
    """Say from where on a shift is a warning, for so many patients, and where a failure."""
    error = abs(shift.off / shift.z) if shift.z else shift.error
    warn = max(limit.least, limit.chance * error)
    most = max(limit.most, warn)
    warned, failed = (f"{sign}{each * scale:.{digits}f}{unit}" for each in (warn, most))
    return f"{warned} for so many; {failed} is a failure"
