from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.evaluation import metrics, ranking
from cancernet.evaluation.evaluate import evaluate, join_labels
from cancernet.model.judge import BLANK, OTHER_STAIN, kind_of
from cancernet.model.manifest import Band

THRESHOLDS = {"target_recall": 0.3, "default": 0.5, "best_f1": 0.6}


@pytest.fixture
def rows(make_predictions) -> pd.DataFrame:
    parts = [make_predictions(split=name, seed=seed) for seed, name in enumerate(("train", "val", "test"))]
    return pd.concat(parts, ignore_index=True)


def test_every_split_is_there_and_test_comes_first(rows):
    result = evaluate(rows, THRESHOLDS, model="cnn", samples=20)
    assert result["model"] == "cnn"
    assert list(result["splits"]) == ["test", "val", "train"]


def test_the_numbers_are_those_of_the_split_alone(rows):
    entry = evaluate(rows, THRESHOLDS, model="cnn", samples=20)["splits"]["test"]
    test = rows[rows["split"] == "test"]
    label, probability = test["label"], test["probability"]
    assert (entry["n_patches"], entry["n_patients"]) == (800, 20)
    assert entry["n_malignant"] == label.sum()
    assert entry["prevalence"] == pytest.approx(label.mean())
    assert entry["auc"]["value"] == pytest.approx(ranking.auc(label, probability))
    point = entry["operating_points"]["target_recall"]
    assert point["threshold"] == 0.3
    assert point["recall"]["value"] == pytest.approx((probability[label == 1] >= 0.3).mean())
    assert list(point["confusion"].values()) == list(metrics.confusion(label, probability, 0.3))
    assert entry["class_report"]["default"] == metrics.class_report(label, probability, 0.5)


def test_the_result_has_the_promised_names(rows):
    entry = evaluate(rows, THRESHOLDS, model="cnn", samples=20)["splits"]["test"]
    plain = {"auc", "average_precision", "brier", "ece"}
    counts = {"n_patches", "n_patients", "n_malignant", "prevalence"}
    others = {"operating_points", "per_patient", "class_report", "unsure", "selective", "bootstrap"}
    others |= {"decision_curve", "distribution", "predictive_values", "restated"}
    assert set(entry) == plain | counts | others
    assert list(entry["operating_points"]) == ["target_recall", "default", "best_f1"]
    for point in entry["operating_points"].values():
        assert set(point) == {"threshold", "confusion", *metrics.RATES}
        assert set(point["recall"]) == {"value", "low", "high"}
        assert point["recall"]["low"] <= point["recall"]["value"] <= point["recall"]["high"]


def test_the_result_is_plain_json(rows):
    result = evaluate(rows.assign(label=0), THRESHOLDS, model="cnn", samples=20)
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_a_split_of_one_class_has_a_null_auc_and_no_crash(rows):
    entry = evaluate(rows.assign(label=0), THRESHOLDS, model="cnn", samples=20)["splits"]["test"]
    assert entry["auc"] == {"value": None, "low": None, "high": None}
    assert entry["per_patient"] == {"median_recall": None, "worst": []}
    assert entry["operating_points"]["default"]["specificity"]["value"] is not None


def test_the_worst_patients_are_named_worst_first(rows):
    test = rows[rows["split"] == "test"].copy()
    lost = (test["patient"] == "test7") & (test["label"] == 1)
    test.loc[lost, "probability"] = 0.0
    found = evaluate(test, THRESHOLDS, model="cnn", samples=20)["splits"]["test"]["per_patient"]
    assert len(found["worst"]) == 5
    assert found["worst"][0] == {"patient": "test7", "n_malignant": int(lost.sum()), "recall": 0.0}
    recalls = [entry["recall"] for entry in found["worst"]]
    assert recalls == sorted(recalls)


def test_rows_in_no_split_are_left_out(rows):
    left_out = rows.assign(split=rows["split"].where(rows["split"] != "train", ""))
    assert list(evaluate(left_out, THRESHOLDS, model="cnn", samples=20)["splits"]) == ["test", "val"]


def test_unknown_patients_are_said_to_be_resampled_by_patch(rows):
    test = rows[rows["split"] == "test"]
    known = evaluate(test, THRESHOLDS, model="cnn", samples=20)["splits"]["test"]
    unknown = evaluate(test.assign(patient=""), THRESHOLDS, model="cnn", samples=20)["splits"]["test"]
    assert (known["bootstrap"]["unit"], unknown["bootstrap"]["unit"]) == ("patient", "patch")
    assert unknown["n_patients"] == 0


def test_an_order_of_rows_changes_nothing(rows):
    shuffled = rows.sample(frac=1, random_state=4)
    first = evaluate(rows, THRESHOLDS, model="cnn", samples=20)["splits"]["test"]
    second = evaluate(shuffled, THRESHOLDS, model="cnn", samples=20)["splits"]["test"]
    assert second["auc"] == pytest.approx(first["auc"])
    assert second["class_report"] == first["class_report"]


