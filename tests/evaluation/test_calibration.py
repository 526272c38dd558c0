from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from cancernet.common.errors import UserError
from cancernet.evaluation.calibration import apply_platt, fit_platt, logit, reliability, undo_platt
from cancernet.evaluation.metrics import expected_calibration_error
from cancernet.evaluation.ranking import auc

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
@pytest.mark.parametrize("shift", [-1.5, 0.0, 1.0])
def test_the_fit_undoes_the_confidence_and_the_shift_that_were_put_in(factor, shift):
    label, probability = overconfident(factor=factor)
    shifted = apply_platt(probability, 1.0, shift)
    scale, offset = fit_platt(label, shifted)
    assert scale == pytest.approx(1 / factor, rel=0.06)
    assert offset == pytest.approx(-shift / factor, abs=0.06)


def test_the_fit_equals_scikit_learns_logistic_regression_on_the_log_odds():
    label, probability = overconfident(3000)
    model = LogisticRegression(C=np.inf).fit(logit(probability)[:, None], label)
    assert fit_platt(label, probability) == pytest.approx((model.coef_[0, 0], model.intercept_[0]), abs=1e-3)


def test_scaling_mends_the_calibration_error():
    label, probability = overconfident()
    scaled = apply_platt(probability, *fit_platt(label, probability))
    assert expected_calibration_error(label, probability) > 0.08
    assert expected_calibration_error(label, scaled) < 0.02
    assert scaled.mean() == pytest.approx(label.mean(), abs=1e-4)


@given(probabilities, st.floats(0.1, 10), st.floats(-3, 3))
def test_scaling_keeps_range_and_order(probability, scale, offset):
    scaled = apply_platt(probability, scale, offset)
    assert ((scaled >= 0) & (scaled <= 1)).all()
    order = np.argsort(probability, kind="stable")
    assert (np.diff(scaled[order]) >= -1e-12).all()


@given(probabilities)
def test_a_scale_of_one_and_no_offset_change_nothing(probability):
    assert np.allclose(apply_platt(probability, 1, 0), probability, atol=2e-7)


@given(probabilities, st.floats(0.5, 2), st.floats(-2, 2))
def test_undoing_returns_the_probability(probability, scale, offset):
    inside = np.clip(probability, 1e-2, 1 - 1e-2)
    assert np.allclose(undo_platt(apply_platt(inside, scale, offset), scale, offset), inside, atol=1e-6)


def test_ranking_does_not_change():
    label, probability = overconfident(2000, factor=1)
    assert auc(label, apply_platt(probability, 0.4, 1.0)) == pytest.approx(auc(label, probability))


def test_certain_probabilities_stay_finite():
    assert np.isfinite(logit([0, 1])).all()
    scale, offset = fit_platt([0, 1, 0, 1], [0.0, 1.0, 1.0, 1.0])
    assert 0.05 <= scale <= 20
    assert np.isfinite(apply_platt([0.0, 1.0], scale, offset)).all()


def test_one_class_or_no_scale_is_refused():
    with pytest.raises(UserError, match="benign and malignant"):
        fit_platt([1, 1], [0.5, 0.6])
    for scale in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="above 0"):
            apply_platt([0.5], scale, 0.0)
