"""What a run is asked: which model is shown, chosen by what, with which warnings."""

from __future__ import annotations

import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.evaluation.results import (
    FLOOR,
    RunResults,
    caption,
    chosen,
    floor,
    models,
    random_weights,
    reported_rows,
    shown,
    warning,
)


def numbers(precision: float | None) -> dict:
    points = {"target_recall": {"threshold": 0.3}, "default": {"threshold": 0.5}}
    plain = {"n_patches": 1200, "n_patients": 4, "prevalence": 0.3, "operating_points": points}
    return {**plain, "average_precision": {"value": precision}}


def made(val: dict[str, float | None], *, with_floor: bool = True, **changes) -> RunResults:
    """A run of models with that average precision on validation patients; on test the last is the best."""
    metrics = [
        {"model": name, "splits": {"test": numbers(0.5 + i / 10), "val": numbers(score)}}
        for i, (name, score) in enumerate({**({FLOOR: 0.99} if with_floor else {}), **val}.items())
    ]
    return RunResults(title="run", metrics=metrics, **changes)


def test_headline_model_is_chosen_on_validation_and_never_on_the_reported_split():
    entry, why = chosen(made({"one": 0.9, "two": 0.8}))
    assert entry.model == "one"
    assert "validation" in why


def test_only_model_is_the_headline():
    entry, why = chosen(made({"one": None}))
    assert (entry.model, why) == ("one", "the only model")


@pytest.mark.parametrize("without", [False, True])
def test_first_model_is_the_headline_without_validation_numbers(without):
    results = made({"one": None, "two": None})
    for entry in results.metrics if without else []:
        del entry["splits"]["val"]
    entry, why = chosen(results)
    assert entry.model == "one"
    assert "first" in why


def test_a_model_without_validation_numbers_does_not_win():
    assert chosen(made({"one": None, "two": 0.1}))[0].model == "two"


def test_floor_is_never_the_headline_and_is_listed_last_wherever_it_came():
    results = made({"one": 0.01, "two": 0.02})
    assert chosen(results)[0].model == "two"
    assert [entry.model for entry in shown(results)] == ["one", "two", FLOOR]
    assert floor(results).model == FLOOR
    assert [entry.model for entry in models(results)] == ["one", "two"]


def test_no_floor_is_no_error():
    assert floor(made({"one": 0.5}, with_floor=False)) is None


def test_reported_rows_are_those_of_the_first_split():
    rows = pd.DataFrame({"path": ["a", "b", "c"], "split": ["val", "test", "test"]})
    results = made({"one": 0.5, "two": 0.5, "three": 0.5}, predictions={"one": rows, "two": rows.head(1)})
    one, two, three = models(results)
    assert one.split == "test"
    assert reported_rows(results, one)["path"].tolist() == ["b", "c"]
    assert reported_rows(results, two) is None  # nothing of that split
    assert reported_rows(results, three) is None


def test_headline_numbers_are_those_of_target_recall_or_of_the_first_point_there_is():
    entry = models(made({"one": 0.5}))[0]
    assert entry.headline["threshold"] == 0.3
    del entry.numbers["operating_points"]["target_recall"]
    assert entry.headline["threshold"] == 0.5


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({"transfer": "imagenet"}, []),
        ({"transfer": "none (random)"}, ["transfer"]),
        ({"transfer": "none (random: no network for the ImageNet weights)"}, ["transfer"]),
        ({"transfer": "none", "fine_tuned": "imagenet"}, ["transfer"]),
        ({}, []),
    ],
)
def test_random_weights_are_recognised(weights, expected):
    assert random_weights(made({"one": 0.5}, weights=weights)) == expected


def test_caption_counts_patches_and_patients():
    results = made({"one": 0.5}, with_floor=False)
    assert caption(results) == "n = 1,200 patches of 4 patients (test), 30% malignant"
    results.metrics[0]["splits"]["test"]["n_patients"] = 0
    assert "of unknown patients" in caption(results)


@pytest.mark.parametrize(
    ("synthetic", "safe", "words"),
    [
        (False, True, ""),
        (True, True, "SYNTHETIC, NOT EVIDENCE"),
        (False, False, "NOT SPLIT BY PATIENT: SCORES TOO HIGH"),
        (True, False, "SYNTHETIC, NOT EVIDENCE · NOT SPLIT BY PATIENT: SCORES TOO HIGH"),
    ],
)
def test_warning_says_what_is_wrong(synthetic, safe, words):
    assert warning(made({"one": 0.5}, synthetic=synthetic, patient_safe=safe)) == words


def test_a_run_shows_itself_as_a_table_of_models_with_intervals():
    results = made({"<i>one</i>": 0.5}, synthetic=True)
    known, unknown = {"value": 0.91234, "low": 0.9, "high": 0.95}, dict.fromkeys(("value", "low", "high"))
    for entry in results.metrics:
        test = entry["splits"]["test"]
        test["auc"] = known
        point = test["operating_points"]["target_recall"]
        point["recall"], point["specificity"] = {**known, "low": None, "high": None}, unknown
    shown_as = results._repr_html_()
    assert shown_as.count("<tr>") == 3
    assert "<td>&lt;i&gt;one&lt;/i&gt;</td><td>0.912 (0.900 to 0.950)</td><td>0.912</td><td>undefined</td>" in shown_as
    assert f"<td>{FLOOR}</td>" in shown_as
    assert "n = 1,200 patches" in shown_as
    assert "SYNTHETIC" in shown_as


@pytest.mark.parametrize("metrics", [[], [{"model": FLOOR, "splits": {"test": {}}}], [{"model": "a", "splits": {}}]])
def test_nothing_evaluated_is_a_clear_error(metrics):
    with pytest.raises(UserError, match="nothing to report"):
        RunResults(title="run", metrics=metrics)
