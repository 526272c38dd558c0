"""Surroundings are taken in where they are known, as far as they are there, and nowhere else."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cancernet.common.errors import UserError
from cancernet.context.smooth import (
    FEW_NEAR,
    FEW_WHOLE,
    MIN_PATCHES,
    apply_context,
    by_patient,
    in_section,
    surroundings,
    told,
)
from cancernet.model.decide import UNSURE, logit
from cancernet.model.manifest import Context, Thresholds
from cancernet.model.model import Model, load_model

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
CONTEXT = Context("surroundings", 50.0, offset=0.0, weights=(0.5, 0.5, 0.0), prior=-1.0)


def model(context=CONTEXT):
    alone = Thresholds(target_recall=0.2, default=0.5, best_f1=0.4)
    return Model(V1, replace(load_model(V1).manifest, thresholds=alone, context=context))


def square(side):
    row, column = np.divmod(np.arange(side * side), side)
    return column * 50 + 1, row * 50 + 1


def by_hand(x, y, odds, sigma, prior):
    """The same from every pair of patches."""
    whole = (odds.sum() + FEW_WHOLE * prior) / (len(odds) + FEW_WHOLE)
    near = []
    for i in range(len(odds)):
        weight = np.exp(-((x - x[i]) ** 2 + (y - y[i]) ** 2) / (2 * sigma**2))
        reach = int(4.0 * sigma / 50 + 0.5) * 50
        weight *= (np.abs(x - x[i]) <= reach) & (np.abs(y - y[i]) <= reach)
        weight[i] = 0
        near.append((weight @ odds + FEW_NEAR * whole) / (weight.sum() + FEW_NEAR))
    return np.array(near), whole


@given(
    st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=50),
    st.sampled_from([50.0, 100.0, 200.0]),
    st.integers(0, 99),
)
def test_neighbours_are_averaged_by_distance_and_the_section_stands_in_for_gaps(places, sigma, seed):
    row, column = np.array(sorted(places)).T
    x, y = column * 50 + 1, row * 50 + 1
    odds = np.random.default_rng(seed).normal(0, 2, len(x))
    near, whole = surroundings(x, y, odds, sigma_px=sigma, prior=-1.0)
    expected, mean = by_hand(x.astype(float), y.astype(float), odds, sigma, -1.0)
    assert np.allclose(near, expected, atol=1e-4)
    assert np.allclose(whole, mean)


def test_patches_that_overlap_count_as_much_as_their_area():
    row, column = np.divmod(np.arange(400), 20)
    odds = np.where(row < 10, 2.0, -2.0)
    fine, whole = surroundings(column * 25, row * 25, odds, sigma_px=50.0, prior=0.0, step=25)
    row, column = np.divmod(np.arange(100), 10)
    coarse, same = surroundings(column * 50, row * 50, np.where(row < 5, 2.0, -2.0), sigma_px=50.0, prior=0.0)
    assert whole[0] == pytest.approx(same[0])
    assert fine[0] == pytest.approx(coarse[0], abs=0.1)


def test_a_lone_high_score_amid_low_ones_is_lowered_more_than_one_amid_high_ones():
    x, y = square(5)
    low, high = np.full(25, 0.05), np.full(25, 0.95)
    low[12] = 0.95
    among_low = apply_context(model(), x, y, low).probability[12]
    assert among_low < 0.6 < apply_context(model(), x, y, high).probability[12]


def test_scattered_patches_of_a_section_are_taken_in_too():
    x = np.arange(8) * 5000 + 1
    found = apply_context(model(), x, x, np.full(8, 0.9))
    assert found.in_context.all()
    assert found.probability[0] > 0.5


def test_few_patches_keep_their_probability():
    x = np.arange(MIN_PATCHES - 1) * 50
    given_ = np.linspace(0.1, 0.9, len(x))
    found = apply_context(model(), x, x * 0, given_)
    assert np.array_equal(found.probability, given_)
    assert not found.in_context.any()
    assert found.malignant.tolist() == (given_ >= 0.2).tolist()


def test_the_threshold_is_the_one_of_the_model():
    x, y = square(3)
    found = apply_context(model(), x, y, np.full(9, 0.25))
    assert found.threshold == 0.2
    assert np.array_equal(found.malignant, found.probability >= 0.2)


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
    assert not found.in_context.any()


def test_a_context_of_an_older_bundle_is_not_used():
    assert model(replace(CONTEXT, method="gaussian")).context is None


def test_no_patches_are_no_error():
    assert apply_context(model(), [], [], []).probability.shape == (0,)


def test_certain_probabilities_stay_finite():
    x, y = square(3)
    found = apply_context(model(), x, y, [0.0, 1.0] * 4 + [0.0])
    assert np.isfinite(found.probability).all()
    assert ((found.probability > 0) & (found.probability < 1)).all()


def test_weights_and_offset_are_those_of_the_context():
    x, y = square(3)
    own = replace(CONTEXT, offset=-1.0, weights=(2.0, 0.0, 0.0))
    probability, _ = in_section(own, x, y, np.full(9, 0.7))
    assert np.allclose(logit(probability), 2 * logit(0.7) - 1)
    whole = replace(CONTEXT, weights=(0.0, 0.0, 1.0))
    probability, _ = in_section(whole, x, y, np.full(9, 0.7))
    assert np.allclose(logit(probability), (9 * logit(0.7) - FEW_WHOLE) / (9 + FEW_WHOLE))


def test_the_step_is_the_distance_of_the_patches():
    x, y = square(3)
    found = apply_context(model(), x // 50 * 25, y // 50 * 25, np.full(9, 0.7), step=25)
    assert found.in_context.all()
    with pytest.raises(UserError, match="grid of 50 px"):
        apply_context(model(), x // 50 * 25, y // 50 * 25, np.full(9, 0.7))


def test_a_patch_with_a_reason_is_unsure_and_one_without_a_number_spoils_no_other():
    x, y = square(5)
    probability = np.full(25, 0.9)
    probability[12] = np.nan
    reasons = np.array(["blank"] + [""] * 24)
    found = apply_context(model(), x, y, probability, reasons=reasons)
    assert found.decision[0] == UNSURE
    assert found.probability[0] == 0.9  # not taken in, and not given to others
    without, _ = in_section(CONTEXT, x[1:], y[1:], probability[1:])
    assert np.allclose(found.probability[1:], without, equal_nan=True)


def test_each_patient_is_a_section_of_its_own_and_strangers_stand_alone():
    x, y = square(3)
    xs, ys = np.tile(x.astype(float), 3), np.tile(y.astype(float), 3)
    xs[20] = np.nan  # of the third patient one place is not known
    patient = ["a"] * 9 + ["b"] * 9 + [""] * 9
    probability = np.repeat([0.9, 0.1, 0.6], 9)
    taken, apart = by_patient(CONTEXT, patient, xs, ys, probability)
    assert apart == {}
    assert np.allclose(taken[:9], in_section(CONTEXT, x, y, np.full(9, 0.9))[0])
    assert np.allclose(taken[9:18], in_section(CONTEXT, x, y, np.full(9, 0.1))[0])
    assert np.array_equal(taken[18:], probability[18:])


@pytest.mark.parametrize(("wrong", "why"), [("twice", "two patches lie at"), ("off the grid", "grid of 50 px")])
def test_places_that_make_no_section_leave_each_patch_by_itself_and_it_is_told(wrong, why):
    x, y = (each.astype(float) for each in square(4))
    x[3] = {"twice": x[2], "off the grid": x[3] + 7}[wrong]
    taken, apart = by_patient(CONTEXT, ["a"] * 16, x, y, np.linspace(0.1, 0.9, 16))
    assert np.array_equal(taken, np.linspace(0.1, 0.9, 16))
    assert why in apart["a"]
    [line] = told(apart)
    assert line.startswith("Patches of 1 patient(s) are judged one by one")
    assert why in line


def test_a_place_that_cannot_be_is_not_known_and_the_others_are():
    x, y = (each.astype(float) for each in square(4))
    x[3] = 1e30
    taken, apart = by_patient(CONTEXT, ["a"] * 16, x, y, np.full(16, 0.9))
    assert (taken[3], apart) == (0.9, {})
    assert (taken[:3] != 0.9).all()


def test_without_a_context_by_patient_changes_nothing():
    taken, apart = by_patient(None, ["a"], [1.0], [1.0], [0.5])
    assert (taken.tolist(), told(apart)) == ([0.5], [])


def test_a_wide_gaussian_at_a_fine_step_takes_no_more_memory_than_the_section():
    x, y = square(3)
    near, _ = surroundings(x // 50, y // 50, np.linspace(-1, 1, 9), sigma_px=10_000.0, prior=0.0, step=1)
    assert np.isfinite(near).all()
