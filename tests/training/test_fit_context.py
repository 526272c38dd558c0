"""What is chosen: whole specimens only, each alike, and never a width that drowns small tumours."""

import msgspec
import numpy as np
import pandas as pd
import pytest

from cancernet.evaluation.ranking import checked
from cancernet.model.manifest import Context
from cancernet.training.fit_context import (
    MIN_PATCHES,
    SIGMAS,
    choose_width,
    even_threshold,
    fit_context,
    smoothed,
    specimens,
)


def specimen(name, *, side=14, radius=5.0, noise=2.0, shift=0.0, seed=0):
    """A round tumour in a square section; log odds of 2 and -2, and noise."""
    rng = np.random.default_rng(seed)
    row, column = np.divmod(np.arange(side * side), side)
    label = (np.hypot(row - side / 2, column - side / 2) < radius).astype(int)
    odds = 4 * label - 2 + shift + rng.normal(0, noise, label.size)
    return pd.DataFrame(
        {
            "patient": name,
            "x": pd.array(column * 50 + 1, "Int64"),
            "y": pd.array(row * 50 + 1, "Int64"),
            "label": label,
            "probability": 1 / (1 + np.exp(-odds)),
        }
    )


def many(**changes):
    return {f"P{k}": specimen(f"P{k}", seed=k, **changes) for k in range(4)}


@pytest.fixture(scope="module")
def fitted():
    return fit_context(pd.concat(many().values()))


def test_neighbours_help_where_there_is_noise(fitted):
    assert fitted.sigma_px > 0
    scores = fitted.fitted_on["specificity_by_sigma_cells"]
    assert scores[f"{fitted.sigma_px / 50:g}"] > scores["0"] + 0.02


def test_the_manifest_takes_what_was_fitted(fitted):
    assert msgspec.json.decode(msgspec.json.encode(fitted), type=Context) == fitted


def test_the_width_is_the_narrowest_of_the_good_ones():
    width, scores = choose_width(many(), 0.95)
    assert scores[width] >= max(scores.values()) - 0.01
    assert all(scores[sigma] < max(scores.values()) - 0.01 for sigma in SIGMAS if sigma < width)


def test_a_wide_gaussian_is_not_chosen_for_small_tumours():
    small, _ = choose_width(many(radius=1.6, side=20), 0.95)
    large, _ = choose_width(many(radius=6.0, side=20, noise=4.0), 0.95)
    assert small < large


def test_scattered_patches_are_no_specimen():
    rows = specimen("P", side=40)
    assert "P" in specimens(rows)
    assert "P" not in specimens(rows.sample(frac=0.08, random_state=1))


@pytest.mark.parametrize("change", ["one class", "few", "twice", "no position", "no patient"])
def test_what_cannot_be_learned_from_is_left_out(change):
    rows = specimen("P")
    if change == "one class":
        rows = rows[rows["label"] == 0]
    elif change == "few":
        rows = rows.head(MIN_PATCHES - 1)
    elif change == "twice":
        rows = pd.concat([rows, rows.head(1)])
    elif change == "no position":
        rows = rows.assign(x=pd.array([pd.NA] * len(rows), "Int64"))
    else:
        rows = rows.assign(patient="")
    assert specimens(rows) == {}


def test_fewer_than_three_specimens_fit_nothing():
    assert fit_context(pd.concat(list(many().values())[:2])) is None


def test_every_specimen_weighs_alike_in_the_threshold():
    # one specimen with 1,000 malignant patches scored high, one with 10 scored low
    label = np.ones(1010, int)
    score = np.r_[np.linspace(5, 6, 1000), np.linspace(1, 2, 10)]
    patient = np.r_[np.repeat("large", 1000), np.repeat("small", 10)]
    threshold = even_threshold(label, score, patient, 0.95)
    recalls = [np.mean(score[patient == name] >= threshold) for name in ("large", "small")]
    assert np.mean(recalls) >= 0.95
    assert recalls[1] == pytest.approx(0.9)  # over patches alone it would be 0


@pytest.mark.parametrize("target", [0.5, 0.8, 0.95, 1.0])
def test_the_threshold_is_the_largest_that_reaches_the_target(target):
    rows = pd.concat(many().values())
    label, score = checked(rows["label"], rows["probability"])
    patient = rows["patient"].to_numpy()

    def recall(threshold):
        kept = label == 1
        return pd.Series(score[kept] >= threshold).groupby(patient[kept]).mean().mean()

    threshold = even_threshold(label, score, patient, target)
    assert recall(threshold) >= target - 1e-9
    higher = score[(label == 1) & (score > threshold)]
    if higher.size:
        assert recall(higher.min()) < target


def test_specimens_without_tumour_do_not_count_in_the_threshold():
    label, score = np.array([1, 1, 0, 0]), np.array([0.9, 0.8, 0.99, 0.98])
    assert even_threshold(label, score, np.array(["a", "a", "b", "b"]), 1.0) == 0.8


def test_smoothed_log_odds_are_in_the_order_of_the_table():
    rows = specimen("P")
    mixed = rows.sample(frac=1, random_state=4)
    straight = pd.Series(smoothed(rows, 1.2), index=rows.index)
    assert np.allclose(smoothed(mixed, 1.2), straight.loc[mixed.index], atol=1e-5)
