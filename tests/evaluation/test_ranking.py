from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from cancernet.evaluation.ranking import auc, average_precision, checked, cumulative, ratio, weights_2d

# Few distinct scores, so that ties are common; both classes always there.
cases = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 6), st.integers(0, 4)), min_size=2, max_size=40
).filter(lambda rows: {row[0] for row in rows if row[2] > 0} == {0, 1})


def columns(rows: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    label, score, weight = np.array(rows).T
    return label, score / 6, weight.astype(float)


@given(cases)
def test_auc_with_ties_and_weights_equals_scikit_learn(rows):
    label, score, weight = columns(rows)
    assert auc(label, score, weight) == pytest.approx(roc_auc_score(label, score, sample_weight=weight))


@given(cases)
def test_average_precision_with_ties_and_weights_equals_scikit_learn(rows):
    label, score, weight = columns(rows)
    expected = average_precision_score(label, score, sample_weight=weight)
    assert average_precision(label, score, weight) == pytest.approx(expected)


@given(cases)
def test_whole_number_weights_mean_the_same_as_repeated_patches(rows):
    label, score, weight = columns(rows)
    times = weight.astype(int)
    repeated = np.repeat(label, times), np.repeat(score, times)
    assert auc(label, score, weight) == pytest.approx(auc(*repeated))
    assert average_precision(label, score, weight) == pytest.approx(average_precision(*repeated))


@given(cases)
def test_auc_of_the_complement_is_its_mirror(rows):
    label, score, weight = columns(rows)
    assert auc(label, score, weight) + auc(label, -score, weight) == pytest.approx(1)
    assert auc(1 - label, -score, weight) == pytest.approx(auc(label, score, weight))


@given(cases)
def test_ranking_metrics_ignore_a_rising_change_of_scale(rows):
    label, score, weight = columns(rows)
    assert auc(label, np.exp(3 * score), weight) == pytest.approx(auc(label, score, weight))
    stretched = average_precision(label, np.exp(3 * score), weight)
    assert stretched == pytest.approx(average_precision(label, score, weight))


@given(cases, st.randoms(use_true_random=False))
def test_ranking_metrics_ignore_the_order_of_the_rows(rows, random):
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert auc(*columns(shuffled)) == pytest.approx(auc(*columns(rows)))
    assert average_precision(*columns(shuffled)) == pytest.approx(average_precision(*columns(rows)))


def test_auc_is_the_share_of_pairs_in_the_right_order_ties_half():
    generator = np.random.default_rng(1)
    label, score = generator.integers(0, 2, 60), generator.integers(0, 8, 60)
    gap = score[label == 1][:, None] - score[label == 0][None, :]
    assert auc(label, score) == pytest.approx((gap > 0).mean() + (gap == 0).mean() / 2)


def test_many_weightings_at_once_equal_one_at_a_time():
    generator = np.random.default_rng(2)
    label, score = generator.integers(0, 2, 50), generator.integers(0, 9, 50) / 9
    weight = generator.integers(0, 3, (7, 50))
    for metric in (auc, average_precision):
        together = metric(label, score, weight)
        assert together.shape == (7,)
        assert together == pytest.approx([metric(label, score, row) for row in weight])


def test_a_weighting_that_drops_a_class_is_undefined_and_spoils_no_other():
    label, score = [0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9]
    weight = [[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]
    for metric in (auc, average_precision):
        value = metric(label, score, weight)
        assert value[0] == pytest.approx(metric(label, score))
        assert np.isnan(value[1:]).all()


def test_a_patch_of_weight_zero_at_the_top_changes_nothing():
    assert average_precision([0, 1, 0], [0.9, 0.8, 0.1], [0, 1, 1]) == 1
    assert auc([0, 1, 0], [0.9, 0.8, 0.1], [0, 1, 1]) == 1


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


@pytest.mark.parametrize("weight", [[1.0], np.ones((2, 2, 3)), [-1, 1, 1], [np.nan, 1, 1]])
def test_weights_that_make_no_sense_are_refused(weight):
    with pytest.raises(ValueError, match="weights must be"):
        weights_2d(weight, 3)


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
    auc(label, score, weight)
    average_precision(label, score, weight)
    assert np.array_equal(weight, before)
