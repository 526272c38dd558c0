"""Each judgement turns at its limit, says what was found, and passes nothing that was not checked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cancernet.evaluation import verdicts
from cancernet.evaluation.leakage import Leakage
from cancernet.evaluation.verdicts import PASS, SKIP, WARN

NEW = {"shared": 0, "left_out": 0, "unknown": 0, "patient_safe": True, "claimed_new": False}


def entry(value: float | None, low: float | None = None, high: float | None = None, **more: float) -> dict:
    return {"value": value, "low": low, "high": high, **more}


@pytest.mark.parametrize(
    ("change", "state", "says"),
    [
        ({}, PASS, "no patient of this folder"),
        ({"shared": 3, "left_out": 3}, PASS, "3 patients of this folder are known to the model; 3 are left out"),
        ({"shared": 5, "left_out": 3}, WARN, "2 chose its threshold"),
        ({"shared": 2, "claimed_new": True}, WARN, "audited as others"),
        ({"unknown": 1200}, WARN, "1,200 patches are of unknown patients"),
        ({"patient_safe": False}, WARN, "not trained with a split by patient"),
    ],
)
def test_patients_pass_only_where_none_audited_was_seen(change: dict, state: str, says: str) -> None:
    check = verdicts.judge_patients(**{**NEW, **change})
    assert check.state == state
    assert says in check.found


@pytest.mark.parametrize(
    ("unsure", "foreign", "state", "says"),
    [
        (3, 0, PASS, "3 of 100 patches cannot be judged"),
        (4, 0, WARN, "4 of 100 patches cannot be judged"),
        (0, 1, WARN, "1 patients, of 5, are stained or scanned unlike the training patches"),
    ],
)
def test_what_cannot_be_judged_is_little_and_no_stain_is_foreign(
    unsure: int, foreign: int, state: str, says: str
) -> None:
    check = verdicts.judge_answers({"n": unsure}, 100, foreign, 5)
    assert check.state == state
    assert says in check.found


def leakage(exact: int, near: int) -> Leakage:
    return Leakage([], pd.DataFrame({"path_a": ["x"] * exact}), pd.DataFrame({"path_a": ["y"] * near}), 90)


@pytest.mark.parametrize(
    ("found", "n_seen", "state"), [((0, 0), 10, PASS), ((1, 0), 10, WARN), ((0, 1), 10, WARN), ((0, 0), 0, SKIP)]
)
def test_a_copy_warns_and_a_folder_without_training_patches_is_not_passed(
    found: tuple[int, int], n_seen: int, state: str
) -> None:
    assert verdicts.judge_copies(leakage(*found), n_seen).state == state


SHUFFLE = {"auc": 0.9, "mean": 0.5, "sd": 0.01, "low": 0.47, "high": 0.53, "distance": 40.0, "samples": 1000}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, PASS),
        ({"mean": 0.5 + 2 * verdicts.SHUFFLE_OFF}, WARN),
        ({"mean": 0.5 - 2 * verdicts.SHUFFLE_OFF}, WARN),
        ({"distance": verdicts.SHUFFLE_DISTANCE - 0.1}, WARN),
        ({"distance": -40.0}, WARN),  # labels the wrong way round
        ({"distance": None}, SKIP),
    ],
)
def test_shuffled_labels_must_look_like_chance_and_the_model_must_not(change: dict, state: str) -> None:
    assert verdicts.judge_shuffle({**SHUFFLE, **change}).state == state


@pytest.mark.parametrize(
    ("difference", "state"),
    [
        (entry(0.05, 0.01, 0.09, a=0.85, b=0.9), PASS),
        (entry(0.05, -0.01, 0.09, a=0.85, b=0.9), WARN),
        (entry(-0.05, -0.09, -0.01, a=0.9, b=0.85), WARN),
        (entry(None, a=0.5, b=0.5), SKIP),
        (entry(0.05, a=0.85, b=0.9), SKIP),  # one patient: no interval, so nothing is shown
    ],
)
def test_the_floor_is_cleared_only_by_the_whole_interval(difference: dict, state: str) -> None:
    assert verdicts.judge_floor(difference).state == state


@pytest.mark.parametrize(
    ("recall", "here", "state"),
    [
        (entry(0.93, 0.90, 0.96), False, PASS),
        (entry(0.99, 0.98, 1.0), False, PASS),
        (entry(0.85, 0.80, 0.94), False, WARN),
        (entry(0.95, 0.92, 0.97), True, SKIP),
        (entry(None), False, SKIP),
    ],
)
def test_the_threshold_must_carry_over_and_is_not_passed_where_it_was_chosen(
    recall: dict, here: bool, state: str
) -> None:
    assert verdicts.judge_threshold(recall, 0.95, chosen_here=here).state == state


@pytest.mark.parametrize(("ece", "state"), [(0.029, PASS), (0.03, PASS), (0.031, WARN), (None, SKIP)])
def test_calibration_turns_at_its_limit(ece: float | None, state: str) -> None:
    assert verdicts.judge_calibration(entry(ece)).state == state


def patients(recalls: list[float], malignant: int = 20) -> pd.DataFrame:
    return pd.DataFrame(
        {"patient": [f"p{i}" for i in range(len(recalls))], "n_malignant": malignant, "recall": recalls}
    )


def test_one_badly_served_patient_in_ten_is_allowed_and_two_are_not() -> None:
    assert verdicts.judge_spread(patients([0.5] + [0.9] * 9)).state == PASS
    check = verdicts.judge_spread(patients([0.9] * 8 + [0.5, 0.4]))
    assert check.state == WARN
    assert "2 of 10 patients; lowest 40% (patient p9), median 90%" in check.found


def test_patients_with_few_or_no_malignant_patches_are_not_judged() -> None:
    few = patients([0.0] * 5, malignant=verdicts.MIN_MALIGNANT - 1)
    none = patients([np.nan] * 5, malignant=0)
    assert verdicts.judge_spread(pd.concat([few, none])).state == SKIP
    assert verdicts.judge_spread(pd.concat([few, patients([0.9] * 3)])).state == PASS


def corruption(auc: float | None, recall: float | None, specificity: float | None, severity: int = 3) -> dict:
    def change(value: float | None) -> dict:
        return {"change": value, "low": None, "high": None, "clean": 0.9, "corrupted": 0.8}

    level = {"severity": severity, "auc": change(auc), "recall": change(recall)}
    return {"says": "dirt", "levels": [{**level, "specificity": change(specificity)}]}


@pytest.mark.parametrize(
    ("changes", "state", "says"),
    [
        ((-0.05, -0.05, -0.10), PASS, "AUC -0.050"),
        ((0.02, 0.1, 0.1), PASS, "recall +0.100"),
        ((-0.051, 0.0, 0.0), WARN, "Too much: AUC"),
        ((0.0, -0.06, 0.0), WARN, "Too much: recall"),
        ((0.0, 0.1, -0.11), WARN, "Too much: specificity"),
        ((-0.2, -0.2, 0.0), WARN, "Too much: AUC, recall"),
        ((None, -0.01, None), PASS, "recall -0.010"),
        ((None, None, None), SKIP, "not measured"),
    ],
)
def test_a_corruption_warns_for_any_drop_beyond_its_limit(changes: tuple, state: str, says: str) -> None:
    check = verdicts.judge_corruption("dust", corruption(*changes))
    assert check.state == state
    assert says in check.found
    assert "AUC 0.05, recall 0.05, specificity 0.1" in check.limit


def test_a_corruption_not_measured_at_the_judged_severity_is_not_passed() -> None:
    assert verdicts.judge_corruption("dust", corruption(0.0, 0.0, 0.0, severity=1)).state == SKIP


def test_every_check_names_its_limit_and_the_reason() -> None:
    made = [
        verdicts.judge_patients(**NEW),
        verdicts.judge_copies(leakage(0, 0), 5),
        verdicts.judge_shuffle(SHUFFLE),
        verdicts.judge_floor(entry(0.05, 0.01, 0.09, a=0.85, b=0.9)),
        verdicts.judge_threshold(entry(0.93, 0.90, 0.96), 0.95, chosen_here=False),
        verdicts.judge_calibration(entry(0.02)),
        verdicts.judge_spread(patients([0.9])),
        verdicts.judge_corruption("dust", corruption(0, 0, 0)),
    ]
    assert all(check.limit and check.why and check.found for check in made)
    assert len({check.name for check in made}) == len(made)


def test_changes_are_written_with_sign_and_interval() -> None:
    assert verdicts.signed(entry(-0.0314, -0.05, 0.011)) == "-0.031 (-0.050 to +0.011)"
    assert verdicts.signed({"change": 0.1, "low": None, "high": None}) == "+0.100"
    assert verdicts.signed(entry(None)) == "n/a"
    assert verdicts.signed(entry(-0.0001)) == "+0.000"
