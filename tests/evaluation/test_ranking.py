from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from cancernet.evaluation.ranking import (
    area_under_precision,
    area_under_roc,
    auc,
    average_precision,
    checked,
    cumulative,
    finite,
    ratio,
)

# Few distinct scores, so that ties are common; both classes always there.
cases = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6), st.integers(0, 4)), min_size=2, max_size=40).filter(
    lambda rows: {row[0] for row in rows if row[2] > 0} == {0, 1}
)


def columns(rows: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    label, score, weight = np.array(rows).T
    return label, score / 6, weight.astype(float)


def weighted(label, score, weight):
    """AUC and average precision for each row of weights."""
    curve = cumulative(*checked(label, score), np.atleast_2d(np.asarray(weight, float)))
    return area_under_roc(*curve), area_under_precision(*curve)


@given(cases)
def test_auc_with_ties_and_weights_equals_scikit_learn(rows):
    label, score, weight = columns(rows)
    expected = roc_auc_score(label, score, sample_weight=weight)
    assert weighted(label, score, weight)[0] == pytest.approx([expected])


@given(cases)
def test_average_precision_with_ties_and_weights_equals_scikit_learn(rows):
    label, score, weight = columns(rows)
    expected = average_precision_score(label, score, sample_weight=weight)
    assert weighted(label, score, weight)[1] == pytest.approx([expected])


@given(cases)
def test_whole_number_weights_mean_the_same_as_repeated_patches(rows):
    label, score, weight = columns(rows)
    times = weight.astype(int)
    repeated = np.repeat(label, times), np.repeat(score, times)
    roc, precision = weighted(label, score, weight)
    assert roc == pytest.approx([auc(*repeated)])
    assert precision == pytest.approx([average_precision(*repeated)])


@given(cases)
def test_auc_of_the_complement_is_its_mirror(rows):
    label, score, _ = columns(rows)
    assert auc(label, score) + auc(label, -score) == pytest.approx(1)
    assert auc(1 - label, -score) == pytest.approx(auc(label, score))


@given(cases)
def test_ranking_metrics_ignore_a_rising_change_of_scale(rows):
    label, score, _ = columns(rows)
    assert auc(label, np.exp(3 * score)) == pytest.approx(auc(label, score))
    assert average_precision(label, np.exp(3 * score)) == pytest.approx(average_precision(label, score))


@given(cases, st.randoms(use_true_random=False))
def test_ranking_metrics_ignore_the_order_of_the_rows(rows, random):
    shuffled = rows.copy()
    random.shuffle(shuffled)
    for found, expected in zip(weighted(*columns(shuffled)), weighted(*columns(rows)), strict=True):
        assert found == pytest.approx(expected)


def test_auc_is_the_share_of_pairs_in_the_right_order_ties_half():
    generator = np.random.default_rng(1)
    label, score = generator.integers(0, 2, 60), generator.integers(0, 8, 60)
    gap = score[label == 1][:, None] - score[label == 0][None, :]
    assert auc(label, score) == pytest.approx((gap > 0).mean() + (gap == 0).mean() / 2)


def test_many_weightings_at_once_equal_one_at_a_time():
    generator = np.random.default_rng(2)
    label, score = generator.integers(0, 2, 50), generator.integers(0, 9, 50) / 9
    weight = generator.integers(0, 3, (7, 50))
    for which, together in enumerate(weighted(label, score, weight)):
        assert together.shape == (7,)
        assert together == pytest.approx([weighted(label, score, row)[which][0] for row in weight])


def test_a_weighting_that_drops_a_class_is_undefined_and_spoils_no_other():
    label, score = [0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9]
    weight = [[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]
    for value, alone in zip(weighted(label, score, weight), (auc, average_precision), strict=True):
        assert value[0] == pytest.approx(alone(label, score))
        assert np.isnan(value[1:]).all()


def test_a_patch_of_weight_zero_at_the_top_changes_nothing():
    assert weighted([0, 1, 0], [0.9, 0.8, 0.1], [0, 1, 1]) == ([1], [1])


@pytest.mark.parametrize("label", [[], [0, 0], [1, 1]])
def test_without_both_classes_the_ranking_metrics_are_nan(label):
    score = np.linspace(0, 1, len(label))
    assert np.isnan(auc(label, score))
    assert np.isnan(average_precision(label, score))


def test_constant_scores_are_chance():
    label = [0, 1, 0, 0]
    assert auc(label, [0.5] * 4) == 0.5
    assert average_precision(label, [0.5] * 4) == 0.25


def test_labels_in_shuffled_order_are_chance():
    generator = np.random.default_rng(3)
    label = generator.integers(0, 2, 20_000)
    score = label + generator.normal(0, 0.5, label.size)
    assert auc(label, score) > 0.9
    assert auc(generator.permutation(label), score) == pytest.approx(0.5, abs=0.02)


def test_cumulative_counts_each_distinct_score_once_from_the_top():
    malignant, benign = cumulative(np.array([1, 0, 1, 0]), np.array([0.2, 0.9, 0.9, 0.1]), np.ones((1, 4)))
    assert malignant.tolist() == [[1, 2, 2]]
    assert benign.tolist() == [[1, 1, 2]]


@pytest.mark.parametrize(
    ("label", "score", "message"),
    [
        ([0, 1], [0.5], "equal 1-D"),
        ([[0, 1]], [[0.5, 0.5]], "equal 1-D"),
        ([0, 2], [0.5, 0.5], "0 \\(benign\\) or 1"),
        ([0, -1], [0.5, 0.5], "0 \\(benign\\) or 1"),
        ([0, 1], [0.5, np.nan], "finite"),
        ([0, 1], [0.5, np.inf], "finite"),
    ],
)
def test_input_that_makes_no_sense_is_refused(label, score, message):
    with pytest.raises(ValueError, match=message):
        checked(label, score)


def test_an_undefined_number_is_none_in_json():
    assert [finite(value) for value in (0.5, np.float32(1), np.nan, -np.inf)] == [0.5, 1.0, None, None]


def test_dividing_by_nothing_is_undefined_not_an_error():
    assert ratio([1, 0, 3], [2, 0, 0]).tolist()[0] == 0.5
    assert np.isnan(ratio([1, 0, 3], [2, 0, 0])[1:]).all()


def test_float32_scores_rank_as_their_float64_copies():
    generator = np.random.default_rng(4)
    label, score = generator.integers(0, 2, 300), generator.random(300).astype(np.float32)
    assert auc(label, score) == auc(label, score.astype(np.float64))


def test_the_weights_handed_in_are_not_changed():
    generator = np.random.default_rng(5)
    label, score = np.sort(generator.integers(0, 2, 30))[::-1], np.linspace(1, 0, 30)
    weight = generator.random((3, 30))
    before = weight.copy()
    weighted(label, score, weight)
    assert np.array_equal(weight, before)
