"""An audit of the fixture bundle on synthetic patients: whole, plain, and never on patients it trained on."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.data.pack import Pack, pack
from cancernet.data.sample import write_sample
from cancernet.evaluation import metrics, ranking
from cancernet.evaluation.audit import Audit, audit, write_audit
from cancernet.evaluation.corruptions import CORRUPTIONS
from cancernet.evaluation.scoring import known_side
from cancernet.evaluation.verdicts import SKIP, WARN
from cancernet.model.bundle import Bundle, read_bundle
from cancernet.model.inference import predict
from cancernet.report.card import model_card, read_measured

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
QUICK = {"max_patches": 24, "samples": 40, "threads": 1}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_bundle(V1)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """Six patients with ids of the fixture's: train, train, test, val, train, train."""
    folder = tmp_path_factory.mktemp("audit")
    return pack(write_sample(folder / "sample", patients=6, patches_per_patient=24, seed=5), cache_dir=folder)


@pytest.fixture(scope="module")
def side(bundle: Bundle, packed: Pack) -> pd.Series:
    return known_side(bundle, packed.table)


@pytest.fixture(scope="module")
def found(bundle: Bundle, packed: Pack, side: pd.Series) -> Audit:
    return audit(bundle, packed, side, **QUICK)


def states(found: Audit) -> dict[str, str]:
    return {check.name: check.state for check in found.checks}


def test_every_check_and_every_corruption_is_judged_once(found: Audit) -> None:
    names = [check.name for check in found.checks]
    assert len(set(names)) == len(names)
    assert names[:7] == [
        "patients", "copies", "label shuffle", "colour floor", "threshold", "calibration", "patient spread"
    ]  # fmt: skip
    assert names[7:] == list(CORRUPTIONS)


def test_only_patients_of_the_side_asked_for_are_audited(
    bundle: Bundle, packed: Pack, side: pd.Series, found: Audit
) -> None:
    known = bundle.manifest["split"]["patients"]
    assert {known[patient] for patient in found.predictions["tiny"]["patient"]} == {"test"}
    other = audit(bundle, packed, side, which="val", **QUICK)
    assert {known[patient] for patient in other.predictions["tiny"]["patient"]} == {"val"}
    assert states(other)["patients"] == WARN  # they chose the threshold, and that is said
    assert states(other)["threshold"] == SKIP
    assert found.data["n_patches"] == int((side == "test").sum())
    assert found.data["n_seen_left_out"] == int(side.isin(["train", "val"]).sum())


def test_the_numbers_are_those_of_the_bundle_at_its_frozen_threshold(
    bundle: Bundle, packed: Pack, side: pd.Series, found: Audit
) -> None:
    rows = np.flatnonzero(side == "test")
    label, probability = (
        packed.table["label"].to_numpy()[rows],
        predict(bundle.session(), packed.images, rows),
    )
    point = found.metrics[0]["splits"]["test"]["operating_points"]["target_recall"]
    assert point["threshold"] == bundle.threshold == found.robustness["threshold"]
    assert point["recall"]["value"] == pytest.approx(
        metrics.rates(*metrics.confusion(label, probability, bundle.threshold))["recall"]
    )
    assert found.shuffle["auc"] == pytest.approx(ranking.auc(label, probability))
    assert found.floor_difference["auc"]["b"] == pytest.approx(ranking.auc(label, probability))


def test_no_more_patches_are_corrupted_than_allowed(found: Audit) -> None:
    assert found.robustness["n_patches"] == QUICK["max_patches"]
    assert list(found.robustness["corruptions"]) == list(CORRUPTIONS)


def test_an_audit_gives_the_same_answer_twice(
    bundle: Bundle, packed: Pack, side: pd.Series, found: Audit
) -> None:
    assert audit(bundle, packed, side, **QUICK).to_dict() == found.to_dict()


def test_synthetic_patches_are_said_to_be_no_evidence(found: Audit) -> None:
    assert found.synthetic
    assert found.to_dict()["synthetic"] is True


def test_a_copy_of_a_training_patch_among_the_audited_ones_is_found(
    bundle: Bundle, packed: Pack, side: pd.Series
) -> None:
    table = packed.table.copy()
    trained, audited = (int(np.flatnonzero(side == name)[0]) for name in ("train", "test"))
    table.loc[audited, "hash"] = table.loc[trained, "hash"]
    check = audit(bundle, dataclasses.replace(packed, table=table), side, **QUICK).checks[1]
    assert check.state == WARN
    assert check.found.startswith("1 equal")


def test_a_folder_without_training_patches_cannot_be_searched_for_copies(
    bundle: Bundle, packed: Pack
) -> None:
    everyone = pd.Series(["test"] * len(packed.table))
    found = audit(bundle, packed, everyone, claimed_new=True, **QUICK)
    assert states(found)["copies"] == SKIP
    assert states(found)["patients"] == WARN  # their ids are those of training patients


def test_a_bundle_not_split_by_patient_is_warned_of(bundle: Bundle, packed: Pack, side: pd.Series) -> None:
    manifest = copy.deepcopy(bundle.manifest)
    manifest["split"]["patient_safe"] = False
    assert states(audit(Bundle(V1, manifest), packed, side, **QUICK))["patients"] == WARN


def test_patches_of_one_class_are_audited_without_a_crash(
    bundle: Bundle, packed: Pack, side: pd.Series
) -> None:
    one_class = side.where((packed.table["label"] == 1) | (side != "test"), "")
    found = states(audit(bundle, packed, one_class, **QUICK))
    assert found["label shuffle"] == found["colour floor"] == SKIP


def test_a_side_that_is_not_there_is_one_line(bundle: Bundle, packed: Pack, side: pd.Series) -> None:
    with pytest.raises(UserError, match="cannot be audited"):
        audit(bundle, packed, side, which="train", **QUICK)
    with pytest.raises(UserError, match="no patch of this folder is of a val patient of tiny"):
        audit(bundle, packed, side.replace("val", "train"), which="val", **QUICK)


def test_what_is_written_is_plain_json_and_a_page(found: Audit, tmp_path: Path) -> None:
    page = write_audit(tmp_path / "new" / "out", found, {"command": "cancernet audit", "seed": 1})
    assert page == tmp_path / "new" / "out" / "audit.html"
    assert page.read_text("utf-8").startswith("<!doctype html>")
    text = page.with_name("audit.json").read_text("utf-8")
    assert "NaN" not in text
    read = json.loads(text)
    assert read["checks"] == [dataclasses.asdict(check) for check in found.checks]
    assert read["run"]["command"] == "cancernet audit"
    assert read["per_patient"][0]["patient"] == "S003"
    assert "predictions" not in read
    assert sorted(path.name for path in page.parent.iterdir()) == ["audit.html", "audit.json"]


def test_a_model_card_can_be_made_of_what_is_written(bundle: Bundle, found: Audit, tmp_path: Path) -> None:
    write_audit(tmp_path, found, {})
    card = model_card(bundle, audit=read_measured(tmp_path / "audit.json"))
    for check in found.checks:
        assert f"| {check.state} | {check.name} |" in card
