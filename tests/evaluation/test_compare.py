from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.evaluation import ranking
from cancernet.evaluation.bootstrap import patient_bootstrap
from cancernet.evaluation.compare import align, paired_difference

POINTS = {"target_recall": 0.3, "default": 0.5}


def blurred(rows: pd.DataFrame, amount: float, seed: int = 0) -> pd.DataFrame:
    noise = np.random.default_rng(seed).normal(0, amount, len(rows))
    odds = np.log(rows["probability"] / (1 - rows["probability"])) + noise
    return rows.assign(probability=1 / (1 + np.exp(-odds)))


def test_the_difference_is_that_of_the_metrics(make_predictions):
    a = make_predictions()
    b = blurred(a, 1.0)
    found = paired_difference(a, b, POINTS, {"target_recall": 0.2, "default": 0.5}, samples=30)
    label = a["label"]
    assert found["auc"]["a"] == pytest.approx(ranking.auc(label, a["probability"]))
    assert found["auc"]["b"] == pytest.approx(ranking.auc(label, b["probability"]))
    assert found["auc"]["value"] == pytest.approx(found["auc"]["b"] - found["auc"]["a"])
    recall = found["operating_points"]["target_recall"]["recall"]
    malignant = label == 1
    assert recall["a"] == pytest.approx((a["probability"][malignant] >= 0.3).mean())
    assert recall["b"] == pytest.approx((b["probability"][malignant] >= 0.2).mean())
    assert (found["n_patches"], found["n_units"]) == (800, 20)


def test_a_model_does_not_differ_from_itself(make_predictions):
    rows = make_predictions()
    found = paired_difference(rows, rows, POINTS, POINTS, samples=30)
    for entry in (found["auc"], found["average_precision"], *found["operating_points"]["default"].values()):
        assert (entry["value"], entry["low"], entry["high"]) == (0, 0, 0)


def test_row_order_does_not_matter(make_predictions):
    a = make_predictions()
    b = blurred(a, 1.0)
    shuffled = paired_difference(a.sample(frac=1, random_state=0), b, POINTS, POINTS, samples=30)
    expected = paired_difference(a, b, POINTS, POINTS, samples=30)
    assert shuffled["auc"] == pytest.approx(expected["auc"])


def test_swapping_the_models_mirrors_the_interval(make_predictions):
    a = make_predictions()
    b = blurred(a, 1.0)
    there = paired_difference(a, b, POINTS, POINTS, samples=50)["auc"]
    back = paired_difference(b, a, POINTS, POINTS, samples=50)["auc"]
    assert (back["low"], back["high"]) == pytest.approx((-there["high"], -there["low"]))


def test_pairing_sees_a_difference_that_two_intervals_hide(make_predictions):
    a = make_predictions(patients=25, patches=60, patient_spread=1.5)
    b = blurred(a, 1.0)
    one, two = (patient_bootstrap(rows, samples=200)["auc"] for rows in (a, b))
    assert one.low < two.high  # apart, the two intervals overlap
    found = paired_difference(a, b, POINTS, POINTS, samples=200)["auc"]
    assert found["high"] < 0
    assert found["high"] - found["low"] < (one.high - one.low)


def test_equal_models_are_rarely_told_apart(make_predictions):
    apart = 0
    for trial in range(40):
        rows = make_predictions(patients=20, patches=30, patient_spread=1, seed=trial)
        a, b = blurred(rows, 0.7, seed=100 + trial), blurred(rows, 0.7, seed=200 + trial)
        entry = paired_difference(a, b, {}, {}, samples=100, seed=trial)["auc"]
        apart += not entry["low"] <= 0 <= entry["high"]
    assert apart <= 7  # 2 expected at 95 %


def test_points_of_one_model_only_are_left_out(make_predictions):
    rows = make_predictions()
    found = paired_difference(rows, rows, POINTS, {"default": 0.5}, samples=10)
    assert list(found["operating_points"]) == ["default"]


def test_the_result_is_plain_json_even_where_undefined(make_predictions):
    rows = make_predictions().assign(label=0)
    found = paired_difference(rows, rows, POINTS, POINTS, samples=10)
    assert found["auc"]["value"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_different_patches_are_refused(make_predictions):
    rows = make_predictions()
    with pytest.raises(UserError, match="different patches \\(3 in one only"):
        paired_difference(rows, rows.iloc[3:], POINTS, POINTS)


@pytest.mark.parametrize(("column", "value"), [("label", 1), ("patient", "other")])
def test_a_disagreement_about_a_patch_is_refused(make_predictions, column, value):
    rows = make_predictions().assign(label=0)
    other = rows.copy()
    other.loc[5, column] = value
    with pytest.raises(UserError, match=f"disagree on the {column} of {rows.loc[5, 'path']}"):
        align(rows, other)


def test_a_doubled_path_or_nothing_at_all_is_refused(make_predictions):
    rows = make_predictions()
    with pytest.raises(UserError, match="second predictions hold"):
        align(rows, pd.concat([rows, rows.head(1)]))
    with pytest.raises(UserError, match="no predictions to compare"):
        paired_difference(rows.head(0), rows.head(0), POINTS, POINTS)
