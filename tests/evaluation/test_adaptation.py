from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.evaluation import adaptation
from cancernet.evaluation.adaptation import ASSURED, GUARANTEED, PLAIN, Rule, check_local, fit, fold_of, told_on
from cancernet.model.decide import sigmoid


def laboratory(n: int, *, shift: float = 0.0, patches: int = 30, seed: int = 0, near: bool = True) -> pd.DataFrame:
    """Patients whose log odds are true but for a shift; surroundings make them surer."""
    draw = np.random.default_rng(seed)
    patient = np.repeat([f"p{number:03d}" for number in range(n)], patches)
    own = np.repeat(draw.normal(0, 0.3, n), patches)
    truth = draw.normal(-1, 2.5, n * patches) + own
    label = (draw.random(n * patches) < sigmoid(truth)).astype(int)
    among = truth + (draw.normal(0, 0.2, n * patches) if near else 0)
    return pd.DataFrame(
        {
            "path": [f"{name}/{at}" for at, name in enumerate(patient)],
            "patient": patient,
            "label": label,
            "alone": (truth if near else among) + shift,
            "among": among + shift,
        }
    )


def test_a_shift_of_all_log_odds_is_taken_back() -> None:
    rows = laboratory(60, shift=2.0)
    found = fit(rows, Rule())
    assert found.among_scale == pytest.approx(1, abs=0.1)
    assert found.among_offset == pytest.approx(-2, abs=0.2)


def test_below_forty_patients_the_scale_stays() -> None:
    found = fit(laboratory(39, shift=1.0), Rule())
    assert found.among_scale == 1
    assert found.among_offset == pytest.approx(-1, abs=0.3)
    assert fit(laboratory(40, shift=1.0), Rule()).among_scale != 1


def test_one_threshold_does_for_patches_by_themselves_and_among_others() -> None:
    rows = laboratory(50, shift=1.0)
    found = fit(rows, Rule(rho=0.05))
    assert found.among is not None
    assert found.with_surroundings(np.array([found.among.at]))[0] == pytest.approx(found.threshold)
    assert found.alone(np.array([found.chosen.at]))[0] == pytest.approx(found.threshold)
    malignant = rows["label"] == 1
    for odds in (found.alone(rows["alone"].to_numpy()), found.with_surroundings(rows["among"].to_numpy())):
        assert np.mean(odds[malignant] >= found.threshold - 1e-9) >= 0.95


def test_without_surroundings_both_are_one() -> None:
    found = fit(laboratory(50, near=False), Rule())
    assert found.among is None
    odds = np.array([-1.0, 0.5])
    assert found.alone(odds).tolist() == found.with_surroundings(odds).tolist()


def test_the_threshold_is_what_was_asked_for_or_says_that_it_is_not() -> None:
    assert fit(laboratory(50), Rule()).chosen.how == ASSURED
    assert fit(laboratory(50), Rule(alpha=0.1)).chosen.how == GUARANTEED
    few = fit(laboratory(6, patches=4, seed=2), Rule())
    assert few.chosen.how == PLAIN
    assert "assurance" in few.chosen.why
    assert "at least" in fit(laboratory(10), Rule(alpha=0.05)).chosen.why


def test_what_is_told_below_sixty_one_patients_is_of_fits_on_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = laboratory(20)
    seen: list[set[str]] = []

    def watched(part: pd.DataFrame, rule: Rule) -> adaptation.Fitted:
        seen.append(set(part["patient"]))
        return fit(part, rule)

    monkeypatch.setattr(adaptation, "fit", watched)
    told = told_on(rows, Rule(), seed=4)
    assert not told.held_out
    folds = fold_of(rows, 5, 4)
    *others, whole = seen
    assert whole == set(rows["patient"])  # what ships
    for number, patients in enumerate(others):
        assert patients == set(rows["patient"][folds != number])
    assert told.shown.index.tolist() == rows.index.tolist()


def test_above_sixty_patients_a_third_takes_no_part() -> None:
    told = told_on(laboratory(61), Rule())
    shown, rows = set(told.shown["patient"]), set(told.rows["patient"])
    assert told.held_out
    assert not shown & rows
    assert len(shown) == 21
    assert "21 of 61" in told.of


def test_folds_hold_whole_patients_and_share_out_those_with_tumour() -> None:
    rows = laboratory(23)
    rows.loc[rows["patient"] < "p010", "label"] = 0
    fold = fold_of(rows, 5, seed=1)
    assert len(set(zip(rows["patient"], fold, strict=True))) == 23
    with_tumour = rows.assign(fold=fold)[rows["label"] == 1].groupby("fold")["patient"].nunique()
    assert with_tumour.max() - with_tumour.min() <= 1


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda rows: rows[rows["patient"] < "p004"], "4 patients with malignant"),
        (lambda rows: rows[(rows["label"] == 1) | (rows["patient"] == "p000")], "1 patients with benign"),
        (lambda rows: rows.assign(patient=""), "patients are unknown"),
        (lambda rows: rows.assign(among=0.3), "same score"),
        (lambda rows: rows.assign(label=1 - rows["label"]), "inverted"),
    ],
)
def test_patients_to_whom_nothing_can_be_fitted_are_refused(spoil: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        check_local(spoil(laboratory(20)))
    check_local(laboratory(20))
