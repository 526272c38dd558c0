"""The number of patients that is found is the one at which a purpose is reached, where theory knows it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from cancernet.evaluation import planning
from cancernet.evaluation.closed_forms import patches_for_share, patients_for_difference
from cancernet.evaluation.pilot import Pilot, pilot
from cancernet.evaluation.planning import Purpose, half_width, need, shortfall, spread_of_one, truth, values
from evaluation.test_pilot import made


def alone(n: int = 400, recall: float = 0.8) -> Pilot:
    """Patients of one patch of each class, of which so many are found: patches are independent."""
    patient = np.repeat([f"p{each:04d}" for each in range(n)], 2)
    label = np.tile([0, 1], n)
    found = np.where(label == 1, np.repeat(np.arange(n) < recall * n, 2), False)
    return pilot("m", "of", pd.DataFrame({"patient": patient, "label": label, "probability": found * 0.8 + 0.1}), 0.5)


def test_patients_of_one_patch_need_as_many_as_buderer_says() -> None:
    one = alone()
    found = need(Purpose("w", "width", "", 0.08, half_width(one.recall, 0.95)), one.n_patients, 0.5)
    assert found.typical == found.patients  # both are asked of half of the samples
    assert found.patients == pytest.approx(patches_for_share(0.8, 0.08, 0.95), rel=0.08)  # of t, not z


def test_a_wider_interval_needs_fewer_patients_and_more_assurance_needs_more() -> None:
    one = made()

    def patients(limit: float, assurance: float) -> int:
        return need(
            Purpose("w", "width", "", limit, half_width(one.specificity, 0.95)), one.n_patients, assurance
        ).patients

    assert patients(0.1, 0.9) < patients(0.05, 0.9)
    assert patients(0.05, 0.5) < patients(0.05, 0.95)


def test_a_difference_needs_as_many_patients_as_the_normal_approximation_says() -> None:
    one, other = made(), made(seed=1, shift=-0.3)
    better, less = one.specificity, other.specificity
    seen = truth(better, 40) - truth(less, 40)
    supposed = 0.02
    value = shortfall(better, less, 0.95, supposed - seen)
    found = need(Purpose("d", "difference", "", 0, value), 40, 0.9)
    spread = spread_of_one(better, less, 40)
    assert found.patients == pytest.approx(patients_for_difference(spread, supposed, 0.95, 0.9), rel=0.12)
    power = (values(Purpose("d", "difference", "", 0, value), found.patients, 40, seed=5) <= 0).mean()
    assert power == pytest.approx(0.9, abs=0.03)


def test_no_difference_is_told_in_as_few_samples_as_an_interval_errs() -> None:
    one, other = made(), made(seed=1, shift=-0.3)
    seen = truth(one.specificity, 40) - truth(other.specificity, 40)
    value = shortfall(one.specificity, other.specificity, 0.95, -seen)
    told = (values(Purpose("d", "difference", "", 0, value), 60, 40) <= 0).mean()
    assert told == pytest.approx(0.025, abs=0.02)


def test_what_no_number_of_patients_reaches_is_nought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "MOST_DRAWN", 50)
    found = need(Purpose("w", "width", "", 1e-6, half_width(made().recall, 0.95)), 40, 0.9)
    assert found.patients == found.typical == 0
    assert found.to_dict()["patients"] is None


def test_a_sample_in_which_nothing_was_missed_is_not_taken_for_one_that_knows_all() -> None:
    one = alone(recall=1.0)
    weight = np.random.default_rng(1).multinomial(20, np.full(400, 1 / 400), size=10).astype(float)
    assert np.isinf(half_width(one.recall, 0.95)(weight)).all()


def test_a_curve_says_of_each_number_what_samples_reach() -> None:
    one = made()
    found = need(Purpose("w", "width", "", 0.06, half_width(one.recall, 0.95)), 40, 0.9, numbers=(10, 20, 40, 80, 2000))
    curve = found.curve
    assert 2000 not in curve["patients"].tolist()
    assert (curve["middle"] <= curve["assured"]).all()
    assert curve["reached"].is_monotonic_increasing
    # Widths fall with the root of the number
    small, large = (curve.loc[curve["patients"] == n, "middle"].item() for n in (20, 80))
    assert small / large == pytest.approx(2, rel=0.15)
    assert norm.ppf(0.975) * spread_of_one(one.recall, None, 40) / np.sqrt(80) == pytest.approx(large, rel=0.1)
