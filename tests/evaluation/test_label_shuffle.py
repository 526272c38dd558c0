"""Shuffled labels look like chance, whatever the model; the model does not."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from cancernet.evaluation import label_shuffle as module
from cancernet.evaluation.label_shuffle import label_shuffle


def test_shuffles_centre_on_one_half_and_a_good_model_lies_far_outside(make_predictions: Callable) -> None:
    rows = make_predictions(signal=2.0)
    found = label_shuffle(rows["label"], rows["probability"], samples=400)
    assert found["mean"] == pytest.approx(0.5, abs=0.01)
    assert found["low"] < 0.5 < found["high"] < found["auc"]
    assert found["distance"] > 10


def test_the_auc_of_the_model_is_that_of_scikit_learn(make_predictions: Callable) -> None:
    rows = make_predictions()
    found = label_shuffle(rows["label"], rows["probability"], samples=3)
    assert found["auc"] == pytest.approx(roc_auc_score(rows["label"], rows["probability"]))


def test_scores_joined_to_the_wrong_labels_are_seen(make_predictions: Callable) -> None:
    rows = make_predictions(signal=3.0)
    wrong = rows["label"].sample(frac=1, random_state=1).to_numpy()  # scored by position after a shuffle
    assert abs(label_shuffle(wrong, rows["probability"], samples=300)["distance"]) < 4


def test_the_spread_of_the_shuffles_is_the_one_of_the_rank_sum(make_predictions: Callable) -> None:
    rows = make_predictions()
    malignant = int(rows["label"].sum())
    benign = len(rows) - malignant
    expected = np.sqrt((len(rows) + 1) / (12 * malignant * benign))  # Mann & Whitney 1947, no ties
    assert label_shuffle(rows["label"], rows["probability"])["sd"] == pytest.approx(expected, rel=0.1)


def test_one_class_gives_none_and_no_crash() -> None:
    found = label_shuffle([1, 1, 1], [0.2, 0.4, 0.6])
    assert found["auc"] is None
    assert found["distance"] is None


def test_equal_scores_are_chance_and_have_no_distance() -> None:
    found = label_shuffle([0, 1, 0, 1], [0.5] * 4, samples=20)
    assert found["auc"] == found["mean"] == 0.5
    assert found["distance"] is None


def test_shuffling_in_parts_gives_the_number_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_CELLS", 1)
    found = label_shuffle([0, 1, 0, 1, 1], [0.1, 0.5, 0.2, 0.4, 0.3], samples=7)
    assert found["samples"] == 7


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_a_seed_gives_one_answer_in_plain_json(seed: int) -> None:
    label, score = [0, 1, 1, 0, 1, 0], [0.3, 0.4, 0.9, 0.1, 0.2, 0.6]
    one, two = (label_shuffle(label, score, samples=20, seed=seed) for _ in range(2))
    assert one == two == json.loads(json.dumps(one, allow_nan=False))


def test_the_distance_is_in_standard_deviations_of_the_shuffles():
    generator = np.random.default_rng(3)
    label = generator.integers(0, 2, 80)
    found = label_shuffle(label, label + generator.normal(0, 1, 80), samples=200)
    assert found["distance"] == pytest.approx((found["auc"] - found["mean"]) / found["sd"])
    assert found["low"] < found["mean"] < found["high"] < found["auc"]


def test_one_malignant_patch_is_enough_and_none_is_not():
    alone = label_shuffle([1, 0, 0, 0], [0.9, 0.1, 0.2, 0.3], samples=50)
    assert alone["auc"] == 1
    assert alone["low"] < 0.5 < alone["high"]
    for label in ([0] * 4, [1] * 4):
        assert label_shuffle(label, [0.9, 0.1, 0.2, 0.3])["auc"] is None
