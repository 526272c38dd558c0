"""An audit of the fixture bundle on synthetic patients: whole, plain, and never on patients it trained on."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace

from cancernet.common.errors import UserError
from cancernet.data.pack import Pack, pack
from cancernet.data.sample import write_sample
from cancernet.evaluation import ranking
from cancernet.evaluation.audit import Audit, audit
from cancernet.evaluation.corruptions import CORRUPTIONS
from cancernet.evaluation.scoring import known_side
from cancernet.evaluation.verdicts import SKIP, WARN
from cancernet.model.model import Model, load_model

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
QUICK = {"max_patches": 24, "samples": 40}


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(V1, threads=1)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """Six patients with ids of the fixture's: train, train, test, val, train, train."""
    folder = tmp_path_factory.mktemp("audit")
    return pack(write_sample(folder / "sample", patients=6, patches_per_patient=24, seed=5), cache_dir=folder)


@pytest.fixture(scope="module")
def side(model: Model, packed: Pack) -> pd.Series:
    return known_side(model, packed.table)


@pytest.fixture(scope="module")
def found(model: Model, packed: Pack, side: pd.Series) -> Audit:
    return audit(model, packed, side, **QUICK)


def states(found: Audit) -> dict[str, str]:
    return {check.name: check.state for check in found.checks}


def test_every_check_and_every_corruption_is_judged_once(found: Audit) -> None:
    names = [check.name for check in found.checks]
    assert len(set(names)) == len(names)
    assert names[:8] == [
        "patients", "copies", "answers", "label shuffle", "colour floor", "threshold", "calibration", "patient spread"
    ]  # fmt: skip
    assert names[8:] == list(CORRUPTIONS)


def test_only_patients_of_the_side_asked_for_are_audited(
    model: Model, packed: Pack, side: pd.Series, found: Audit
) -> None:
    known = model.manifest.split.patients
    assert {known[patient] for patient in found.predictions["tiny"]["patient"]} == {"test"}
    other = audit(model, packed, side, which="val", **QUICK)
    assert {known[patient] for patient in other.predictions["tiny"]["patient"]} == {"val"}
    assert states(other)["patients"] == WARN  # they chose the threshold, and that is said
    assert states(other)["threshold"] == SKIP
    assert found.data["n_patches"] == int((side == "test").sum())
    assert found.data["n_seen_left_out"] == int(side.isin(["train", "val"]).sum())
    assert (found.data["n_patients"], found.data["side"]) == (1, "test")
    assert found.data["n_malignant"] == int(packed.table.loc[side == "test", "label"].sum())


def test_the_numbers_are_those_of_the_bundle_at_its_frozen_threshold(
    model: Model, packed: Pack, side: pd.Series, found: Audit
) -> None:
    rows = np.flatnonzero(side == "test")
    label, probability = (packed.table["label"].to_numpy()[rows], model.predict(packed.images, rows))
    point = found.metrics[0]["splits"]["test"]["operating_points"]["target_recall"]
    assert point["threshold"] == model.threshold == found.robustness["threshold"]
    assert point["recall"]["value"] == pytest.approx((probability[label == 1] >= model.threshold).mean())
    assert found.shuffle["auc"] == pytest.approx(ranking.auc(label, probability))
    assert found.floor_difference["auc"]["b"] == pytest.approx(ranking.auc(label, probability))


def test_no_more_patches_are_corrupted_than_allowed(found: Audit) -> None:
    assert found.robustness["n_patches"] == QUICK["max_patches"]
    assert list(found.robustness["corruptions"]) == list(CORRUPTIONS)


def test_an_audit_gives_the_same_answer_twice(model: Model, packed: Pack, side: pd.Series, found: Audit) -> None:
    assert audit(model, packed, side, **QUICK).to_dict() == found.to_dict()


def test_synthetic_patches_are_said_to_be_no_evidence(found: Audit) -> None:
    assert found.synthetic
    assert found.to_dict()["synthetic"] is True


def test_a_copy_of_a_training_patch_among_the_audited_ones_is_found(
    model: Model, packed: Pack, side: pd.Series
) -> None:
    table = packed.table.copy()
    trained, audited = (int(np.flatnonzero(side == name)[0]) for name in ("train", "test"))
    table.loc[audited, "hash"] = table.loc[trained, "hash"]
    check = audit(model, dataclasses.replace(packed, table=table), side, **QUICK).checks[1]
    assert check.state == WARN
    assert check.found.startswith("1 equal")


def test_a_folder_without_training_patches_cannot_be_searched_for_copies(model: Model, packed: Pack) -> None:
    everyone = pd.Series(["test"] * len(packed.table))
    found = audit(model, packed, everyone, claimed_new=True, **QUICK)
    assert states(found)["copies"] == SKIP
    assert states(found)["patients"] == WARN  # their ids are those of training patients


def test_patches_of_unknown_patients_are_counted_and_warned_of(model: Model, packed: Pack, side: pd.Series) -> None:
    first = int(np.flatnonzero(side == "test")[0])
    table = packed.table.copy()
    table.loc[first, "patient"] = ""
    found = audit(model, dataclasses.replace(packed, table=table), side, **QUICK)
    assert states(found)["patients"] == WARN
    assert found.checks[0].found.startswith("1 patches are of unknown patients")
    assert found.data["n_patients"] == 1


def test_a_bundle_not_split_by_patient_is_warned_of(model: Model, packed: Pack, side: pd.Series) -> None:
    split = replace(model.manifest.split, patient_safe=False)
    unsafe = Model(V1, replace(model.manifest, split=split))
    assert states(audit(unsafe, packed, side, **QUICK))["patients"] == WARN


def test_patches_of_one_class_are_audited_without_a_crash(model: Model, packed: Pack, side: pd.Series) -> None:
    one_class = side.where((packed.table["label"] == 1) | (side != "test"), "")
    found = states(audit(model, packed, one_class, **QUICK))
    assert found["label shuffle"] == found["colour floor"] == SKIP


def test_a_side_that_is_not_there_is_one_line(model: Model, packed: Pack, side: pd.Series) -> None:
    with pytest.raises(UserError, match="cannot be audited"):
        audit(model, packed, side, which="train", **QUICK)
    with pytest.raises(UserError, match="no patch of this folder is of a val patient of tiny"):
        audit(model, packed, side.replace("val", "train"), which="val", **QUICK)


def test_what_is_kept_is_plain_json_without_the_predictions(found: Audit) -> None:
    plain = found.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["checks"] == [dataclasses.asdict(check) for check in found.checks]
    assert plain["per_patient"][0]["patient"] == "S003"
    assert "predictions" not in plain
    assert found.warnings == [check for check in found.checks if check.state == WARN]


def test_an_audit_shows_itself_as_a_table_with_its_tally(found: Audit) -> None:
    shown = found._repr_html_()
    assert shown.count("<tr>") == 3
    for words in ("<td>tiny</td>", "<td>colour floor</td>", found.tally, found.caption, "SYNTHETIC"):
        assert words in shown
    assert found.warnings[0].name in shown
    assert f"<td>{found.metrics[0]['splits']['test']['auc']['value']:.3f}</td>" in shown  # one patient: no interval
    fine = dataclasses.replace(found, synthetic=False, checks=found.checks[:0])
    assert "SYNTHETIC" not in fine._repr_html_()
    assert "0 checks passed, 0 warn." in fine._repr_html_()
