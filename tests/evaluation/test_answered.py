from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cancernet.evaluation import answered as module
from cancernet.evaluation.answered import answered
from cancernet.evaluation.selective import fit_selective
from cancernet.model.decide import UNSURE, decide


@pytest.fixture
def rows(make_predictions) -> pd.DataFrame:
    return make_predictions(patients=15, patches=60)


def test_shares_are_those_counted_by_hand(rows: pd.DataFrame) -> None:
    found = answered(rows, 0.5, width=1.0, samples=20)
    answer = decide(rows["probability"], 0.5, width=1.0)
    kept, label = answer != UNSURE, rows["label"].to_numpy()
    assert 0.1 < kept.mean() < 0.95
    assert found["coverage"].value == pytest.approx(kept.mean())
    assert found["recall"].value == pytest.approx((answer[kept & (label == 1)] == 1).mean())
    assert found["specificity"].value == pytest.approx((answer[kept & (label == 0)] == 0).mean())
    assert found["error"].value == pytest.approx((answer[kept] != label[kept]).mean())


def test_what_cannot_be_judged_is_unsure_and_its_cancers_count_as_missed_or_as_found(rows: pd.DataFrame) -> None:
    label, answer = rows["label"].to_numpy(), decide(rows["probability"], 0.5)
    judged = np.arange(len(rows)) % 3 > 0
    found = answered(rows.assign(reason=np.where(judged, "", "out of focus")), 0.5, samples=20)
    malignant = label == 1
    right = (answer == 1) & malignant & judged
    assert found["coverage"].value == pytest.approx(judged.mean())
    assert found["recall"].value == pytest.approx(right.sum() / (malignant & judged).sum())
    assert found["recall_missed"].value == pytest.approx(right.sum() / malignant.sum())
    assert found["recall_found"].value == pytest.approx((right | (malignant & ~judged)).sum() / malignant.sum())
    assert found["error"].value == pytest.approx((answer != label)[judged].mean())


def test_intervals_hold_the_value_and_resample_patients(rows: pd.DataFrame) -> None:
    found = answered(rows, 0.5, width=1.0, samples=200)
    alone = answered(rows.assign(patient=rows["path"]), 0.5, width=1.0, samples=200)
    for name in found:
        assert found[name].low <= found[name].value <= found[name].high
    assert found["coverage"].high - found["coverage"].low > alone["coverage"].high - alone["coverage"].low


def test_a_band_of_no_width_answers_all(rows: pd.DataFrame) -> None:
    found = answered(rows, 0.5, samples=20)
    assert found["coverage"].value == 1.0
    assert (found["coverage"].low, found["coverage"].high) == (1.0, 1.0)


def test_where_nothing_is_answered_rates_are_undefined_not_zero(rows: pd.DataFrame) -> None:
    found = answered(rows, 0.5, width=99.0, samples=20)
    assert found["coverage"].value == 0.0
    assert np.isnan(found["recall"].value)
    assert np.isnan(found["error"].value)


def test_a_band_fitted_on_these_very_patients_keeps_to_its_share(rows: pd.DataFrame) -> None:
    band = fit_selective(rows, 0.4, abstain_share=0.2)
    assert answered(rows, band.threshold, width=band.width, samples=20)["coverage"].value == pytest.approx(
        0.8, abs=0.01
    )


def test_no_rows_are_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no predictions"):
        answered(rows.head(0), 0.5)


def test_resamples_taken_some_at_a_time_give_the_same_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"patient": rng.choice(list("abcdef"), 60), "label": rng.integers(0, 2, 60)})
    rows = rows.assign(path=[str(n) for n in range(60)], probability=rng.random(60))
    at_once = answered(rows, 0.5, width=0.3, samples=50)
    monkeypatch.setattr(module, "CHUNK_CELLS", 20)
    assert answered(rows, 0.5, width=0.3, samples=50) == at_once
