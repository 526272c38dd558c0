"""What is learned of surroundings: as much as helps patients left out, and one threshold for both."""

import msgspec
import numpy as np
import pandas as pd
import pytest

from cancernet.context.smooth import MIN_PATCHES, by_patient
from cancernet.evaluation.operating_points import choose_thresholds
from cancernet.evaluation.ranking import auc
from cancernet.evaluation.scoring import places
from cancernet.model.decide import logit, sigmoid
from cancernet.model.manifest import Context
from cancernet.training.fit_context import MIN_PATIENTS, fit_context, sections, through_threshold

pytestmark = pytest.mark.train


def specimen(name, *, side=14, radius=5.0, noise=2.0, shift=0.0, seed=0, keep=1.0):
    """A round tumour in a square section; log odds of 2 and -2, and noise."""
    rng = np.random.default_rng(seed)
    row, column = np.divmod(np.arange(side * side), side)
    label = (np.hypot(row - side / 2, column - side / 2) < radius).astype(int)
    odds = 4 * label - 2 + shift + rng.normal(0, noise, label.size)
    table = pd.DataFrame(
        {
            "patient": name,
            "x": pd.array(column * 50 + 1, "Int64"),
            "y": pd.array(row * 50 + 1, "Int64"),
            "label": label,
            "probability": 1 / (1 + np.exp(-odds)),
        }
    )
    return table[rng.random(len(table)) < keep]


def many(n=12, **changes):
    return pd.concat([specimen(f"P{k}", seed=k, **changes) for k in range(n)], ignore_index=True)


def threshold_of(rows):
    return choose_thresholds(rows["label"], rows["probability"], target_recall=0.95)["target_recall"]


@pytest.mark.parametrize("keep", [1.0, 0.3])
def test_neighbours_help_where_there_is_noise_on_patients_that_taught_nothing(keep):
    rows = many(keep=keep)
    fitted = fit_context(rows, threshold=threshold_of(rows))
    new = pd.concat([specimen(f"N{k}", seed=100 + k, keep=keep) for k in range(6)], ignore_index=True)
    taken, apart = by_patient(fitted, *places(new), new["probability"])
    assert apart == {}
    assert auc(new["label"], taken) > auc(new["label"], new["probability"]) + 0.02


def test_one_threshold_finds_the_target_share_alone_and_among_others():
    rows = many()
    threshold = threshold_of(rows)
    taken, _ = by_patient(fit_context(rows, threshold=threshold), *places(rows), rows["probability"])
    malignant = rows["label"] == 1
    for probability in (rows["probability"], taken):
        assert np.mean(probability[malignant] >= threshold - 1e-9) == pytest.approx(0.95, abs=0.01)


def test_the_manifest_takes_what_was_fitted():
    rows = many()
    fitted = fit_context(rows, threshold=0.3)
    assert msgspec.json.decode(msgspec.json.encode(fitted), type=Context) == fitted
    assert fitted.fitted_on["n_patients"] == 12
    losses = fitted.fitted_on["log_loss_by_sigma_patches"]
    assert min(losses, key=losses.get) == f"{fitted.sigma_px / 50:g}"


@pytest.mark.parametrize("change", ["few", "twice", "no position", "no patient"])
def test_what_cannot_be_learned_from_is_left_out(change):
    rows = specimen("P")
    if change == "few":
        rows = rows.head(MIN_PATCHES - 1)
    elif change == "twice":
        rows = pd.concat([rows, rows.head(1)])
    elif change == "no position":
        rows = rows.assign(x=pd.array([pd.NA] * len(rows), "Int64"))
    else:
        rows = rows.assign(patient="")
    assert len(sections(rows).label) == 0
    assert len(sections(specimen("P")).label) == 14 * 14


def test_two_slides_of_a_patient_are_two_sections_and_one_patient():
    rows = pd.concat(
        [specimen("P", seed=i).assign(path=f"P/0/P_idx{i}_x1_y1_class0.png") for i in (5, 6)], ignore_index=True
    )
    found = sections(rows)
    assert len(found.label) == 2 * 14 * 14
    assert set(found.patient) == {"P"}
    assert set(found.section) == {"P", "P/P_idx6"}


def test_too_few_patients_or_one_class_fit_nothing():
    rows = many(MIN_PATIENTS)
    assert fit_context(rows, threshold=0.5) is not None
    assert fit_context(many(MIN_PATIENTS - 1), threshold=0.5) is None
    assert fit_context(rows[rows["label"] == 0], threshold=0.5) is None


def test_moving_through_the_threshold_keeps_the_order_and_is_as_likely_as_it_can_be():
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 2, 4000)
    label = (rng.random(4000) < sigmoid(1.5 * odds - 1)).astype(int)
    scale, offset = through_threshold(label, odds, 0.1, 0.95)
    reach = np.quantile(odds[label == 1], 0.05)
    assert scale > 0
    assert scale * reach + offset == pytest.approx(logit(0.1), abs=0.1)

    def loss(scale):
        return np.logaddexp(0, -np.where(label == 1, 1, -1) * (scale * (odds - reach) + logit(0.1))).mean()

    assert loss(scale) <= min(loss(scale * 0.8), loss(scale * 1.25))
