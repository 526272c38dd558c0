"""Each check against its limit: PASS, WARN and FAIL can each be had, and say what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cancernet.evaluation.verdicts import PASS, SKIP, WARN, Check
from cancernet.model.colours import Colours
from cancernet.model.judge import OUT_OF_FOCUS, Stain
from cancernet.sites.checks import (
    FAIL,
    LIMITS,
    check_answers,
    check_colours,
    check_measure,
    check_number,
    check_scores,
    check_stain,
    compare_scores,
    state_of,
    verdict,
)
from cancernet.sites.measures import BRIGHTNESS, SHARPNESS, TISSUE, UNSURE, Group
from cancernet.sites.reference import Reference
from cancernet.sites.shifts import Shift

MEASURED = (BRIGHTNESS, SHARPNESS, TISSUE)


def lost(group: Group, share: float) -> Group:
    count = round(share * group.n)
    return replace(group, means={**group.means, UNSURE: share}, reasons={OUT_OF_FOCUS: count} if count else {})


def foreign(group: Group) -> Group:
    return replace(group, stain=Stain(3.0, 1.5, group.n, "foreign"))


@pytest.mark.parametrize(("n", "state"), [(10, PASS), (9, WARN), (1, WARN)])
def test_few_patients_are_no_site(n: int, state: str) -> None:
    found = check_number(n, what="patients")
    assert found.state == state
    assert ("provisional" in found.found) is (state == WARN)


def test_one_is_told_to_be_one() -> None:
    assert "one slide: what is said is of that one" in check_number(1, what="slides").found


@pytest.mark.parametrize("name", MEASURED)
def test_a_site_like_the_reference_passes(groups: Callable, reference: Reference, name: str) -> None:
    assert check_measure(groups(20, seed=3), name, reference).state == PASS


@pytest.mark.parametrize(
    ("name", "by", "state"),
    [
        (BRIGHTNESS, 1.5, WARN),
        (BRIGHTNESS, -1.5, WARN),
        (BRIGHTNESS, -4.0, FAIL),
        (SHARPNESS, -2.0, WARN),
        (SHARPNESS, -13.0, FAIL),
        (TISSUE, 1.5, WARN),
        (TISSUE, -6.0, FAIL),
    ],
)
def test_a_site_that_is_moved_is_told(groups: Callable, reference: Reference, name: str, by: float, state: str) -> None:
    found = check_measure(groups(20, seed=3, **{name: by}), name, reference)
    assert found.state == state
    assert "usual is" in found.found


def test_a_trifle_is_no_warning_however_many_patients_show_it(groups: Callable, reference: Reference) -> None:
    many = Shift(value=190.0, usual=187.0, off=3.0, error=0.3, z=10.0, shared=0.0, n=2000)
    assert state_of(many, LIMITS[BRIGHTNESS]) == PASS


def test_fewer_that_cannot_be_judged_are_no_alarm(groups: Callable, reference: Reference) -> None:
    fewer = Shift(value=0.0, usual=0.05, off=-0.05, error=0.001, z=-50.0, shared=0.0, n=20)
    assert state_of(fewer, LIMITS[UNSURE]) == PASS


@pytest.mark.parametrize(("share", "state"), [(0.0, PASS), (0.06, WARN), (0.2, FAIL), (1.0, FAIL)])
def test_patches_that_cannot_be_judged(groups: Callable, reference: Reference, share: float, state: str) -> None:
    found = check_answers([lost(group, share) for group in groups(20)], reference, what="patients")
    assert found.state == state
    if share == 1:
        assert found.found == f"not one of 1,000 patches can be judged: {OUT_OF_FOCUS}"


@pytest.mark.parametrize(("n", "state"), [(0, PASS), (1, WARN), (2, FAIL), (20, FAIL)])
def test_patients_with_a_foreign_stain(groups: Callable, n: int, state: str) -> None:
    some = groups(20)
    found = check_stain([*map(foreign, some[:n]), *some[n:]], what="patients")
    assert found.state == state
    assert f"{n} of 20 patients" in found.found


def test_a_site_without_any_tissue_fails(groups: Callable, reference: Reference, colours: Colours) -> None:
    nothing = [replace(each, n_tissue=0, stain=Stain(np.nan, np.nan, 0, ""), odds=np.empty(0)) for each in groups(3)]
    assert check_stain(nothing, what="patients").state == FAIL
    assert check_colours(nothing, reference, colours).state == SKIP
    assert check_measure(nothing, BRIGHTNESS, reference).state == SKIP
    assert compare_scores(nothing, reference) is None


@pytest.mark.parametrize(("by", "state"), [(0.0, PASS), (1.5, WARN), (4.0, FAIL)])
def test_colours_of_the_whole_site(
    groups: Callable, reference: Reference, colours: Colours, by: float, state: str
) -> None:
    assert check_colours(groups(20, seed=3, brightness=by), reference, colours).state == state


def test_scores_warn_and_never_fail(groups: Callable, reference: Reference) -> None:
    assert check_scores(compare_scores(groups(20, seed=3), reference), what="patients").state == PASS
    found = check_scores(compare_scores(groups(20, seed=3, score=6.0), reference), what="patients")
    assert found.state == WARN
    assert "scores here are higher" in found.found
    assert check_scores(None, what="patients").state == SKIP


@pytest.mark.parametrize(
    ("states", "worst"),
    [((PASS, PASS), PASS), ((PASS, SKIP), PASS), ((PASS, WARN), WARN), ((WARN, FAIL, PASS), FAIL), ((SKIP,), WARN)],
)
def test_the_worst_check_is_the_verdict(states: tuple[str, ...], worst: str) -> None:
    assert verdict([Check(state, "", "", "", "") for state in states]) == worst
