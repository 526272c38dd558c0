from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from cancernet.errors import UserError
from cancernet.evaluation.calibration import (
    apply_temperature,
    fit_temperature,
    logit,
    reliability,
    uncalibrated,
)
from cancernet.evaluation.metrics import auc, expected_calibration_error

probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def overconfident(n: int = 20_000, *, factor: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from honest log odds, and probabilities stated `factor` times too surely."""
    generator = np.random.default_rng(0)
    odds = generator.normal(0, 1.5, n)
    label = (generator.random(n) < 1 / (1 + np.exp(-odds))).astype(int)
    return label, 1 / (1 + np.exp(-factor * odds))


def test_reliability_equals_scikit_learn():
    label, probability = overconfident(2000)
    table = reliability(label, probability, 10).dropna()
    observed, stated = calibration_curve(label, probability, n_bins=10)
    assert np.allclose(table["fraction_malignant"], observed)
    assert np.allclose(table["mean_probability"], stated)


def test_every_patch_is_in_one_bin_and_empty_bins_stay():
    table = reliability([0, 1, 1], [0.0, 0.55, 1.0], 4)
    assert table["n"].tolist() == [1, 0, 1, 1]
    assert table["low"].tolist() == [0, 0.25, 0.5, 0.75]
    assert table["high"].tolist() == [0.25, 0.5, 0.75, 1]
    assert np.isnan(table.loc[1, "mean_probability"])
    assert reliability([], [], 4)["n"].sum() == 0


@given(probabilities, st.integers(1, 20))
def test_the_calibration_error_is_the_weighted_gap_of_the_table(probability, bins):
    label = (np.arange(len(probability)) % 2).astype(int)
    table = reliability(label, probability, bins).dropna()
    gap = (table["n"] * (table["mean_probability"] - table["fraction_malignant"]).abs()).sum() / len(label)
    assert expected_calibration_error(label, probability, bins=bins) == pytest.approx(gap, abs=1e-9)


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_the_confidence_that_was_put_in(factor):
    assert fit_temperature(*overconfident(factor=factor)) == pytest.approx(factor, rel=0.06)


def test_scaling_mends_the_calibration_error():
    label, probability = overconfident()
    scaled = apply_temperature(probability, fit_temperature(label, probability))
    assert expected_calibration_error(label, probability) > 0.08
    assert expected_calibration_error(label, scaled) < 0.02


def test_no_temperature_nearby_is_likelier():
    label, probability = overconfident(500)
    best = fit_temperature(label, probability)

    def loss(temperature: float) -> float:
        scaled = apply_temperature(probability, temperature)
        return float(-np.log(np.where(label == 1, scaled, 1 - scaled)).mean())

    assert loss(best) <= min(loss(best * 1.02), loss(best * 0.98))


@given(probabilities, st.floats(0.1, 10))
def test_scaling_keeps_range_order_and_side(probability, temperature):
    scaled = apply_temperature(probability, temperature)
    assert ((scaled >= 0) & (scaled <= 1)).all()
    order = np.argsort(probability, kind="stable")
    assert (np.diff(scaled[order]) >= -1e-12).all()
    far = np.abs(np.array(probability) - 0.5) > 1e-6
    assert ((scaled >= 0.5) == (np.array(probability) >= 0.5))[far].all()


@given(probabilities)
def test_a_temperature_of_one_changes_nothing(probability):
    assert np.allclose(apply_temperature(probability, 1), probability, atol=2e-7)


@given(probabilities, st.floats(0.5, 2))
def test_scaling_back_returns_the_probability(probability, temperature):
    inside = np.clip(probability, 1e-3, 1 - 1e-3)
    assert np.allclose(
        apply_temperature(apply_temperature(inside, temperature), 1 / temperature), inside, atol=1e-6
    )


def test_ranking_does_not_change():
    label, probability = overconfident(2000, factor=1)
    assert auc(label, apply_temperature(probability, 2.5)) == pytest.approx(auc(label, probability))


def test_certain_probabilities_stay_finite():
    assert np.isfinite(logit([0, 1])).all()
    temperature = fit_temperature([0, 1, 0, 1], [0.0, 1.0, 1.0, 1.0])
    assert 0.05 <= temperature <= 20
    assert np.isfinite(apply_temperature([0.0, 1.0], temperature)).all()


def test_one_class_or_no_temperature_is_refused():
    with pytest.raises(UserError, match="benign and malignant"):
        fit_temperature([1, 1], [0.5, 0.6])
    for temperature in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="above 0"):
            apply_temperature([0.5], temperature)


def test_uncalibrated_undoes_a_calibration_of_the_logit():
    before = np.array([0.02, 0.3, 0.5, 0.9])
    odds = np.log(before / (1 - before))
    after = 1 / (1 + np.exp(-(0.6 * odds - 0.4)))
    np.testing.assert_allclose(uncalibrated(after, scale=0.6, offset=-0.4), before, atol=1e-9)
