"""The model that ships: whole, small, made of real patches, and better than colour alone on patients it never saw."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest

from cancernet.common import defaults
from cancernet.data.pack import Pack
from cancernet.evaluation.operating_points import recall_threshold
from cancernet.evaluation.ranking import auc
from cancernet.evaluation.scoring import below_floor, score_floor, score_model, side_of_model
from cancernet.model.bundle import GRAPH, WEIGHTS
from cancernet.model.decide import MALIGNANT
from cancernet.model.held_out import read_held_out
from cancernet.model.model import Model, load_model
from cancernet.training.recipes import load_recipes
from hostile.made import tissue

MAX_BYTES = 8_000_000  # of the whole bundle


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(threads=1)


def test_it_is_whole_and_small(model: Model) -> None:
    assert model.read(GRAPH)
    assert model.read(WEIGHTS)
    assert sum(path.stat().st_size for path in model.folder.iterdir()) <= MAX_BYTES


def test_it_was_trained_by_the_recipe_of_its_name_on_real_patients_kept_apart(model: Model) -> None:
    manifest = model.manifest
    assert manifest.recipe == load_recipes()[model.name]
    assert manifest.data.synthetic is False
    assert manifest.split.patient_safe is True
    assert set(manifest.split.patients.values()) <= {"train", "test"}


def test_no_official_test_or_validation_case_taught_it(model: Model) -> None:
    sides = model.manifest.split.patients
    for name in ("val", "test"):  # the official validation cases are the test side of its split
        cases = resources.files("cancernet.data").joinpath("cases", f"{name}.txt").read_text().split()
        assert not [case for case in cases if sides.get(case) == "train"]


def test_it_offers_every_share_to_abstain_on(model: Model) -> None:
    assert [band.target for band in model.bands] == list(defaults.ABSTAIN_SHARES)
    widths = [band.width for band in model.bands]
    assert widths == sorted(widths)


def test_it_keeps_what_was_said_of_patients_held_out_and_its_threshold_follows(model: Model) -> None:
    found = read_held_out(model)
    assert found is not None
    assert set(found["patient"]) == {name for name, side in model.manifest.split.patients.items() if side == "train"}
    chosen = recall_threshold(found["label"], found["alone"], model.manifest.target_recall)
    assert chosen == pytest.approx(model.threshold, abs=1e-5)
    assert auc(found["label"], found["alone"]) == pytest.approx(model.manifest.validation.auc, abs=1e-4)


def test_a_turned_or_mirrored_patch_scores_alike(model: Model) -> None:
    patches = np.stack([tissue(seed) for seed in range(60)])
    plain = model.predict(patches)
    for turned in (patches[:, ::-1], patches[:, :, ::-1], patches.transpose(0, 2, 1, 3)):
        other = model.predict(np.ascontiguousarray(turned))
        assert np.corrcoef(plain, other)[0, 1] > 0.8


def test_an_empty_white_patch_is_not_called_malignant(model: Model) -> None:
    white = np.full((1, 50, 50, 3), 245, np.uint8)
    assert model.decide(model.predict(white))[0] != MALIGNANT
    assert model.judge(white)[0]


@pytest.mark.real
@pytest.mark.slow
def test_it_beats_the_colour_floor_on_patients_it_never_saw(model: Model, real_pack: Pack) -> None:
    side = side_of_model(model, real_pack.table)
    scored, floor = score_model(model, real_pack, side), score_floor(model, real_pack, side)
    assert below_floor([scored.metrics], floor.metrics) == []
    test = scored.metrics["splits"]["test"]
    assert test["n_patients"] == 29
    assert test["operating_points"]["target_recall"]["recall"]["value"] > 0.9
