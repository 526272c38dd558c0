"""How far a site lies off: few patients and few patches may stray farther."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cancernet.model.colours import Colours
from cancernet.sites.measures import BRIGHTNESS, SHARPNESS
from cancernet.sites.reference import ODDS, Reference, Spread
from cancernet.sites.shifts import colour_shift, shift, shift_of, stray, value_of, wider

SPREAD = Spread(10.0, 2.0, 4.0, 0.0)


def test_the_error_of_a_mean_is_that_of_patients_and_of_their_patches() -> None:
    found = shift(np.full(5, 13.0), np.full(5, 4.0), SPREAD, n_reference=10**6)
    assert found.off == 3
    assert found.error == pytest.approx(np.sqrt((4 + 16 / 4) / 5))
    assert found.z == pytest.approx(3 / found.error, rel=1e-3)


def test_a_patient_of_many_patches_weighs_more_but_never_as_all_its_patches() -> None:
    found = shift(np.array([10.0, 20.0]), np.array([1.0, 10_000.0]), SPREAD, n_reference=100)
    assert 15 < found.value < 19


def test_chance_moves_a_batch_by_about_one_error() -> None:
    rng = np.random.default_rng(1)
    z = [
        shift(10 + 2 * rng.normal(size=20) + 4 * rng.normal(size=20), np.ones(20), SPREAD, n_reference=10**6).z
        for _ in range(500)
    ]
    assert np.std(z) == pytest.approx(1, abs=0.1)


def test_few_patients_of_a_reference_widen_the_limits() -> None:
    assert wider(3) > wider(10) > wider(100) > 1
    few, many = (shift(np.full(5, 13.0), np.full(5, 4.0), SPREAD, n_reference=n).z for n in (5, 500))
    assert few < many


def test_the_reference_own_error_is_told_apart() -> None:
    known = replace_error(SPREAD, 1.0)
    found = shift(np.full(20, 10.0), np.full(20, 100.0), known, n_reference=100)
    assert 0.7 < found.shared < 1
    assert shift(np.full(20, 10.0), np.full(20, 100.0), SPREAD, n_reference=100).shared == 0


def replace_error(spread: Spread, error: float) -> Spread:
    return Spread(spread.mean, spread.between, spread.within, error)


def test_a_moved_site_is_found_in_the_measure_that_moved(groups: Callable, reference: Reference) -> None:
    moved = groups(20, seed=3, brightness=2.0)
    assert shift_of(moved, BRIGHTNESS, reference).z > 4
    assert abs(shift_of(moved, SHARPNESS, reference).z) < 3


def test_colours_lie_off_by_their_distance(groups: Callable, reference: Reference, colours: Colours) -> None:
    near = colour_shift(groups(20, seed=3), reference, colours)
    far = colour_shift(groups(20, seed=3, brightness=4.0), reference, colours)
    assert near.value < 0.3
    assert far.value == pytest.approx(4 * 12.7 / 30, abs=0.3)


def test_nobody_with_tissue_has_no_shift(groups: Callable, reference: Reference, colours: Colours) -> None:
    nobody = [replace(group, n_tissue=0, odds=np.empty(0)) for group in groups(3)]
    assert colour_shift(nobody, reference, colours) is None
    assert shift_of(nobody, BRIGHTNESS, reference) is None
    assert shift_of(nobody, ODDS, reference) is None
    assert np.isnan(stray(nobody[0], BRIGHTNESS, reference))
    assert value_of(nobody[0], ODDS)[1] == 0


def test_a_patient_of_one_patch_may_stray_farther(groups: Callable, reference: Reference) -> None:
    many = groups(1, brightness=5.0)[0]
    one = replace(many, n=1, n_tissue=1)
    assert stray(many, BRIGHTNESS, reference) > 1.5 * stray(one, BRIGHTNESS, reference) > 0
