"""Who stands out, and why; of a quiet site nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cancernet.model.judge import OUT_OF_FOCUS, Stain
from cancernet.sites.measures import BRIGHTNESS
from cancernet.sites.reference import Reference
from cancernet.sites.standing import shown, standing_out


def test_of_a_quiet_site_hardly_anyone_stands_out(groups: Callable, reference: Reference) -> None:
    assert len(standing_out(groups(50, seed=3), reference)) <= 1


def test_a_patient_unlike_the_reference_stands_out(groups: Callable, reference: Reference) -> None:
    some = groups(12, seed=3)
    some[4] = groups(1, seed=9, brightness=-6.0)[0]
    (odd,) = standing_out(some, reference)
    assert odd.name == some[4].name
    assert "deviations from what is usual" in odd.reasons[0]
    assert odd.reasons[0].startswith("brightness")


def test_a_foreign_stain_and_patches_that_cannot_be_judged_are_named(groups: Callable, reference: Reference) -> None:
    some = groups(12, seed=3)
    some[1] = replace(some[1], stain=Stain(3.21, 1.5, 50, "foreign"), reasons={"foreign": 50})
    some[2] = replace(some[2], reasons={OUT_OF_FOCUS: 30})
    some[3] = replace(some[3], reasons={OUT_OF_FOCUS: 3})
    reasons = {odd.name: odd.reasons for odd in standing_out(some, reference)}
    assert reasons == {
        some[1].name: ("foreign stain: 3.2 standard deviations, limit 1.5",),
        some[2].name: (f"30 of 50 patches cannot be judged, most of them: {OUT_OF_FOCUS}",),
    }


def test_one_unlike_the_others_here_stands_out_where_all_are_moved(groups: Callable, reference: Reference) -> None:
    some = [replace(group, means={**group.means, BRIGHTNESS: 160.0 + 0.1 * i}) for i, group in enumerate(groups(25))]
    some[3] = replace(some[3], means={**some[3].means, BRIGHTNESS: 195.0})
    (odd,) = standing_out(some, reference)
    assert odd.name == some[3].name
    assert "robust deviations from the others" in odd.reasons[0]


def test_among_patients_all_alike_a_small_difference_is_none(groups: Callable, reference: Reference) -> None:
    some = [replace(group, means={**group.means, BRIGHTNESS: 180.0 + 0.1 * i}) for i, group in enumerate(groups(25))]
    some[3] = replace(some[3], means={**some[3].means, BRIGHTNESS: 188.0})
    assert standing_out(some, reference) == []


def test_a_patient_without_tissue_is_named_by_its_reason(groups: Callable, reference: Reference) -> None:
    nothing = replace(
        groups(1)[0], n_tissue=0, stain=Stain(np.nan, np.nan, 0, ""), odds=np.empty(0), reasons={"blank": 50}
    )
    (odd,) = standing_out([nothing], reference)
    assert odd.reasons == ("50 of 50 patches cannot be judged, most of them: blank",)


def test_numbers_are_shown_as_they_are_read() -> None:
    assert [shown(name, value) for name, value in (("brightness", 187.3), ("unsure", 0.0123), ("score", -1.0))] == [
        "187",
        "1.2",
        "-1.00",
    ]
