"""The table at the end of a run: the numbers, their intervals, and what must not be overlooked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from cancernet.evaluation.results import FLOOR, RunResults
from cancernet.report.console import table


def line(text: str, start: str) -> str:
    return next(each for each in text.splitlines() if each.startswith(start))


def test_each_model_and_the_floor_has_a_line(five: RunResults) -> None:
    text = table(five)
    order = [text.index(f"\n{entry['model']}") for entry in five.metrics]
    assert order == sorted(order)
    assert five.metrics[-1]["model"] == FLOOR


def test_a_line_shows_the_values_with_their_intervals(five: RunResults) -> None:
    numbers = five.metrics[2]["splits"]["test"]
    shown = line(table(five), "augmented")
    for value in (numbers["auc"], numbers["operating_points"]["target_recall"]["recall"]):
        assert f"{value['value']:.3f} ({value['low']:.3f}-{value['high']:.3f})" in shown
    assert shown.rstrip().endswith(f"{five.minutes['augmented']:.1f}")


def test_columns_stand_under_their_heads(five: RunResults) -> None:
    text = table(five)
    head, row = line(text, "model"), line(text, "baseline")
    assert row[head.index("AUC")].isdigit()
    assert row[head.index("recall")].isdigit()
    assert len(head) == len(row)


def test_a_model_under_the_floor_is_marked_and_named(five: RunResults) -> None:
    text = table(five)
    assert line(text, "baseline").startswith("baseline *")
    assert not line(text, "transfer").startswith("transfer *")
    assert "* not above the colour floor: baseline" in text


def test_the_head_says_of_whom_the_numbers_are(five: RunResults) -> None:
    first = table(five).splitlines()[0]
    assert first.startswith("test patches 120, patients 4, ")
    assert "% malignant" in first


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"synthetic": True}, "SYNTHETIC"),
        ({"patient_safe": False}, "NOT SPLIT BY PATIENT"),
        ({"notes": ["x y"]}, "NOTE: x y"),
    ],
)
def test_warnings_are_there_when_due_and_only_then(five: RunResults, change: dict, words: str) -> None:
    assert words in table(dataclasses.replace(five, **change))
    assert words not in table(five)


def test_an_undefined_number_is_called_so(make: Callable[..., RunResults]) -> None:
    results = make(("baseline",), with_floor=False)
    results.metrics[0]["splits"]["test"]["auc"] = {"value": None, "low": None, "high": None}
    assert "n/a" in line(table(results), "baseline")


def test_a_number_without_an_interval_stands_alone(make: Callable[..., RunResults]) -> None:
    results = make(("baseline",), with_floor=False)
    results.metrics[0]["splits"]["test"]["auc"] = {"value": 0.5, "low": None, "high": None}
    assert " 0.500  " in line(table(results), "baseline")


def test_a_model_of_unknown_training_time_is_shown_all_the_same(make: Callable[..., RunResults]) -> None:
    assert "nan" in line(table(make(("baseline",), minutes={})), "baseline")
