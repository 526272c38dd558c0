"""Scores are compared by patient: what differs between patients is no difference between sites."""

from __future__ import annotations

import numpy as np
import pytest

from cancernet.sites.scores import EDGES, STEP, apart, cumulative, distance

Patients = list[np.ndarray]


def patients(n: int, rng: np.random.Generator, *, patches: int = 40, at: float = -1.5) -> Patients:
    return [at + rng.normal() + 2 * rng.normal(size=patches) for _ in range(n)]


def test_a_cumulative_distribution_rises_from_none_to_all() -> None:
    found = cumulative(np.array([-1.0, 0.0, 0.0, 5.0]))
    assert found[0] == 0
    assert found[-1] == 1
    assert found[np.searchsorted(EDGES, 0.0)] == 0.75


def test_the_distance_of_two_steps_is_the_root_of_what_lies_between() -> None:
    one, other = cumulative(np.array([-1.0])), cumulative(np.array([3.0]))
    assert apart(one, other) == pytest.approx(2.0, abs=STEP)
    assert apart(one, one) == 0


def test_like_sites_are_seldom_called_different_although_patients_differ() -> None:
    rng = np.random.default_rng(0)
    reference = patients(60, rng)
    p = [distance(patients(12, rng), reference, draws=99).p for _ in range(60)]
    assert np.mean(np.array(p) <= 0.05) < 0.2
    assert np.median(p) > 0.2


def test_a_test_over_patches_would_call_them_different() -> None:
    """The reason why patients are drawn, and not patches: the same site, with many patches each, is far by patches."""
    rng = np.random.default_rng(0)
    pooled = np.concatenate(patients(60, rng, patches=200))
    whole = cumulative(pooled)
    by_patch = [apart(cumulative(np.concatenate(patients(12, rng, patches=200))), whole) for _ in range(10)]
    chance = [apart(cumulative(rng.choice(pooled, 12 * 200)), whole) for _ in range(10)]
    assert np.median(by_patch) > 2 * np.median(chance)


def test_a_site_of_higher_scores_is_told_and_so_is_which_way() -> None:
    rng = np.random.default_rng(0)
    reference = patients(60, rng)
    found = distance(patients(20, rng, at=1.5), reference, draws=199)
    assert found.p == pytest.approx(1 / 200)
    assert found.value > found.limit(0.01)
    assert found.higher
    assert not distance(patients(20, rng, at=-4.5), reference, draws=9).higher


def test_patients_of_one_patch_are_allowed_to_stray_farther() -> None:
    rng = np.random.default_rng(0)
    reference = patients(60, rng)
    few, many = (distance(patients(10, rng, patches=n), reference, draws=199).limit(0.05) for n in (1, 60))
    assert few > 1.2 * many


def test_a_small_reference_is_allowed_its_own_error() -> None:
    rng = np.random.default_rng(0)
    reference = patients(60, rng)
    site = patients(20, rng)
    assert distance(site, reference[:10], draws=199).limit(0.05) > distance(site, reference, draws=199).limit(0.05)


def test_the_same_site_has_the_same_answer() -> None:
    rng = np.random.default_rng(0)
    reference, site = patients(20, rng), patients(5, rng)
    assert distance(site, reference, draws=99).p == distance(site, reference, draws=99).p
