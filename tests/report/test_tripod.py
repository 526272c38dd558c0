"""The checklist is whole, and answers only from files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from cancernet.model.bundle import read_manifest
from cancernet.model.manifest import Calibration, Manifest
from cancernet.model.recipe import Recipe
from cancernet.report.tripod import ITEMS, UNKNOWN, checklist

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"


@pytest.fixture
def manifest() -> Manifest:
    return read_manifest(V1)


@pytest.fixture
def splits(five) -> dict:
    return five.metrics[0]["splits"]


def answers(manifest: Manifest, splits: dict) -> dict[str, str]:
    return {number: answer for number, _, answer in checklist(manifest, splits)}


def test_there_are_27_items_and_52_parts_in_order() -> None:
    numbers = [number for number, _ in ITEMS]
    assert len(numbers) == len(set(numbers)) == 52  # Collins et al. 2024, table 2
    main = [int(re.match(r"\d+", number).group()) for number in numbers]
    assert sorted(set(main)) == list(range(1, 28))
    assert main == sorted(main)


def test_every_part_has_an_answer(manifest: Manifest, splits: dict) -> None:
    found = checklist(manifest, splits)
    assert [number for number, _, _ in found] == [number for number, _ in ITEMS]
    assert all(topic and answer for _, topic, answer in found)


@pytest.mark.parametrize("number", ["2", "3a", "5b", "6a", "8b", "14", "17", "18a", "18b", "19", "25", "27c"])
def test_what_no_file_holds_is_said_to_be_unknown(number: str, manifest: Manifest, splits: dict) -> None:
    assert answers(manifest, splits)[number] == UNKNOWN


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
    assert {found[number] for number in ("12e", "16", "20a", "20b", "23a", "23b")} == {UNKNOWN}


def test_a_patch_split_and_a_calibration_are_told(manifest: Manifest) -> None:
    split = replace(manifest.split, patient_safe=False)
    other = replace(manifest, split=split, calibration=Calibration(temperature=1.234))
    assert "NOT by patient" in answers(other, {})["12a"]
    assert "by patient: train" in answers(manifest, {})["12a"]
    assert "temperature 1.23" in answers(other, {})["12f"]
    assert "recalibrated: yes" in answers(other, {})["13"]


def test_a_bundle_with_the_least_a_manifest_may_hold_is_answered(manifest: Manifest) -> None:
    found = answers(replace(manifest, training=None, recipe=Recipe("bare", network="cnn")), {})
    assert found["10"] == found["21"] == UNKNOWN
    assert found["12c"].startswith("network cnn, epochs 10")
    assert found["13"].startswith("class weight: none")