def test_a_shuffled_generator_looks_like_chance_by_position_and_not_by_path(make_predictions):
    """The classic Keras mistake: predictions in shuffled order beside `generator.classes` in file order."""
    table = make_predictions(patients=40, signal=4).drop(columns="probability")
    good = make_predictions(patients=40, signal=4).set_index("path")["probability"]
    order = np.random.default_rng(0).permutation(len(table))
    handed_back = pd.DataFrame({"path": table["path"].to_numpy()[order]})
    handed_back["probability"] = good.loc[handed_back["path"]].to_numpy()

    by_position = ranking.auc(table["label"], handed_back["probability"])
    joined = join_labels(handed_back, table)

    assert by_position == pytest.approx(0.5, abs=0.05)
    assert ranking.auc(joined["label"], joined["probability"]) > 0.98
    result = evaluate(joined, THRESHOLDS, model="cnn", samples=20)["splits"]["test"]
    assert result["auc"]["value"] == pytest.approx(ranking.auc(table["label"], good.loc[table["path"]]))


def test_shuffled_labels_score_as_chance(make_predictions):
    table = make_predictions(patients=40, signal=4)
    table["label"] = table["label"].sample(frac=1, random_state=1).to_numpy()
    entry = evaluate(table, THRESHOLDS, model="cnn", samples=100)["splits"]["test"]
    assert entry["auc"]["low"] < 0.5 < entry["auc"]["high"]


def test_joining_gives_the_columns_of_a_predictions_table(make_predictions):
    table = make_predictions(patients=2)
    joined = join_labels(table[["path", "probability"]].iloc[:7], table.drop(columns="probability"))
    assert list(joined) == ["path", "patient", "x", "y", "label", "probability", "split"]
    pd.testing.assert_frame_equal(joined, table.iloc[:7])


def test_joining_refuses_what_cannot_be_matched_one_to_one(make_predictions):
    table = make_predictions(patients=2)
    short = table[["path", "probability"]]
    with pytest.raises(UserError, match=r"predictions hold .* more than once"):
        join_labels(pd.concat([short, short.head(1)]), table)
    with pytest.raises(UserError, match=r"table of patches hold .* more than once"):
        join_labels(short, pd.concat([table, table.head(1)]))
    with pytest.raises(UserError, match=r"1 predictions have no patch, the first elsewhere.png"):
        join_labels(pd.DataFrame({"path": ["elsewhere.png"], "probability": [0.5]}), table)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1, 1.5])
def test_scores_that_are_no_probabilities_are_explained(rows, bad):
    rows.loc[3, "probability"] = bad
    with pytest.raises(UserError, match="1 predictions of cnn are not probabilities"):
        evaluate(rows, THRESHOLDS, model="cnn", samples=20)


def test_a_missing_column_a_doubled_path_or_no_split_is_explained(rows):
    with pytest.raises(UserError, match="lack the column 'patient'"):
        evaluate(rows.drop(columns="patient"), THRESHOLDS, model="cnn")
    with pytest.raises(UserError, match="more than once"):
        evaluate(pd.concat([rows, rows.head(1)]), THRESHOLDS, model="cnn")
    with pytest.raises(UserError, match="belongs to a split"):
        evaluate(rows.assign(split=""), THRESHOLDS, model="cnn")


def test_a_better_model_has_better_numbers(make_predictions):
    entries = []
    for signal in (0.5, 4):
        rows = make_predictions(patients=40, signal=signal)
        entries.append(evaluate(rows, THRESHOLDS, model="cnn", samples=20)["splits"]["test"])
    worse, better = entries
    for name in ("auc", "average_precision"):
        assert better[name]["value"] > worse[name]["high"]
    assert better["brier"]["value"] < worse["brier"]["low"]
    assert better["per_patient"]["median_recall"] > worse["per_patient"]["median_recall"]


def test_only_the_operating_points_given_are_reported(rows):
    entry = evaluate(rows, {"default": 0.5}, model="cnn", samples=20)["splits"]["test"]
    assert list(entry["operating_points"]) == list(entry["class_report"]) == ["default"]
    bare = evaluate(rows, {}, model="cnn", samples=20)["splits"]["test"]
    assert bare["operating_points"] == {}
    assert bare["per_patient"] is None


def test_each_band_of_abstention_is_measured_on_each_split(rows):
    band = Band(threshold=0.5, width=0.8, target=0.1)
    for split in evaluate(rows, THRESHOLDS, model="cnn", bands=[band], samples=20)["splits"].values():
        [found] = split["selective"]
        assert found["target"] == 0.1
        assert 0 < found["coverage"]["low"] <= found["coverage"]["value"] < 1


def test_what_cannot_be_judged_is_counted_by_reason_without_its_figures(make_predictions):
    rows = make_predictions(patients=4, patches=20)
    reasons = [OTHER_STAIN.format(3, 2), OTHER_STAIN.format(4, 2), BLANK, *[""] * (len(rows) - 3)]
    [numbers] = evaluate(rows.assign(reason=reasons, split="test"), {"target_recall": 0.5}, model="m")[
        "splits"
    ].values()
    assert (numbers["unsure"]["n"], numbers["unsure"]["reasons"]) == (3, {kind_of(OTHER_STAIN): 2, BLANK: 1})
    assert numbers["unsure"]["coverage"]["value"] == pytest.approx(1 - 3 / len(rows))
    [plain] = evaluate(rows.assign(split="test"), {"target_recall": 0.5}, model="m")["splits"].values()
    assert plain["unsure"] is None
    assert plain["operating_points"] == numbers["operating_points"]
