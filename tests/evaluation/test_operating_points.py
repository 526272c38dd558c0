from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.evaluation import metrics
from cancernet.evaluation.operating_points import (
    OPERATING_POINTS,
    best_f1_threshold,
    choose_thresholds,
    recall_threshold,
)

cases = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=1, max_size=40).filter(
    lambda rows: any(label for label, _ in rows)
)


def columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    label, score = np.array(rows).T
    return label, score / 20


def rate(name, label, score, threshold):
    return float(metrics.rates(*metrics.confusion(label, score, threshold))[name])


@given(cases, st.floats(0.01, 1))
def test_the_target_recall_is_reached(rows, target):
    label, score = columns(rows)
    assert rate("recall", label, score, recall_threshold(label, score, target)) >= target - 1e-9


@given(cases, st.floats(0.01, 1))
def test_any_higher_threshold_misses_the_target(rows, target):
    label, score = columns(rows)
    threshold = recall_threshold(label, score, target)
    assert rate("recall", label, score, np.nextafter(threshold, 2)) < target


@given(cases)
def test_no_threshold_has_a_higher_f1_and_no_lower_one_an_equal(rows):
    label, score = columns(rows)
    chosen = best_f1_threshold(label, score)
    best = rate("f1", label, score, chosen)
    every = {t: rate("f1", label, score, t) for t in np.unique(score)}
    assert best == pytest.approx(max(every.values()))
    assert all(value < best - 1e-12 for t, value in every.items() if t < chosen and label[score == t].any())


@given(cases)
def test_every_operating_point_gets_a_plain_number(rows):
    thresholds = choose_thresholds(*columns(rows))
    assert tuple(thresholds) == OPERATING_POINTS
    assert all(type(value) is float for value in thresholds.values())
    assert thresholds["default"] == 0.5


def test_the_headline_is_target_recall():
    assert OPERATING_POINTS[0] == "target_recall"


def test_rounding_does_not_ask_for_one_patch_more():
    score = np.arange(1, 101) / 100
    # 0.07 * 100 is 7.000000000000001 in floating point; seven patches suffice.
    assert recall_threshold(np.ones(100, dtype=int), score, 0.07) == 0.94


def test_a_target_of_one_takes_the_lowest_malignant_patch():
    assert recall_threshold([1, 1, 0], [0.9, 0.2, 0.1], 1.0) == 0.2


def test_a_higher_target_gives_a_lower_threshold():
    generator = np.random.default_rng(0)
    label = generator.integers(0, 2, 500)
    score = generator.random(500)
    thresholds = [recall_threshold(label, score, target) for target in (0.5, 0.8, 0.9, 0.95, 0.99)]
    assert thresholds == sorted(thresholds, reverse=True)


def test_perfect_scores_are_split_perfectly():
    thresholds = choose_thresholds([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], target_recall=1)
    assert thresholds["best_f1"] == thresholds["target_recall"] == 0.8


def test_validation_without_malignant_patches_says_what_to_do():
    with pytest.raises(UserError, match=r"no malignant patch.*--split grouped"):
        choose_thresholds([0, 0], [0.1, 0.2])


@pytest.mark.parametrize("target", [0, -0.1, 1.01, 95])
def test_a_target_that_is_no_share_is_refused(target):
    with pytest.raises(UserError, match="target recall"):
        choose_thresholds([0, 1], [0.1, 0.2], target_recall=target)


def test_float32_probabilities_meet_their_own_threshold():
    generator = np.random.default_rng(1)
    label = generator.integers(0, 2, 200)
    score = generator.random(200).astype(np.float32)
    threshold = choose_thresholds(label, score, target_recall=0.95)["target_recall"]
    assert rate("recall", label, score, threshold) >= 0.95
