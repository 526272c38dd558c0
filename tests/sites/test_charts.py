"""The drawings: every mark lies inside, and says what it stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cancernet.sites.charts import HIGH, STRIPS, TALL, WIDE, cumulative, runs, strip
from cancernet.sites.checks import compare_scores
from cancernet.sites.drift import CHARTED, History, Run
from cancernet.sites.measures import BRIGHTNESS
from cancernet.sites.reference import Reference


def test_every_patient_has_a_mark_inside_the_strip(groups: Callable, reference: Reference) -> None:
    some = groups(12, seed=3, brightness=9.0)
    for name in STRIPS:
        made = strip(some, name, reference)
        assert len(made["marks"]) == 12
        assert all(0 <= mark["x"] <= WIDE and 0 <= mark["y"] <= HIGH for mark in made["marks"])
        assert made["band"][1] > 0
        assert made["marks"][0]["says"].startswith("P000: ")


def test_a_patient_without_a_number_has_no_mark(groups: Callable, reference: Reference) -> None:
    some = groups(3)
    some[0] = replace(some[0], means={**some[0].means, BRIGHTNESS: float("nan")}, n_tissue=0, odds=np.empty(0))
    assert len(strip(some, BRIGHTNESS, reference)["marks"]) == 2
    assert strip(some[:1], BRIGHTNESS, reference) is None


def test_the_scores_rise_from_left_below_to_right_above(groups: Callable, reference: Reference) -> None:
    made = cumulative(compare_scores(groups(12), reference))
    points = [tuple(map(float, each.split(","))) for each in made["site"].split()]
    assert points[0][0] < points[-1][0]
    assert TALL >= points[0][1] > points[-1][1] >= 0


def test_a_run_beyond_its_limit_is_marked() -> None:
    z = dict.fromkeys(CHARTED, 0.0) | {BRIGHTNESS: 20.0}
    made = runs(History("", (Run("2026-01-01", "a", 20, z, dict.fromkeys(CHARTED, 0.0), "WARN"),)))
    assert [each["beyond"] for each in made] == [True, False, False, False, False]
    assert made[0]["marks"][0]["out"]
    assert all(0 <= mark["y"] <= HIGH for each in made for mark in each["marks"])
    assert "2026-01-01: +4.00" in made[0]["marks"][0]["says"]
