"""Drops are paired by patient, against a model whose answer to each corruption is known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.evaluation import metrics, ranking
from cancernet.evaluation.corruptions import CORRUPTIONS, corrupt
from cancernet.evaluation.robustness import robustness

FEW = {"samples": 60, "names": ("brightness", "dust"), "severities": (1, 3, 5)}


@pytest.fixture(scope="module")
def patches() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Twelve patients; malignant patches are darker."""
    generator = np.random.default_rng(0)
    label = np.arange(240) % 4 == 0
    grey = np.where(label, 110, 150) + generator.normal(0, 15, 240)
    colour = grey[:, None, None, None] + generator.normal(0, 8, (240, 20, 20, 3))
    patient = np.array([f"p{i // 20}" for i in range(240)])
    return np.clip(colour, 0, 255).astype(np.uint8), label.astype(int), patient


def darkness(images: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp((images.mean(axis=(1, 2, 3)) - 130) / 8))


def test_a_model_that_looks_at_nothing_loses_nothing(patches: tuple) -> None:
    images, label, patient = patches
    fixed = iter(range(100))
    score = np.random.default_rng(1).random(240)
    found = robustness(lambda _: (next(fixed), score)[1], images, label, patient, 0.4, **FEW)
    for corruption in found["corruptions"].values():
        for entry in corruption["levels"]:
            assert entry["auc"]["change"] == entry["recall"]["change"] == 0
            assert entry["auc"]["low"] == entry["auc"]["high"] == 0


def test_a_model_of_brightness_loses_by_brightness_more_than_by_dust(patches: tuple) -> None:
    found = robustness(darkness, *patches, 0.5, **FEW)["corruptions"]
    bright, dust = (found[name]["levels"][-1]["auc"] for name in ("brightness", "dust"))
    assert bright["change"] < dust["change"] - 0.05
    assert bright["high"] < 0  # told apart from no drop
    assert bright["low"] < bright["change"] < bright["high"]


def test_a_drop_grows_with_the_severity(patches: tuple) -> None:
    levels = robustness(darkness, *patches, 0.5, **FEW)["corruptions"]["brightness"]["levels"]
    assert levels[0]["auc"]["change"] > levels[1]["auc"]["change"] > levels[2]["auc"]["change"]
    assert [entry["severity"] for entry in levels] == [1, 3, 5]
    assert [entry["level"] for entry in levels] == [CORRUPTIONS["brightness"].levels[i] for i in (0, 2, 4)]


def test_the_numbers_are_those_of_the_metrics_on_the_corrupted_copies(patches: tuple) -> None:
    images, label, patient = patches
    found = robustness(darkness, images, label, patient, 0.5, max_patches=240, **FEW)
    entry = found["corruptions"]["brightness"]["levels"][1]
    probability = darkness(corrupt(images, "brightness", 3, slide=patient))
    assert entry["auc"]["corrupted"] == pytest.approx(ranking.auc(label, probability))
    rates = metrics.rates(*metrics.confusion(label, probability, 0.5))
    for name in ("recall", "specificity"):
        assert entry[name]["corrupted"] == pytest.approx(rates[name])
    assert entry["auc"]["clean"] == found["clean"]["auc"] == pytest.approx(ranking.auc(label, darkness(images)))
    assert entry["auc"]["change"] == pytest.approx(entry["auc"]["corrupted"] - entry["auc"]["clean"])


def test_no_more_patches_than_allowed_are_drawn_evenly_over_patients(patches: tuple) -> None:
    images, label, patient = patches
    patient = np.where(np.arange(240) < 200, "many", patient)
    seen = []
    robustness(lambda x: (seen.append(len(x)), darkness(x))[1], images, label, patient, 0.5, max_patches=30, **FEW)
    assert set(seen) == {30}
    found = robustness(darkness, images, label, patient, 0.5, max_patches=3, **FEW)
    assert found["n_patients"] == 3  # one patch each before a second of any


def test_one_seed_gives_one_answer_and_it_is_plain_json(patches: tuple) -> None:
    one, two = (robustness(darkness, *patches, 0.5, max_patches=60, seed=4, **FEW) for _ in range(2))
    assert one == two
    assert json.loads(json.dumps(one, allow_nan=False)) == one


def test_patches_of_one_class_give_none_and_no_crash(patches: tuple) -> None:
    images, label, patient = patches
    found = robustness(darkness, images, np.ones_like(label), patient, 0.5, max_patches=40, **FEW)
    entry = found["corruptions"]["dust"]["levels"][0]
    assert entry["auc"]["change"] is None
    assert entry["specificity"]["change"] is None
    assert entry["recall"]["change"] is not None


def test_patches_of_unknown_patients_are_each_their_own_slide(patches: tuple) -> None:
    images, label, _ = patches
    found = robustness(darkness, images, label, np.array([""] * 240), 0.5, max_patches=50, **FEW)
    assert found["n_patients"] == 0
    assert found["n_patches"] == 50


def test_no_patches_are_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="no patches to corrupt"):
        robustness(darkness, np.empty((0, 20, 20, 3), np.uint8), [], [], 0.5)
