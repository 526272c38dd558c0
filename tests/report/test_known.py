"""Facts come from files, and from nowhere else."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cancernet.model.manifest import Calibration, Manifest
from cancernet.model.recipe import Recipe
from cancernet.report.checklist import AUTHOR, NAMES, fill_in, load
from cancernet.report.known import facts


@pytest.fixture
def splits(five) -> dict:
    return five.metrics[0]["splits"]


def answers(manifest: Manifest, splits: dict) -> dict[str, str]:
    return {number: answer for number, _, answer in fill_in(load("tripod_ai"), facts(manifest, splits))}


@pytest.mark.parametrize("number", ["2", "3a", "5b", "6a", "8b", "14", "17", "18a", "18b", "19", "25", "27c"])
def test_what_no_file_holds_is_said_to_be_unknown(number: str, manifest: Manifest, splits: dict) -> None:
    assert answers(manifest, splits)[number] == AUTHOR


def test_numbers_come_from_the_manifest(manifest: Manifest, splits: dict) -> None:
    data, training = replace(manifest.data, n_patches=123_456), replace(manifest.training, n_patches=98_765)
    thresholds = replace(manifest.thresholds, target_recall=0.321)
    found = answers(replace(manifest, data=data, training=training, thresholds=thresholds), splits)
    assert "123,456" in found["5a"]
    assert "98,765" in found["10"]
    assert "98,765" in found["21"]
    assert "0.321" in found["15"]
    assert manifest.files["model.onnx"].sha256[:12] in found["22"]


def test_numbers_come_from_the_evaluation(manifest: Manifest, splits: dict) -> None:
    found = answers(manifest, splits)
    auc = splits["test"]["auc"]
    assert f"test: AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})" in found["23a"]
    assert f"{splits['test']['n_patches']:,} patches" in found["20a"]
    assert found["4"] == "development and evaluation"


def test_without_an_evaluation_its_items_are_unknown(manifest: Manifest) -> None:
    found = answers(manifest, {})
    assert found["4"] == "development"
    assert {found[number] for number in ("12e", "16", "20a", "20b", "23a", "23b")} == {AUTHOR}


def test_a_patch_split_and_a_calibration_are_told(manifest: Manifest) -> None:
    split = replace(manifest.split, patient_safe=False)
    other = replace(manifest, split=split, calibration=Calibration(temperature=1.234))
    assert "NOT by patient" in answers(other, {})["12a"]
    assert "by patient: train" in answers(manifest, {})["12a"]
    assert "temperature 1.23" in answers(other, {})["12f"]
    assert "recalibrated: yes" in answers(other, {})["13"]


def test_a_bundle_with_the_least_a_manifest_may_hold_is_answered(manifest: Manifest) -> None:
    found = answers(replace(manifest, training=None, recipe=Recipe("bare", network="cnn")), {})
    assert found["10"] == found["21"] == AUTHOR
    assert found["12c"].startswith("network cnn, epochs 10")
    assert found["13"].startswith("class weight: none")


def test_groups_and_quarantine_are_told_where_a_run_knows_them(manifest: Manifest, splits: dict) -> None:
    import pandas as pd

    gap = {"value": 0.2, "low": 0.1, "high": 0.3, "highest": "north", "lowest": "south", "by_chance": 0.1}
    grouped = {"site": {"groups": [{}, {}], "gaps": {"recall": gap}}, "grade": {"groups": [{}], "gaps": {}}}
    test = {**splits["test"], "subgroups": grouped}
    known = facts(manifest, {**splits, "test": test}, data={"quarantined": pd.DataFrame({"path": ["a", "b"]})})
    found = {number: answer for number, _, answer in fill_in(load("tripod_ai"), known)}
    assert "by site: 2 groups, largest gap in recall 0.200 (0.100 to 0.300), north over south" in found["23a"]
    assert "by grade: 1 groups, no gap" in found["23a"]
    assert AUTHOR not in found["23a"]
    assert "2 files set aside" in found["20a"]


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_pointed_to_from_where_it_is_not(name: str, manifest: Manifest, splits: dict) -> None:
    rows = fill_in(load(name), facts(manifest, splits, card="the model card"))
    assert "this card" not in " ".join(answer for _, _, answer in rows)
