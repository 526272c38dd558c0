"""Published rules give what their authors print, and clustering is measured as it was made."""

from __future__ import annotations

import numpy as np
import pytest

from cancernet.evaluation.closed_forms import (
    design_effect,
    least_in_expectation,
    likeness,
    patches_for_auc,
    patches_for_share,
    patients_for_difference,
)


def test_fewer_than_nineteen_patients_hold_no_recall_of_095_even_on_average() -> None:
    assert least_in_expectation(0.95) == pytest.approx(19)


def test_a_share_of_a_half_known_to_ten_in_a_hundred_needs_the_well_known_96() -> None:
    assert patches_for_share(0.5, 0.1, 0.95) == pytest.approx(96.04, abs=0.01)


def test_an_auc_needs_what_makes_its_standard_error_the_one_asked_for() -> None:
    n, auc = patches_for_auc(0.8, 0.5, 0.05, 0.95), 0.8
    each = n / 2
    # Hanley & McNeil 1982, which is the same where there are as many of both classes
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (each - 1) * (one - auc**2) + (each - 1) * (two - auc**2)
    assert np.sqrt(spread) / each == pytest.approx(0.05 / 1.95996, rel=1e-4)


def test_a_difference_needs_patients_by_the_square_of_what_it_is_smaller() -> None:
    assert patients_for_difference(1, 0.5, 0.95, 0.9) == pytest.approx(42.03, abs=0.01)
    assert patients_for_difference(1, 0.25, 0.95, 0.9) == pytest.approx(4 * 42.03, abs=0.04)


def test_likeness_is_one_where_patients_are_all_or_nothing_and_nought_where_chance_alone_tells_them_apart() -> None:
    patient = np.repeat(np.arange(400), 10)
    assert likeness(patient, np.arange(400)[patient] % 10 > 0) == pytest.approx(1, abs=0.01)
    chance = np.random.default_rng(5).random(4000) < 0.9
    assert likeness(patient, chance) < 0.02
    assert design_effect(np.full(400, 10.0), np.bincount(patient, chance)) == pytest.approx(1, abs=0.15)
    with pytest.raises(ValueError, match="cannot be told"):
        likeness(patient, np.ones(4000, bool))
