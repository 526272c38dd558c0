"""Another share of malignant patches: what moves, what stays, and what cannot be said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cancernet.common.errors import UserError
from cancernet.evaluation.bootstrap import replicate
from cancernet.evaluation.evaluate import evaluate
from cancernet.evaluation.prevalence import (
    Restating,
    calibrated_at,
    over_prevalences,
    predictive_values,
    restate,
    restating,
)
from cancernet.model.bundle import read_manifest
from cancernet.model.decide import decide
from cancernet.model.manifest import Calibration, Manifest, Validation
from cancernet.model.model import load_model

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
shares = st.floats(0.02, 0.98)  # what is restated then stays within 1e-7 of 0 and 1


@pytest.fixture
def manifest() -> Manifest:
    found = read_manifest(V1)
    validation = Validation(n_patches=200, n_malignant=60, auc=0.9, average_precision=0.8, floor_auc=0.7)
    return replace(found, calibration=Calibration(temperature=1.0), validation=validation)


def test_the_true_posterior_at_one_prevalence_becomes_that_at_another() -> None:
    """Two Gaussians, whose posterior is known whatever the prior."""
    x = np.linspace(-4, 4, 81)
    likelihood = np.exp(-((x - 1) ** 2) / 2), np.exp(-((x + 1) ** 2) / 2)

    def posterior(prior: float) -> np.ndarray:
        return prior * likelihood[0] / (prior * likelihood[0] + (1 - prior) * likelihood[1])

    np.testing.assert_allclose(restate(posterior(0.3), 0.3, 0.02), posterior(0.02), atol=1e-6)


@given(probability=st.lists(shares, min_size=1), here=shares, there=shares, threshold=shares)
def test_restating_takes_back_what_it_did_and_moves_no_decision(
    probability: list[float], here: float, there: float, threshold: float
) -> None:
    moved = restate(probability, here, there)
    np.testing.assert_allclose(restate(moved, there, here), probability, atol=1e-4)
    clear = np.abs(np.array(probability) - threshold) > 1e-6  # rounding decides nothing
    same = decide(probability, threshold) == decide(moved, restate(threshold, here, there))
    assert same[clear].all()


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(UserError, match="between 0 and 1"):
        restate([0.5], 0.3, share)


def test_a_model_says_at_which_share_it_was_calibrated(manifest: Manifest) -> None:
    assert calibrated_at(manifest) == pytest.approx(0.3)
    assert restating(manifest, 0.05) == Restating(0.3, 0.05)


def test_the_model_that_ships_was_calibrated_on_the_patches_it_learned_from() -> None:
    found = load_model().manifest
    assert found.training is not None
    assert calibrated_at(found) == found.training.n_malignant / found.training.n_patches


@pytest.mark.parametrize("lost", ["calibration", "validation"])
def test_a_model_that_does_not_say_so_cannot_be_restated(manifest: Manifest, lost: str) -> None:
    with pytest.raises(UserError, match="does not say what share"):
        restating(replace(manifest, **{lost: None}), 0.05)


def test_an_older_bundle_of_one_val_side_cannot_be_restated(manifest: Manifest) -> None:
    old = replace(manifest, validation=replace(manifest.validation, n_malignant=0))
    assert calibrated_at(old) is None


def test_predictive_values_at_the_share_at_hand_are_those_counted(
    make_predictions: Callable[..., pd.DataFrame],
) -> None:
    rows = make_predictions()
    drawn = replicate(rows, {"p": 0.4}, samples=50, seed=1)
    here = float(rows["label"].mean())
    [found] = over_prevalences(drawn, "p", [here])
    called = rows["probability"] >= 0.4
    assert found["ppv"]["value"] == pytest.approx(rows["label"][called].mean())
    assert found["npv"]["value"] == pytest.approx(1 - rows["label"][~called].mean())
    assert found["ppv"]["low"] < found["ppv"]["value"] < found["ppv"]["high"]


def test_the_rarer_the_disease_the_fewer_malignant_calls_are_right() -> None:
    shares = np.array([0.01, 0.1, 0.5])
    ppv, npv = zip(*(predictive_values(0.9, 0.8, share).values() for share in shares), strict=True)
    assert list(ppv) == sorted(ppv)
    assert list(npv) == sorted(npv, reverse=True)


def test_evaluation_reports_another_share_apart_and_changes_nothing_else(
    make_predictions: Callable[..., pd.DataFrame],
) -> None:
    rows = make_predictions()
    plain = evaluate(rows, {"target_recall": 0.4}, model="m", samples=30)["splits"]["test"]
    moved = evaluate(rows, {"target_recall": 0.4}, model="m", samples=30, restating=Restating(0.3, 0.05))
    moved = moved["splits"]["test"]
    found = moved.pop("restated")
    assert plain.pop("restated") is None
    assert moved == plain
    assert found["thresholds"]["target_recall"] == pytest.approx(float(restate(0.4, 0.3, 0.05)))
    assert found["decision_curve"]["prevalence"] == pytest.approx(0.05)
    assert found["prevalence"] == 0.05
