"""Drift over runs: the chart smooths, its limits hold, and a run that comes again is not counted twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.common.files import to_json, write_text
from cancernet.evaluation.verdicts import PASS, SKIP, WARN
from cancernet.sites import drift
from cancernet.sites.drift import CHARTED, WEIGHT, WIDTH, History, Run, add, average, chart, check_trend, day, make_run
from cancernet.sites.reference import Reference


def run(date: str, batch: str, z: float) -> Run:
    return Run(date, batch, 20, dict.fromkeys(CHARTED, z), dict.fromkeys(CHARTED, 0.0), PASS)


def keep(folder: Path, history: History) -> None:
    write_text(folder / drift.NAME, to_json(drift.plain(history)))


def test_the_average_is_the_recursion_of_roberts() -> None:
    values = np.random.default_rng(0).normal(size=30)
    expected, last = [], 0.0
    for value in values:
        last = WEIGHT * value + (1 - WEIGHT) * last
        expected.append(last)
    np.testing.assert_allclose(average(values.tolist(), [0.0] * 30)[0], expected)


def test_the_limits_are_those_of_lucas_and_saccucci_where_nothing_is_shared() -> None:
    t = np.arange(1, 31)
    exact = WIDTH * np.sqrt(WEIGHT / (2 - WEIGHT) * (1 - (1 - WEIGHT) ** (2 * t)))
    np.testing.assert_allclose(average([0.0] * 30, [0.0] * 30)[1], exact)


@pytest.mark.parametrize("shared", [0.0, 0.4, 1.0])
def test_the_limits_are_so_many_deviations_of_the_average_whatever_is_shared(shared: float) -> None:
    rng = np.random.default_rng(0)
    common, own = rng.normal(size=(4000, 1)), rng.normal(size=(4000, 12))
    values = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
    last = [average(row, [shared] * 12)[0][-1] for row in values.tolist()]
    assert np.std(last) == pytest.approx(average([0.0] * 12, [shared] * 12)[1][-1] / WIDTH, rel=0.05)


def test_a_small_change_that_lasts_is_told_by_the_trend_and_by_no_single_run() -> None:
    quiet = tuple(run(f"2026-01-{i:02d}", str(i), 0.0) for i in range(1, 6))
    moved = tuple(run(f"2026-02-{i:02d}", f"m{i}", 2.0) for i in range(1, 9))
    assert check_trend(History("", quiet)).state == PASS
    found = check_trend(History("", quiet + moved))
    assert found.state == WARN
    assert "brightness (+" in found.found


def test_one_run_is_no_trend() -> None:
    assert check_trend(History("", (run("2026-01-01", "a", 9.0),))).state == SKIP


def test_runs_lie_by_their_day_and_one_that_comes_again_takes_its_place(reference: Reference, tmp_path: Path) -> None:
    history, note = add(tmp_path, run("2026-02-01", "b", 0.0), reference)
    assert note == ""
    keep(tmp_path, history)
    keep(tmp_path, add(tmp_path, run("2026-01-01", "a", 0.0), reference)[0])
    history, _ = add(tmp_path, run("2026-02-02", "b", 1.0), reference)
    assert [(each.date, each.batch) for each in history.runs] == [("2026-01-01", "a"), ("2026-02-02", "b")]


def test_another_reference_begins_the_chart_anew_and_says_so(
    groups: Callable, reference: Reference, tmp_path: Path
) -> None:
    keep(tmp_path, add(tmp_path, run("2026-01-01", "a", 0.0), reference)[0])
    other = msgspec.structs.replace(reference, of="others")
    history, note = add(tmp_path, run("2026-02-01", "b", 0.0), other)
    assert len(history.runs) == 1
    assert "1 earlier runs" in note


@pytest.mark.parametrize("content", ["", "{", "[]", '{"runs": 3}', '{"reference": "", "runs": [{"date": 1}]}'])
def test_a_damaged_history_begins_anew(reference: Reference, tmp_path: Path, content: str) -> None:
    (tmp_path / drift.NAME).write_text(content)
    assert len(add(tmp_path, run("2026-01-01", "a", 0.0), reference)[0].runs) == 1


def test_a_run_is_known_by_its_patients_whatever_their_order(groups: Callable, reference: Reference) -> None:
    some = groups(12, seed=3)
    one, other = (make_run(each, reference, date="2026-01-01", verdict=PASS) for each in (some, some[::-1]))
    assert one.batch == other.batch
    assert one.batch != make_run(some[1:], reference, date="2026-01-01", verdict=PASS).batch
    assert set(one.z) == set(CHARTED)


def test_a_chart_has_the_runs_that_measured_it() -> None:
    bare = Run("2026-01-02", "c", 20, {"brightness": 1.0}, {"brightness": 0.0}, PASS)
    history = History("", (run("2026-01-01", "a", 0.0), bare))
    assert len(chart(history, "brightness")[0]) == 2
    assert len(chart(history, "sharpness")[0]) == 1


def test_a_day_is_a_day() -> None:
    assert day("2026-03-01") == "2026-03-01"
    with pytest.raises(UserError, match="--date 1 March"):
        day("1 March")
