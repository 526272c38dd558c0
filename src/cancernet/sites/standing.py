"""Patients or slides that a person should look at: with a reason for each, the plainest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cancernet.model.judge import kind_of
from cancernet.sites.measures import BRIGHTNESS, BY_NAME, SHARPNESS, TISSUE, Group
from cancernet.sites.reference import ODDS, Reference
from cancernet.sites.shifts import stray, value_of
from cancernet.slide.standing_out import LIMIT, robust_z

COMPARED = (BRIGHTNESS, SHARPNESS, TISSUE, ODDS)
FARTHER = 2.0  # spreads between patients that one differs from the others by, besides: among like ones all are far
UNSURE_SHARE = 0.25  # of its patches; of 230 patients of the public set the most has 0.17
TITLES = {name: BY_NAME[name].title for name in COMPARED if name in BY_NAME} | {ODDS: "mean log odds of malignant"}


@dataclass(frozen=True)
class Odd:
    """A patient or slide that stands out, and why."""

    name: str
    reasons: tuple[str, ...]


def standing_out(groups: Sequence[Group], reference: Reference) -> list[Odd]:
    """Return who stands out: by stain, by what cannot be judged, of the reference, of the others here."""
    z = {name: robust_z(np.array([value_of(group, name)[0] for group in groups])) for name in COMPARED}
    found = []
    for place, group in enumerate(groups):
        reasons = list(_plain(group))
        for name in COMPARED:
            value, count = value_of(group, name)
            if not count:
                continue
            usual = reference.measures.get(name)
            off = stray(group, name, reference)
            among = z[name]
            if usual is not None and abs(off) > LIMIT:
                reasons.append(f"{TITLES[name]}: {shown(name, value)}, {abs(off):.1f} deviations from what is usual")
            elif among is not None and abs(among[place]) > LIMIT and _far(groups, name, value, reference):
                reasons.append(
                    f"{TITLES[name]}: {shown(name, value)}, {abs(among[place]):.1f} robust deviations from the others"
                )
        if reasons:
            found.append(Odd(group.name, tuple(reasons)))
    return sorted(found, key=lambda odd: -len(odd.reasons))


def shown(name: str, value: float) -> str:
    """Return a measure as it is read.

    Example:
        >>> shown("tissue", 0.8)
        '80'
    """
    if name not in BY_NAME:
        return f"{value:.2f}"
    return f"{value * BY_NAME[name].scale:.{BY_NAME[name].digits}f}"


def _plain(group: Group) -> list[str]:
    if group.stain.alarm:
        return [f"foreign stain: {group.stain.distance:.1f} standard deviations, limit {group.stain.limit:.1f}"]
    lost = sum(group.reasons.values())
    if lost < UNSURE_SHARE * group.n or not lost:
        return []
    most = kind_of(next(iter(group.reasons)))
    return [f"{lost:,} of {group.n:,} patches cannot be judged, most of them: {most}"]


def _far(groups: Sequence[Group], name: str, value: float, reference: Reference) -> bool:
    """Whether a value lies far from the others here by what patients elsewhere differ by; so where that is unknown."""
    middle = np.nanmedian([value_of(group, name)[0] for group in groups])
    usual = reference.measures.get(name)
    return usual is None or bool(abs(value - middle) >= FARTHER * usual.between)
