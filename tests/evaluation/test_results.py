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


def with_scores(make, **validation):
    """Results whose validation average precision is as given, and whose test scores are not touched."""
    results = make(tuple(validation))
    for entry in results.metrics:
        if entry["model"] in validation:
            entry["splits"]["val"]["average_precision"]["value"] = validation[entry["model"]]
    return results


def test_headline_model_is_chosen_on_validation_and_never_on_the_reported_split(make):
    results = with_scores(make, baseline=0.9, fine_tuned=0.8)
    test_scores = {entry.model: entry.numbers["average_precision"]["value"] for entry in models(results)}
    assert test_scores["fine_tuned"] > test_scores["baseline"]
    entry, why = chosen(results)
    assert entry.model == "baseline"
    assert "validation" in why


def test_only_model_is_the_headline(single):
    entry, why = chosen(single)
    assert (entry.model, why) == ("baseline", "the only model")


def test_first_model_is_the_headline_without_validation_numbers(make):
    results = make(("baseline", "fine_tuned"))
    for entry in results.metrics:
        del entry["splits"]["val"]
    entry, why = chosen(results)
    assert entry.model == "baseline"
    assert "first" in why


def test_floor_is_never_the_headline(make):
    results = with_scores(make, baseline=0.01, augmented=0.02)
    assert chosen(results)[0].model == "augmented"


def test_floor_is_listed_last_wherever_it_came(make):
    results = make(("baseline", "augmented"))
    results.metrics.insert(0, results.metrics.pop())
    assert [entry.model for entry in shown(results)] == ["baseline", "augmented", FLOOR]
    assert floor(results).model == FLOOR
    assert FLOOR not in [entry.model for entry in models(results)]


def test_no_floor_is_no_error(single):
    assert floor(single) is None


def test_reported_split_is_the_first_one(five):
    assert {entry.split for entry in shown(five)} == {"test"}
    rows = reported_rows(five, models(five)[0])
    assert set(rows["split"]) == {"test"}
    assert len(rows) == models(five)[0].numbers["n_patches"]


def test_model_without_predictions_has_no_rows(make):
    results = make(("baseline",), predictions={})
    assert reported_rows(results, models(results)[0]) is None


def test_headline_numbers_are_those_of_target_recall(five):
    entry = models(five)[0]
    assert entry.headline is entry.numbers["operating_points"]["target_recall"]


def test_first_operating_point_stands_in_for_a_missing_target_recall(make):
    entry = models(make(("baseline",)))[0]
    del entry.numbers["operating_points"]["target_recall"]
    assert entry.headline is entry.numbers["operating_points"]["default"]


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
def test_random_weights_are_recognised(make, weights, expected):
    assert random_weights(make(("baseline",), weights=weights)) == expected


def test_caption_counts_patches_and_patients(five):
    numbers = shown(five)[0].numbers
    assert f"{numbers['n_patches']} patches of {numbers['n_patients']} patients (test)" in caption(five)


@pytest.mark.parametrize(
    ("synthetic", "safe", "words"),
    [(False, True, []), (True, True, ["NOT EVIDENCE"]), (False, False, ["NOT SPLIT BY PATIENT"])],
)
def test_warning_says_what_is_wrong(make, synthetic, safe, words):
    said = warning(make(("baseline",), synthetic=synthetic, patient_safe=safe))
    assert bool(said) == bool(words)
    assert all(word in said for word in words)


def test_both_warnings_are_said_together(make):
    said = warning(make(("baseline",), synthetic=True, patient_safe=False))
    assert "SYNTHETIC" in said
    assert "PATIENT" in said


@pytest.mark.parametrize(
    "metrics", [[], [{"model": FLOOR, "splits": {"test": {}}}], [{"model": "a", "splits": {}}]]
)
def test_nothing_evaluated_is_a_clear_error(metrics):
    with pytest.raises(UserError, match="nothing to report"):
        RunResults(title="run", metrics=metrics)
