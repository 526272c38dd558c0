from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as oracle
from hypothesis import given
from hypothesis import strategies as st

from cancernet.evaluation import metrics

cases = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 10)), min_size=1, max_size=40)


def rate(name, label, score, threshold):
    return float(metrics.rates(*metrics.confusion(label, score, threshold))[name])


def columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    label, score = np.array(rows).T
    return label, score / 10


def random_case(seed: int = 0, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    label = (generator.random(n) < 0.3).astype(int)
    return label, np.clip(generator.normal(0.3 + 0.3 * label, 0.2), 0, 1)


@given(cases, st.integers(0, 11))
def test_confusion_equals_scikit_learn(rows, step):
    label, score = columns(rows)
    expected = oracle.confusion_matrix(label, score >= step / 10, labels=[0, 1]).ravel()
    assert metrics.confusion(label, score, step / 10) == tuple(expected)


@given(cases, st.integers(0, 10))
def test_the_four_cells_hold_every_patch_once(rows, step):
    label, score = columns(rows)
    tn, fp, fn, tp = metrics.confusion(label, score, step / 10)
    assert tn + fp + fn + tp == len(rows)
    assert fn + tp == label.sum()


def test_rates_equal_scikit_learn():
    label, score = random_case()
    called, threshold = score >= 0.4, 0.4
    expected = {
        "recall": oracle.recall_score(label, called),
        "specificity": oracle.recall_score(label, called, pos_label=0),
        "precision": oracle.precision_score(label, called),
        "f1": oracle.f1_score(label, called),
        "f1_weighted": oracle.f1_score(label, called, average="weighted"),
        "balanced_accuracy": oracle.balanced_accuracy_score(label, called),
        "accuracy": oracle.accuracy_score(label, called),
    }
    assert set(expected) == set(metrics.RATES)
    for name, value in expected.items():
        assert rate(name, label, score, threshold) == pytest.approx(value), name


@given(cases)
def test_a_higher_threshold_never_finds_more_nor_clears_less(rows):
    label, score = columns(rows)
    thresholds = np.linspace(0, 1.1, 12)
    for name, sign in (("recall", 1), ("specificity", -1)):
        values = np.array([rate(name, label, score, t) for t in thresholds])
        if not np.isnan(values).any():
            assert (sign * np.diff(values) <= 1e-12).all()


def test_a_probability_at_the_threshold_is_called_malignant():
    assert metrics.confusion([1, 0], [0.5, 0.5], 0.5) == (0, 1, 0, 1)


def test_what_needs_an_absent_class_is_undefined():
    assert np.isnan(rate("recall", [0, 0], [0.1, 0.9], 0.5))
    assert np.isnan(rate("balanced_accuracy", [0, 0], [0.1, 0.9], 0.5))
    assert np.isnan(rate("specificity", [1, 1], [0.1, 0.9], 0.5))
    assert np.isnan(rate("precision", [0, 1], [0.1, 0.2], 0.5))
    assert rate("accuracy", [0, 0], [0.1, 0.9], 0.5) == 0.5


def test_f1_is_zero_when_all_malignant_patches_are_missed():
    assert rate("f1", [0, 1], [0.1, 0.2], 0.5) == 0


def test_weighted_f1_of_one_class_is_the_f1_of_that_class():
    assert rate("f1_weighted", [1, 1, 1, 1], [0.9, 0.9, 0.9, 0.1], 0.5) == pytest.approx(6 / 7)


def test_weighted_f1_exceeds_malignant_f1_where_malignant_is_rare():
    label, score = random_case()
    assert rate("f1_weighted", label, score, 0.5) > rate("f1", label, score, 0.5) + 0.05


def test_no_patches_give_undefined_numbers_not_a_crash():
    assert np.isnan(rate("accuracy", [], [], 0.5))
    assert np.isnan(metrics.expected_calibration_error([], []))
    assert metrics.class_report([], [], 0.5) == "no patches"


def test_calibration_error_equals_its_definition_bin_by_bin():
    label, score = random_case(n=500)
    bins, total = 10, 0.0
    for low in np.arange(bins) / bins:
        inside = (score >= low) & ((score < low + 1 / bins) | ((low == 0.9) & (score == 1)))
        if inside.any():
            total += inside.mean() * abs(score[inside].mean() - label[inside].mean())
    assert metrics.expected_calibration_error(label, score, bins=bins) == pytest.approx(total)


def test_calibration_error_is_zero_for_right_and_one_for_reversed_certainty():
    assert metrics.expected_calibration_error([0, 1, 1], [0, 1, 1]) == 0
    assert metrics.expected_calibration_error([0, 1, 1], [1, 0, 0]) == 1


def test_honest_probabilities_have_a_small_calibration_error():
    generator = np.random.default_rng(9)
    probability = generator.random(50_000)
    label = (generator.random(probability.size) < probability).astype(int)
    assert metrics.expected_calibration_error(label, probability) < 0.01
    assert metrics.expected_calibration_error(label, probability**3) > 0.1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 20))
def test_every_probability_falls_in_a_bin_that_holds_it(probability, bins):
    index = metrics.bin_of(probability, bins)
    assert ((index >= 0) & (index < bins)).all()
    assert (np.abs((index + 0.5) / bins - probability) <= 0.5 / bins + 1e-9).all()


def test_class_report_is_what_scikit_learn_prints():
    label, score = random_case()
    text = metrics.class_report(label, score, 0.5)
    expected = oracle.classification_report(label, score >= 0.5, target_names=["benign", "malignant"], digits=3)
    assert text == expected


def test_class_report_survives_a_single_class():
    assert "malignant" in metrics.class_report([0, 0], [0.1, 0.2], 0.5)


@pytest.mark.parametrize("name", metrics.RATES)
def test_every_rate_lies_between_0_and_1(name):
    for seed in range(5):
        label, score = random_case(seed, n=40)
        for threshold in (0.0, 0.3, 0.5, 1.1):
            value = rate(name, label, score, threshold)
            assert np.isnan(value) or 0 <= value <= 1


def test_swapping_the_classes_swaps_recall_and_specificity():
    label, score = random_case()
    tn, fp, fn, tp = metrics.confusion(label, score, 0.4)
    there, back = metrics.rates(tn, fp, fn, tp), metrics.rates(tp, fn, fp, tn)
    assert there["recall"] == back["specificity"]
    assert there["specificity"] == back["recall"]
    for name in ("f1_weighted", "balanced_accuracy", "accuracy"):
        assert there[name] == pytest.approx(back[name])


def test_repeating_every_patch_changes_no_rate():
    label, score = random_case()
    for name in metrics.RATES:
        repeated = rate(name, np.tile(label, 3), np.tile(score, 3), 0.5)
        assert repeated == pytest.approx(rate(name, label, score, 0.5))


def test_rates_take_arrays_of_cells_at_once():
    cells = np.array([[5, 1, 2, 4], [0, 0, 1, 3], [7, 2, 0, 0]], dtype=float)
    together = metrics.rates(*cells.T)
    for index, row in enumerate(cells):
        alone = metrics.rates(*row)
        for name in metrics.RATES:
            assert together[name][index] == pytest.approx(float(alone[name]), nan_ok=True)
