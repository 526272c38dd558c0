"""Net benefit is what its authors defined, and its band is over patients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cancernet.evaluation.net_benefit import THRESHOLDS, decision_curve, ranges


def at(curve: dict, key: str, threshold: float) -> float:
    return curve[key][curve["threshold"].index(threshold)]


def test_it_is_true_calls_less_false_ones_weighed_by_the_threshold() -> None:
    rows = pd.DataFrame(
        {
            "path": list("abcdefghij"),
            "patient": list("ppqqrrsstt"),
            "label": [1, 1, 1, 1, 0, 0, 0, 0, 0, 0],
            "probability": [0.9, 0.8, 0.2, 0.05, 0.7, 0.2, 0.1, 0.1, 0.1, 0.1],
        }
    )
    curve = decision_curve(rows, samples=20)
    assert at(curve, "net_benefit", 0.5) == pytest.approx(2 / 10 - 1 / 10)
    assert at(curve, "net_benefit", 0.2) == pytest.approx(3 / 10 - 2 / 10 * 0.2 / 0.8)  # 0.2 is called at 0.2
    assert at(curve, "call_all", 0.2) == pytest.approx(0.4 - 0.6 * 0.25)
    assert at(curve, "advantage", 0.2) == pytest.approx(0.25 - 0.25)
    assert at(curve, "advantage", 0.5) == pytest.approx(0.1)  # against calling none


@pytest.mark.parametrize("prevalence", [None, 0.07])
def test_it_is_what_dcurves_says(make_predictions: Callable[..., pd.DataFrame], prevalence: float | None) -> None:
    dcurves = pytest.importorskip("dcurves", reason="dcurves is not installed")
    rows = make_predictions(patients=8, patches=50)
    theirs = dcurves.dca(
        data=rows[["label", "probability"]],
        outcome="label",
        modelnames=["probability"],
        thresholds=list(THRESHOLDS),
        prevalence=prevalence,
    )
    ours = decision_curve(rows, prevalence=prevalence, samples=2)
    for model, key in (("probability", "net_benefit"), ("all", "call_all")):
        found = theirs[theirs["model"] == model].sort_values("threshold")["net_benefit"]
        np.testing.assert_allclose(ours[key], found, atol=1e-9)


def test_the_band_is_over_patients_and_wider_where_they_differ(make_predictions: Callable[..., pd.DataFrame]) -> None:
    def width(rows: pd.DataFrame) -> float:
        curve = decision_curve(rows, samples=200)
        return float(np.mean(np.array(curve["high"], float) - np.array(curve["low"], float)))

    rows = make_predictions(patient_spread=2.0)
    assert width(rows) > 1.5 * width(rows.assign(patient=""))  # patches taken for independent


def test_a_model_that_knows_is_better_and_one_that_guesses_is_not(
    make_predictions: Callable[..., pd.DataFrame],
) -> None:
    good, guess = make_predictions(signal=4.0), make_predictions(signal=0.0)
    assert any(low <= 0.3 <= high for low, high in decision_curve(good, samples=100)["better"])
    assert not any(low <= 0.3 <= high for low, high in decision_curve(guess, samples=100)["better"])


def test_unknown_patients_are_resampled_by_patch_and_one_class_has_a_curve() -> None:
    rows = pd.DataFrame({"path": ["a", "b"], "patient": "", "label": 1, "probability": [0.3, 0.6]})
    curve = decision_curve(rows, samples=10)
    assert at(curve, "net_benefit", 0.5) == pytest.approx(0.5)
    assert None not in curve["low"]
    other = decision_curve(rows, prevalence=0.1, samples=10)  # of benign patches nothing is known
    assert set(other["net_benefit"]) == {None}
    assert other["better"] == []


def test_no_patches_have_no_curve() -> None:
    with pytest.raises(ValueError, match="no predictions"):
        decision_curve(pd.DataFrame({"path": [], "patient": [], "label": [], "probability": []}))


def test_ranges_end_where_an_interval_touches_nothing() -> None:
    low: list[float | None] = [0.1] * len(THRESHOLDS)
    low[3] = None
    low[-1] = 0.0
    assert ranges(low) == [[0.02, 0.06], [0.1, 0.96]]
