"""A plan: every purpose with its number, what it rests on, and what cannot be planned said in words."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.evaluation.pilot import Pilot, pilot
from cancernet.evaluation.plan import Plan, PlanOptions, plan
from cancernet.evaluation.thresholds_ahead import ThresholdsAhead
from evaluation.test_pilot import made, patients

ASK = PlanOptions(target_recall=0.8, half_width=0.08, loss=0.15, samples=200)


@pytest.fixture(scope="module")
def found() -> Plan:
    worse = patients()
    rng = np.random.default_rng(3)
    worse["probability"] = np.clip(worse["probability"] + rng.normal(0, 0.3, len(worse)), 0, 1)
    return plan(made(), pilot("other", "40 patients", worse, 0.4), ASK)


def test_each_purpose_has_its_number_its_curve_and_what_it_rests_on(found: Plan) -> None:
    keys = [need.purpose.key for need in found.needs]
    assert keys == [
        "threshold",
        "threshold_cost",
        "recall_width",
        "specificity_width",
        "auc_width",
        "auc_difference",
        "specificity_difference",
    ]
    assert found["threshold"].patients <= found["threshold_cost"].patients
    assert found["recall_width"].patients > 5
    assert found.pilot["n_patients"] == 40
    assert found.pilot["design_effect_recall"] > 1.5
    assert found.free == {"on average": 4, "assured": 11}
    with pytest.raises(KeyError):
        _ = found["nothing"]


def test_formulas_lie_near_what_half_of_the_samples_need(found: Plan) -> None:
    for key, far in (("recall_width", 0.25), ("specificity_width", 0.25), ("auc_width", 0.5)):  # of AUC, 5 or so
        assert found[key].typical == pytest.approx(found[key].purpose.formula, rel=far)


def test_thresholds_hold_in_as_many_samples_as_assured(found: Plan) -> None:
    for row in found.holds:
        assert row["held"] >= 0.85
        assert row["held_nearly"] >= row["held"]


def test_a_plan_is_plain_json(found: Plan) -> None:
    back = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert back["needs"][0]["purpose"] == "threshold"


def test_a_model_that_is_not_better_is_said_not_to_be() -> None:
    same = made()
    found = plan(same, Pilot("same", "40 patients", same.table, 0.4), ASK)
    assert [need.purpose.kind for need in found.needs].count("difference") == 0
    assert len(found.notes) == 2
    assert "not above same" in found.notes[0]


def test_of_few_patients_likeness_is_not_believed_below_what_many_had() -> None:
    table = patients()
    even = np.random.default_rng(1).random(len(table))
    ahead = ThresholdsAhead(pilot("m", "of", table.assign(probability=even), 0.4), target=0.8, assurance=0.9)
    assert ahead.rho == pytest.approx(0.08)


def test_a_model_that_finds_all_tells_nothing_of_how_alike_patches_are() -> None:
    table = patients()
    with pytest.raises(UserError, match="how alike they are cannot be told"):
        plan(pilot("m", "of", table.assign(probability=0.5), 0.4), None, ASK)


@pytest.mark.parametrize(
    "choice",
    [{"target_recall": 1.0}, {"assurance": 0.0}, {"half_width": -0.1}, {"loss": float("nan")}, {"difference": 0.0}],
    ids=repr,
)
def test_what_is_no_share_is_one_line(choice: dict[str, float]) -> None:
    with pytest.raises(UserError, match="is no"):
        PlanOptions(**choice)


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(UserError, match="tell no share"):
        PlanOptions(samples=10)
