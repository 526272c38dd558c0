"""Neighbours are taken in where they are, and nowhere else."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from msgspec.structs import replace

from cancernet.common.errors import UserError
from cancernet.context.grid import Grid
from cancernet.context.smooth import MIN_NEIGHBOURS, apply_context, calibrated, smooth
from cancernet.model.decide import UNSURE, logit
from cancernet.model.manifest import Context, Thresholds
from cancernet.model.model import Model, load_model

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
CONTEXT = Context("gaussian", 50.0, 1.0, 0.0, Thresholds(target_recall=0.3, default=0.5, best_f1=0.4))


def model(context=CONTEXT):
    alone = Thresholds(target_recall=0.2, default=0.5, best_f1=0.4)
    return Model(V1, replace(load_model(V1).manifest, thresholds=alone, context=context))


def square(side):
    row, column = np.divmod(np.arange(side * side), side)
    return column * 50 + 1, row * 50 + 1


def dense(sigma, grid):
    """The same by hand: every pair of cells."""
    there = np.argwhere(grid.there)
    out = np.full(grid.values.shape, np.nan)
    for row, column in there:
        apart = there - (row, column)
        near = np.abs(apart).max(axis=1) <= int(4.0 * sigma + 0.5)
        weight = np.exp(-(apart**2).sum(axis=1) / (2 * sigma**2)) * near
        out[row, column] = (weight * grid.values[grid.there]).sum() / weight.sum()
    return out


@given(
    arrays("float32", (6, 7), elements=st.floats(-5, 5, width=32)),
    arrays(bool, (6, 7)),
    st.sampled_from([0.6, 1.0, 2.0]),
)
def test_smoothing_is_the_weighted_mean_over_the_patches_that_are_there(values, there, sigma):
    grid = Grid(np.where(there, values, np.nan).astype("float32"))
    assert np.allclose(smooth(grid, sigma * 50).values, dense(sigma, grid), atol=1e-4, equal_nan=True)


@given(arrays("float32", (5, 5), elements=st.floats(-5, 5, width=32)), arrays(bool, (5, 5)))
def test_gaps_stay_gaps_and_nothing_leaves_the_range(values, there):
    grid = Grid(np.where(there, values, np.nan).astype("float32"))
    found = smooth(grid, 60)
    assert np.array_equal(found.there, there)
    if there.any():
        assert np.nanmin(found.values) >= values[there].min() - 1e-4
        assert np.nanmax(found.values) <= values[there].max() + 1e-4


def test_no_width_changes_nothing():
    grid = Grid(np.array([[1.0, 5.0]], "float32"))
    assert smooth(grid, 0) is grid


def test_the_width_is_kept_in_pixels_whatever_the_step():
    fine = Grid(np.zeros((21, 21), "float32"), step=25)
    coarse = Grid(np.zeros((21, 21), "float32"), step=50)
    fine.values[10, 10] = coarse.values[10, 10] = 1
    # 50 px away: two cells on the one, one cell on the other
    falls = smooth(fine, 50).values[10, 12] / smooth(fine, 50).values[10, 10]
    assert falls == pytest.approx(smooth(coarse, 50).values[10, 11] / smooth(coarse, 50).values[10, 10], rel=1e-3)


def test_a_lone_high_score_amid_low_ones_is_lowered_and_one_amid_high_ones_is_not():
    x, y = square(5)
    low, high = np.full(25, 0.05), np.full(25, 0.95)
    low[12] = 0.95
    assert apply_context(model(), x, y, low).probability[12] < 0.5
    assert apply_context(model(), x, y, high).probability[12] == pytest.approx(0.95, abs=1e-6)


def test_isolated_patches_keep_probability_and_threshold():
    x, y = np.array([1, 501, 1001]), np.array([1, 501, 1001])
    found = apply_context(model(), x, y, [0.1, 0.25, 0.9])
    assert found.probability.tolist() == [0.1, 0.25, 0.9]
    assert found.threshold.tolist() == [0.2] * 3
    assert not found.in_context.any()
    assert found.malignant.tolist() == [False, True, True]


def test_patches_with_neighbours_have_the_threshold_of_the_context():
    x, y = square(3)
    found = apply_context(model(), x, y, np.full(9, 0.25))
    assert found.in_context.all()  # a corner of a square has three neighbours
    assert MIN_NEIGHBOURS == 3
    assert set(found.threshold) == {0.3}
    assert not found.malignant.any()


def test_a_strip_has_too_few_neighbours():
    x = np.arange(10) * 50
    assert not apply_context(model(), x, np.zeros(10, int), np.full(10, 0.5)).in_context.any()


def test_the_order_of_patches_does_not_matter():
    rng = np.random.default_rng(3)
    x, y = square(6)
    probability = rng.random(36)
    mixed = rng.permutation(36)
    straight = apply_context(model(), x, y, probability)
    found = apply_context(model(), x[mixed], y[mixed], probability[mixed])
    assert np.allclose(found.probability, straight.probability[mixed])


def test_a_model_without_context_leaves_all_as_it_is():
    x, y = square(4)
    found = apply_context(model(None), x, y, np.linspace(0, 1, 16))
    assert np.array_equal(found.probability, np.linspace(0, 1, 16))
    assert set(found.threshold) == {0.2}


def test_no_patches_are_no_error():
    assert apply_context(model(), [], [], []).probability.shape == (0,)


def test_certain_probabilities_stay_finite():
    x, y = square(3)
    found = apply_context(model(), x, y, [0.0, 1.0] * 4 + [0.0])
    assert np.isfinite(found.probability).all()
    assert ((found.probability > 0) & (found.probability < 1)).all()


def test_calibration_scales_and_shifts_the_log_odds():
    odds = np.array([-2.0, 0.0, 3.0])
    assert np.allclose(logit(calibrated(odds, 2.0, -1.0)), 2 * odds - 1)


def test_scale_and_offset_are_those_of_the_context():
    x, y = square(3)
    moved = replace(CONTEXT, sigma_px=0.0, scale=2.0, offset=-1.0)
    found = apply_context(model(moved), x, y, np.full(9, 0.7))
    assert np.allclose(logit(found.probability), 2 * logit(0.7) - 1, atol=1e-5)


def test_the_step_is_the_distance_of_the_patches():
    x, y = square(3)
    found = apply_context(model(), x // 50 * 25, y // 50 * 25, np.full(9, 0.7), step=25)
    assert found.in_context.all()
    with pytest.raises(UserError, match="grid of 50 px"):
        apply_context(model(), x // 50 * 25, y // 50 * 25, np.full(9, 0.7))


def test_a_patch_with_a_reason_is_unsure_and_one_without_a_number_spoils_no_other():
    x, y = square(5)
    probability = np.full(25, 0.9)
    whole = apply_context(model(), x, y, probability)
    probability[12] = np.nan
    reasons = np.array(["blank"] + [""] * 24)
    found = apply_context(model(), x, y, probability, reasons=reasons)
    assert np.flatnonzero(found.decision == UNSURE).tolist() == [0, 12]
    assert np.flatnonzero(~found.malignant).tolist() == [0, 12]
    others = np.arange(25) != 12
    assert np.allclose(found.probability[others], whole.probability[others])
