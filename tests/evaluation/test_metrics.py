from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as oracle
from hypothesis import given
from hypothesis import strategies as st

from cancernet.evaluation import metrics

cases = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 10), st.integers(1, 3)), min_size=1, max_size=40)
RATE_FUNCTIONS = {name: getattr(metrics, name) for name in metrics.RATES}


def columns(rows: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    label, score, weight = np.array(rows).T
    return label, score / 10, weight.astype(float)


def random_case(seed: int = 0, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    label = (generator.random(n) < 0.3).astype(int)
    return label, np.clip(generator.normal(0.3 + 0.3 * label, 0.2), 0, 1)


@given(cases, st.integers(0, 11))
def test_confusion_equals_scikit_learn(rows, step):
    label, score, weight = columns(rows)
    expected = oracle.confusion_matrix(label, score >= step / 10, labels=[0, 1], sample_weight=weight).ravel()
    assert np.allclose(metrics.confusion(label, score, step / 10, weight), expected)


@given(cases, st.integers(0, 10))
def test_the_four_cells_hold_every_patch_once(rows, step):
    label, score, _ = columns(rows)
    tn, fp, fn, tp = metrics.confusion(label, score, step / 10)
    assert tn + fp + fn + tp == len(rows)
    assert fn + tp == label.sum()


@pytest.mark.parametrize("weighted", [False, True])
def test_rates_equal_scikit_learn(weighted):
    label, score = random_case()
    weight = np.random.default_rng(5).integers(0, 4, label.size) if weighted else None
    called, threshold = score >= 0.4, 0.4
    expected = {
        "recall": oracle.recall_score(label, called, sample_weight=weight),
        "specificity": oracle.recall_score(label, called, pos_label=0, sample_weight=weight),
        "precision": oracle.precision_score(label, called, sample_weight=weight),
        "f1": oracle.f1_score(label, called, sample_weight=weight),
        "f1_weighted": oracle.f1_score(label, called, average="weighted", sample_weight=weight),
        "balanced_accuracy": oracle.balanced_accuracy_score(label, called, sample_weight=weight),
        "accuracy": oracle.accuracy_score(label, called, sample_weight=weight),
    }
    for name, function in RATE_FUNCTIONS.items():
        value = function(label, score, threshold, weight)
        assert isinstance(value, float)
        assert value == pytest.approx(expected[name]), name


@pytest.mark.parametrize("name", metrics.RATES)
def test_many_weightings_give_one_rate_each(name):
    label, score = random_case()
    weight = np.random.default_rng(6).integers(0, 3, (5, label.size))
    value = RATE_FUNCTIONS[name](label, score, 0.5, weight)
    assert value == pytest.approx([RATE_FUNCTIONS[name](label, score, 0.5, row) for row in weight])


@given(cases)
def test_a_higher_threshold_never_finds_more_nor_clears_less(rows):
    label, score, _ = columns(rows)
    thresholds = np.linspace(0, 1.1, 12)
    for function, sign in ((metrics.recall, 1), (metrics.specificity, -1)):
        values = np.array([function(label, score, t) for t in thresholds])
        if not np.isnan(values).any():
            assert (sign * np.diff(values) <= 1e-12).all()


def test_a_probability_at_the_threshold_is_called_malignant():
    assert metrics.confusion([1, 0], [0.5, 0.5], 0.5) == (0, 1, 0, 1)


def test_what_needs_an_absent_class_is_undefined():
    assert np.isnan(metrics.recall([0, 0], [0.1, 0.9], 0.5))
    assert np.isnan(metrics.balanced_accuracy([0, 0], [0.1, 0.9], 0.5))
    assert np.isnan(metrics.specificity([1, 1], [0.1, 0.9], 0.5))
    assert np.isnan(metrics.precision([0, 1], [0.1, 0.2], 0.5))
    assert metrics.accuracy([0, 0], [0.1, 0.9], 0.5) == 0.5


def test_f1_is_zero_when_all_malignant_patches_are_missed():
    assert metrics.f1([0, 1], [0.1, 0.2], 0.5) == 0


def test_weighted_f1_of_one_class_is_the_f1_of_that_class():
    assert metrics.f1_weighted([1, 1, 1, 1], [0.9, 0.9, 0.9, 0.1], 0.5) == pytest.approx(6 / 7)


def test_weighted_f1_exceeds_malignant_f1_where_malignant_is_rare():
    label, score = random_case()
    assert metrics.f1_weighted(label, score, 0.5) > metrics.f1(label, score, 0.5) + 0.05


def test_no_patches_give_undefined_numbers_not_a_crash():
    assert np.isnan(metrics.accuracy([], [], 0.5))
    assert np.isnan(metrics.brier([], []))
    assert np.isnan(metrics.expected_calibration_error([], []))
    assert metrics.class_report([], [], 0.5) == "no patches"


@pytest.mark.parametrize("weighted", [False, True])
def test_brier_equals_scikit_learn(weighted):
    label, score = random_case()
    weight = np.random.default_rng(7).random(label.size) if weighted else None
    expected = oracle.brier_score_loss(label, score, sample_weight=weight)
    assert metrics.brier(label, score, weight) == pytest.approx(expected)


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


def test_calibration_error_with_weights_equals_repeated_patches():
    label, score = random_case(n=60)
    times = np.random.default_rng(8).integers(0, 4, label.size)
    repeated = metrics.expected_calibration_error(np.repeat(label, times), np.repeat(score, times))
    assert metrics.expected_calibration_error(label, score, times) == pytest.approx(repeated)
    both = metrics.expected_calibration_error(label, score, np.stack([times, times]))
    assert both == pytest.approx([repeated, repeated])


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
    expected = oracle.classification_report(
        label, score >= 0.5, target_names=["benign", "malignant"], digits=3
    )
    assert text == expected


def test_class_report_survives_a_single_class():
    assert "malignant" in metrics.class_report([0, 0], [0.1, 0.2], 0.5)


@pytest.mark.parametrize("name", metrics.RATES)
def test_every_rate_lies_between_0_and_1(name):
    for seed in range(5):
        label, score = random_case(seed, n=40)
        for threshold in (0.0, 0.3, 0.5, 1.1):
            value = RATE_FUNCTIONS[name](label, score, threshold)
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
    for function in RATE_FUNCTIONS.values():
        assert function(np.tile(label, 3), np.tile(score, 3), 0.5) == pytest.approx(
            function(label, score, 0.5)
        )


def test_rates_take_arrays_of_cells_at_once():
    cells = np.array([[5, 1, 2, 4], [0, 0, 1, 3], [7, 2, 0, 0]], dtype=float)
    together = metrics.rates(*cells.T)
    for index, row in enumerate(cells):
        alone = metrics.rates(*row)
        for name in metrics.RATES:
            assert together[name][index] == pytest.approx(float(alone[name]), nan_ok=True)


def test_counts_without_weights_are_whole_numbers():
    assert all(cell == int(cell) for cell in metrics.confusion(*random_case(), 0.5))
