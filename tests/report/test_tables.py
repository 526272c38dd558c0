import pandas as pd
import pytest

from cancernet.evaluation.results import FLOOR, models
from cancernet.report.tables import (
    COLUMNS,
    QUARANTINE_ROWS,
    banners,
    comparison,
    facts,
    headline,
    interval,
    operating_points,
    percent,
    quarantine,
)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ({"value": 0.91234, "low": 0.89, "high": 0.93}, ("0.912", "0.890–0.930")),
        ({"value": 0.5, "low": None, "high": None}, ("0.500", "")),
        ({"value": None, "low": None, "high": None}, ("n/a", "")),
        (None, ("n/a", "")),
    ],
)
def test_interval_as_text(metric, expected):
    assert interval(metric) == expected


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ({"value": 0.954, "low": 0.92, "high": 0.97}, ("95 %", "92 to 97 %")),
        ({"value": 1.0, "low": None, "high": None}, ("100 %", "")),
        ({"value": None, "low": None, "high": None}, ("n/a", "")),
    ],
)
def test_percent_as_text(metric, expected):
    assert percent(metric) == expected


def test_comparison_has_every_model_and_the_floor_last(five):
    rows = comparison(five)
    assert [row["model"] for row in rows] == [*(entry.model for entry in models(five)), FLOOR]
    assert [row["is_floor"] for row in rows] == [False] * 5 + [True]
    assert all(len(row["cells"]) == len(COLUMNS) for row in rows)


def test_comparison_marks_models_under_the_floor(five):
    assert [row["model"] for row in comparison(five) if row["below"]] == ["baseline"]


def test_comparison_gives_minutes_where_known(five):
    minutes = {row["model"]: row["minutes"] for row in comparison(five)}
    assert minutes["baseline"] == "3.2"
    assert minutes[FLOOR] == ""


def test_comparison_shows_both_kinds_of_f1_apart():
    names = [name for _, name, _, _ in COLUMNS]
    assert "F1 malignant" in names
    assert "F1 weighted" in names


def test_operating_points_show_each_threshold(five):
    entry = models(five)[0]
    rows = operating_points(entry)
    assert [row["name"] for row in rows] == ["target recall", "0.5", "best F1"]
    assert rows[1]["threshold"] == "0.5"
    assert rows[0]["cells"][0] == interval(entry.headline["recall"])


def test_headline_is_of_the_chosen_model_and_names_the_floor(five):
    said = headline(five)
    entry = next(entry for entry in models(five) if entry.model == said["model"])
    assert said["recall"] == percent(entry.headline["recall"])
    assert said["specificity"] == percent(entry.headline["specificity"])
    assert said["floor_auc"] is not None
    assert said["of"] == 5


def test_headline_without_floor(single):
    assert headline(single)["floor_auc"] is None
    assert headline(single)["of"] == 1


@pytest.mark.parametrize(("high", "said"), [(0.90, True), (0.96, False), (None, False)])
def test_recall_clearly_under_the_target_is_said(make, high, said):
    results = make(("baseline",))
    models(results)[0].headline["recall"]["high"] = high
    assert bool(headline(results)["missed_target"]) == said


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"synthetic": True}, "Synthetic data: not evidence"),
        ({"patient_safe": False}, "Not split by patient: scores are too high"),
        ({"weights": {"transfer": "none (random)"}}, "Random weights: transfer"),
        ({"below_floor": ["baseline"]}, "Not above the colour floor: baseline"),
    ],
)
def test_each_flaw_raises_its_banner(make, changes, title):
    clean = {"weights": {}, "below_floor": []}
    assert not banners(make(("baseline",), **clean))
    assert [name for name, _ in banners(make(("baseline",), **{**clean, **changes}))] == [title]


def test_synthetic_is_the_first_banner(make):
    found = banners(make(("baseline",), synthetic=True, patient_safe=False))
    assert "Synthetic" in found[0][0]


def test_quarantine_counts_duplicates_as_one_reason(make):
    table = pd.DataFrame({"path": list("abc"), "reason": ["exact duplicate of q", "exact duplicate of r", "empty"]})
    found = quarantine(make(("baseline",), data={"quarantined": table}))
    assert found["counts"] == [("exact duplicate", 2), ("empty", 1)]
    assert found["total"] == 3


def test_long_quarantine_is_cut_and_the_rest_counted(make):
    table = pd.DataFrame({"path": [str(i) for i in range(500)], "reason": "truncated"})
    found = quarantine(make(("baseline",), data={"quarantined": table}))
    assert len(found["rows"]) == QUARANTINE_ROWS
    assert found["more"] == 500 - QUARANTINE_ROWS


def test_no_quarantine_is_empty(make):
    assert quarantine(make(("baseline",), data={}))["total"] == 0


def test_facts_flatten_and_name_the_inner_by_the_outer():
    given = {"data_hash": "ab", "versions": {"keras": "3"}, "seeds": [1, 2], "seconds": 1.23456}
    assert facts(given) == [("data hash", "ab"), ("versions, keras", "3"), ("seeds", "1, 2"), ("seconds", "1.235")]
