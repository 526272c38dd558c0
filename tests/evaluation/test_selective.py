from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.evaluation.selective import UNSURE, apply_selective, fit_selective, risk_coverage

tables = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=60)


def frame(rows: list[tuple[int, int, float]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["patient", "label", "probability"])
    return table.assign(
        patient="p" + table["patient"].astype(str), path=[f"{i}.png" for i in range(len(table))]
    )


def patient_loss(rows: pd.DataFrame, answer: np.ndarray, *, missed: bool = False) -> float:
    """Mean over patients of the share of patches (of malignant ones) answered wrongly."""
    wrong = (answer != UNSURE) & (answer != rows["label"])
    chosen = rows["label"] == 1 if missed else np.ones(len(rows), dtype=bool)
    return float(wrong[chosen].groupby(rows.loc[chosen, "patient"]).mean().mean())


@given(tables, st.floats(0, 0.99), st.floats(0.05, 0.95))
def test_no_more_than_the_stated_share_abstains(rows, share, threshold):
    table = frame(rows)
    selective = fit_selective(table, threshold, abstain_share=share)
    unsure = pd.Series(apply_selective(selective, table["probability"]) == UNSURE)
    assert unsure.groupby(table["patient"]).mean().mean() <= share + 1e-9
    assert selective["abstained"] == pytest.approx(unsure.mean())


def test_the_stated_share_is_nearly_used_up(make_predictions):
    rows = make_predictions(patients=20, patches=100)
    for share in (0.05, 0.2, 0.5):
        assert fit_selective(rows, 0.4, abstain_share=share)["abstained"] == pytest.approx(share, abs=0.002)


@settings(deadline=None)
@given(tables, st.floats(0.1, 0.9), st.floats(0.05, 0.95), st.booleans())
def test_the_corrected_error_on_validation_keeps_to_the_target(rows, target, threshold, missed):
    table = frame(rows)
    n = table.loc[(table["label"] == 1) | (not missed), "patient"].nunique()
    loss = "missed" if missed else "wrong"
    if (n + 1) * target < 1 - 1e-9:
        with pytest.raises(UserError, match="too few to promise"):
            fit_selective(table, threshold, max_error=target, loss=loss)
        return
    selective = fit_selective(table, threshold, max_error=target, loss=loss)
    answer = apply_selective(selective, table["probability"])
    error = patient_loss(table, answer, missed=missed) if n else 0.0
    assert (n * error + 1) / (n + 1) <= target + 1e-9
    assert selective["error"] == pytest.approx(error)


@pytest.mark.parametrize("loss", ["wrong", "missed"])
def test_new_patients_meet_the_promised_error_on_average(make_predictions, loss):
    """The guarantee, by simulation: fit on 20 patients, measure on new ones, many times."""
    target, errors = 0.1, []
    for trial in range(80):
        everyone = make_predictions(patients=60, patches=25, patient_spread=1.0, prevalence=0.5, seed=trial)
        first = everyone["patient"].isin([f"test{i}" for i in range(20)])
        selective = fit_selective(everyone[first], 0.4, max_error=target, loss=loss)
        fresh = everyone[~first].reset_index(drop=True)
        errors.append(
            patient_loss(fresh, apply_selective(selective, fresh["probability"]), missed=loss == "missed")
        )
    assert np.mean(errors) <= target + 2 * np.std(errors) / np.sqrt(len(errors))
    assert np.mean(errors) > 0.02  # kept, and not by answering nothing


def test_a_slightly_narrower_band_would_break_the_promise(make_predictions):
    rows = make_predictions(patients=30, signal=1.0)
    selective = fit_selective(rows, 0.5, max_error=0.15)
    assert selective["width"] > 0
    narrower = selective | {"width": selective["width"] - 1e-9}
    answer = apply_selective(narrower, rows["probability"])
    assert (30 * patient_loss(rows, answer) + 1) / 31 > 0.15


def test_a_good_model_need_not_abstain(make_predictions):
    rows = make_predictions(patients=30, signal=9)
    selective = fit_selective(rows, 0.5, max_error=0.1)
    assert selective["width"] == 0
    assert (apply_selective(selective, rows["probability"]) == (rows["probability"] >= 0.5)).all()


def test_a_smaller_error_takes_a_wider_band(make_predictions):
    rows = make_predictions(patients=40)
    widths = [fit_selective(rows, 0.4, max_error=error)["width"] for error in (0.05, 0.1, 0.2, 0.3)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[-1]


def test_missed_patches_can_be_controlled_whatever_the_false_alarms(make_predictions):
    rows = make_predictions(patients=40)
    selective = fit_selective(rows, 0.02, max_error=0.1, loss="missed")
    assert selective["width"] == 0  # nearly all is called malignant: many false alarms, nothing missed
    assert fit_selective(rows, 0.02, max_error=0.1)["width"] > 0


def test_copying_the_patches_of_one_patient_changes_no_band(make_predictions):
    rows = make_predictions(patients=15)
    one = rows[rows["patient"] == "test0"]
    copies = [one.assign(path=one["path"] + f"#{i}") for i in range(5)]
    for aim in ({"abstain_share": 0.2}, {"max_error": 0.15}):
        alone = fit_selective(rows, 0.4, **aim)
        assert fit_selective(pd.concat([rows, *copies]), 0.4, **aim)["width"] == pytest.approx(alone["width"])


def test_the_fit_survives_json_and_answers_alike(make_predictions):
    rows = make_predictions()
    selective = fit_selective(rows, 0.4, max_error=0.2)
    again = json.loads(json.dumps(selective, allow_nan=False))
    assert again == selective
    answers = apply_selective(again, rows["probability"])
    assert (answers == apply_selective(selective, rows["probability"])).all()
    assert answers.dtype == np.int8


def test_the_band_holds_the_threshold_and_bounds_the_unsure(make_predictions):
    rows = make_predictions()
    selective = fit_selective(rows, 0.3, abstain_share=0.3)
    assert selective["low"] < 0.3 < selective["high"]
    unsure = rows.loc[apply_selective(selective, rows["probability"]) == UNSURE, "probability"]
    assert unsure.between(selective["low"] - 1e-9, selective["high"] + 1e-9).all()


def test_certain_probabilities_are_answered():
    selective = fit_selective(frame([(0, 1, 0.4), (1, 0, 0.6)]), 0.5, abstain_share=0.99)
    assert apply_selective(selective, [0.0, 1.0]).tolist() == [0, 1]


@pytest.mark.parametrize(
    "aim", [{"abstain_share": 1.0}, {"abstain_share": -0.1}, {"max_error": 0}, {"max_error": 1}]
)
def test_shares_out_of_range_are_refused(make_predictions, aim):
    with pytest.raises(UserError, match="is not a share"):
        fit_selective(make_predictions(), 0.5, **aim)


def test_too_few_patients_are_told_how_many_it_takes(make_predictions):
    with pytest.raises(UserError, match=r"18 validation patients are too few .* at least 19"):
        fit_selective(make_predictions(patients=18), 0.5, max_error=0.05)
    fit_selective(make_predictions(patients=19), 0.5, max_error=0.05)


def test_one_aim_is_needed(make_predictions):
    for aims in ({}, {"abstain_share": 0.1, "max_error": 0.1}):
        with pytest.raises(ValueError, match="either"):
            fit_selective(make_predictions(), 0.5, **aims)


def test_risk_coverage_starts_with_all_answered_and_matches_the_answers(make_predictions):
    rows = make_predictions(patients=30)
    table = risk_coverage(rows, 0.4, points=10)
    assert table["coverage"].iloc[0] == 1
    assert table["coverage"].is_monotonic_decreasing
    assert len(table) in (10, 11)
    label = rows["label"].to_numpy()
    for row in table.itertuples():
        answer = apply_selective({"threshold": 0.4, "width": row.width}, rows["probability"])
        sure = answer != UNSURE
        assert row.n_answered == sure.sum()
        assert row.error == pytest.approx((answer != label)[sure].mean())
        if (label[sure] == 1).any():
            assert row.recall == pytest.approx((answer[sure] == 1)[label[sure] == 1].mean())


def test_abstaining_lowers_the_error_of_an_informative_model(make_predictions):
    table = risk_coverage(make_predictions(patients=60, patches=60), 0.5)
    assert table["error"].iloc[-5] < table["error"].iloc[0] / 2


def test_risk_coverage_of_nothing_is_an_empty_table():
    assert risk_coverage(frame([]).astype({"label": int, "probability": float}), 0.5).empty
