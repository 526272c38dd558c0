from __future__ import annotations

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.evaluation.selective import fit_selective, risk_coverage
from cancernet.model.decide import UNSURE, decide, distance_to
from cancernet.model.manifest import Band

tables = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=60)


def frame(rows: list[tuple[int, int, float]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["patient", "label", "probability"])
    return table.assign(patient="p" + table["patient"].astype(str), path=[f"{i}.png" for i in range(len(table))])


def answers(band: Band, probability) -> np.ndarray:
    return decide(probability, band.threshold, width=band.width)


@given(tables, st.floats(0, 0.99), st.floats(0.05, 0.95))
def test_no_more_than_the_stated_share_abstains(rows, share, threshold):
    table = frame(rows)
    band = fit_selective(table, threshold, abstain_share=share)
    answer = answers(band, table["probability"])
    unsure = pd.Series(answer == UNSURE)
    assert unsure.groupby(table["patient"]).mean().mean() <= share + 1e-9
    assert band.abstained == pytest.approx(unsure.mean())
    wrong = pd.Series((answer != UNSURE) & (answer != table["label"]))
    assert band.error == pytest.approx(wrong.groupby(table["patient"]).mean().mean())
    assert band.n_units == table["patient"].nunique()


@given(tables, st.floats(0.05, 0.9))
def test_a_wider_band_would_take_in_more_than_the_share(rows, share):
    table = frame(rows)
    band = fit_selective(table, 0.5, abstain_share=share)
    beyond = np.sort(distance_to(table["probability"], 0.5))
    beyond = beyond[beyond >= band.width]
    if len(beyond):  # the next patch farther away
        unsure = pd.Series(decide(table["probability"], 0.5, width=np.nextafter(beyond[0], np.inf)) == UNSURE)
        assert unsure.groupby(table["patient"]).mean().mean() > share


def test_the_stated_share_is_nearly_used_up(make_predictions):
    rows = make_predictions(patients=20, patches=100)
    for share in (0.05, 0.2, 0.5):
        assert fit_selective(rows, 0.4, abstain_share=share).abstained == pytest.approx(share, abs=0.002)


def test_copying_the_patches_of_one_patient_changes_no_band(make_predictions):
    rows = make_predictions(patients=15)
    one = rows[rows["patient"] == "test0"]
    copies = [one.assign(path=one["path"] + f"#{i}") for i in range(5)]
    alone = fit_selective(rows, 0.4, abstain_share=0.2)
    copied = fit_selective(pd.concat([rows, *copies]), 0.4, abstain_share=0.2)
    assert copied.width == pytest.approx(alone.width)


def test_the_fit_survives_json(make_predictions):
    band = fit_selective(make_predictions(), 0.4, abstain_share=0.2)
    assert msgspec.json.decode(msgspec.json.encode(band), type=Band) == band


def test_the_band_holds_the_threshold_and_bounds_the_unsure(make_predictions):
    rows = make_predictions()
    band = fit_selective(rows, 0.3, abstain_share=0.3)
    assert band.low < 0.3 < band.high
    unsure = rows.loc[answers(band, rows["probability"]) == UNSURE, "probability"]
    assert unsure.between(band.low - 1e-9, band.high + 1e-9).all()
    assert unsure.min() == pytest.approx(band.low, abs=0.01)
    assert unsure.max() == pytest.approx(band.high, abs=0.01)


def test_certain_probabilities_are_answered():
    band = fit_selective(frame([(0, 1, 0.4), (1, 0, 0.6)]), 0.5, abstain_share=0.99)
    assert answers(band, [0.0, 1.0]).tolist() == [0, 1]


def test_no_patches_have_no_band():
    band = fit_selective(frame([]).astype({"label": int, "probability": float}), 0.5, abstain_share=0.2)
    assert (band.width, band.abstained, band.error, band.n_units) == (0, 0, 0, 0)


@pytest.mark.parametrize("share", [1.0, -0.1, float("nan")])
def test_shares_out_of_range_are_refused(make_predictions, share):
    with pytest.raises(UserError, match="is not a share"):
        fit_selective(make_predictions(), 0.5, abstain_share=share)


def test_risk_coverage_starts_with_all_answered_and_matches_the_answers(make_predictions):
    rows = make_predictions(patients=30)
    table = risk_coverage(rows, 0.4, points=10)
    assert table["coverage"].iloc[0] == 1
    assert table["coverage"].is_monotonic_decreasing
    assert table["coverage"].unique() == pytest.approx(np.arange(10, 0, -1) / 10, abs=1e-3)  # no ties here
    label = rows["label"].to_numpy()
    for row in table.itertuples():
        answer = decide(rows["probability"], 0.4, width=row.width)
        sure = answer != UNSURE
        assert row.n_answered == sure.sum()
        assert row.error == pytest.approx((answer != label)[sure].mean())
        if (label[sure] == 1).any():
            assert row.recall == pytest.approx((answer[sure] == 1)[label[sure] == 1].mean())
        if (label[sure] == 0).any():
            assert row.specificity == pytest.approx((answer[sure] == 0)[label[sure] == 0].mean())


def test_abstaining_lowers_the_error_of_an_informative_model(make_predictions):
    table = risk_coverage(make_predictions(patients=60, patches=60), 0.5)
    assert table["error"].iloc[-5] < table["error"].iloc[0] / 2


def test_risk_coverage_of_nothing_is_an_empty_table():
    assert risk_coverage(frame([]).astype({"label": int, "probability": float}), 0.5).empty
