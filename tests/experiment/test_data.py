"""Labelled patches as every job opens them: said, split as asked and never unsafely without a word."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.data.layout import Labels
from cancernet.data.pack import Pack
from cancernet.data.sides import Split
from cancernet.data.split import SplitChoice
from cancernet.experiment.data import NAMES, check_data, describe_split, make_split, open_pack


@pytest.fixture(scope="module")
def packed(sample: Path, cache: Path) -> Pack:
    return open_pack(sample, cache, lambda _: None)


def make(packed: Pack, choice: SplitChoice | Path | str) -> Split:
    return make_split(packed, choice, lambda _: None)


def test_what_is_said_of_labels_is_followed(sample: Path, cache: Path, tmp_path: Path) -> None:
    listed = tmp_path / "patients.csv"
    listed.write_text("path,patient\n" + "".join(f"S00{i}/*,{'ABCD'[i % 4]}\n" for i in range(1, 9)))
    said: list[str] = []
    labels = Labels(benign=["0"], malignant=["1"], patients=listed)
    found = check_data(sample, labels=labels, cache=cache, say=said.append)
    assert "patients by patients.csv, 192 patches, 4 patients" in said[0]
    assert set(found.split.assignment) == set("ABCD")


def test_the_split_is_grouped_by_patient_unless_asked_otherwise(packed: Pack) -> None:
    said: list[str] = []
    split = make_split(packed, "grouped", said.append)
    assert split.patient_safe
    assert set(split.assignment) == set(packed.table["patient"])
    assert said[0].startswith(f"split grouped, seed 1 ({split.hash[:12]}): train ")


def test_the_same_seed_gives_the_same_split(packed: Pack) -> None:
    assert make(packed, SplitChoice(seed=2)) == make(packed, SplitChoice(seed=2))


def test_a_split_file_is_followed(packed: Pack, tmp_path: Path) -> None:
    patients = sorted(packed.table["patient"].unique())
    sides = dict(zip(patients, ["train"] * 4 + ["val"] * 2 + ["test"] * 2, strict=True))
    lines = ["patient,split", *[f"{patient},{side}" for patient, side in sides.items()]]
    (tmp_path / "s.csv").write_text("\n".join(lines) + "\n")
    assert dict(make(packed, tmp_path / "s.csv").assignment) == sides


def test_folds_test_each_patient_once(packed: Pack) -> None:
    tested: list[str] = []
    for fold in (1, 2, 3, 4):
        split = make(packed, SplitChoice("kfold", folds=4, fold=fold))
        tested += [patient for patient, side in split.assignment.items() if side == "test"]
    assert sorted(tested) == sorted(packed.table["patient"].unique())


def test_a_fold_that_is_not_there_is_named(packed: Pack) -> None:
    with pytest.raises(UserError, match="--fold 6: there are 5 folds"):
        make(packed, SplitChoice("kfold", fold=6))


def test_a_split_by_patch_must_be_allowed_and_is_loud(packed: Pack) -> None:
    said: list[str] = []
    with pytest.raises(UserError, match="--allow-patch-split"):
        make(packed, SplitChoice("patch"))
    split = make_split(packed, SplitChoice("patch", allow_patch_split=True), said.append)
    assert not split.patient_safe
    assert said[0] == "WARNING: NOT SPLIT BY PATIENT. Every score will be too high."


def test_unknown_patients_are_refused_unless_allowed(packed: Pack) -> None:
    unknown = dataclasses.replace(packed, table=packed.table.assign(patient=""))
    with pytest.raises(UserError, match="--allow-patch-split"):
        make(unknown, SplitChoice())
    assert not make(unknown, SplitChoice(allow_patch_split=True)).patient_safe


def test_allowing_a_patch_split_does_not_ask_for_one(packed: Pack) -> None:
    assert make(packed, SplitChoice(allow_patch_split=True)).patient_safe


def test_a_folder_without_listed_cases_names_another_split(packed: Pack) -> None:
    with pytest.raises(UserError, match="--split grouped"):
        make(packed, "official")


def test_the_sides_are_described_with_sizes(packed: Pack) -> None:
    split = make(packed, SplitChoice())
    said = describe_split(packed, split)
    assert [part.split()[0] for part in said.split("; ")] == ["train", "val", "test"]
    patches = [int(part.split()[1].replace(",", "")) for part in said.split("; ")]
    assert sum(patches) == len(packed.table)


def test_what_was_found_is_said(sample: Path, cache: Path) -> None:
    said: list[str] = []
    open_pack(sample, cache, said.append)
    assert "layout patient/class, 192 patches, 8 patients" in said[0]
    assert "SYNTHETIC" in said[1]


@pytest.mark.parametrize("other", [{"kind": "official"}, {"kind": "kfold"}, {"file": Path("s.csv")}])
def test_a_split_that_was_asked_for_is_never_dropped_without_a_word(packed: Pack, other: dict) -> None:
    unknown = dataclasses.replace(packed, table=packed.table.assign(patient=""))
    with pytest.raises(UserError, match="is by patient, and some patients here are unknown"):
        make(unknown, SplitChoice(**other, allow_patch_split=True))


def test_two_splits_at_once_are_refused(packed: Pack) -> None:
    with pytest.raises(UserError, match="are two splits; give one"):
        make(packed, SplitChoice("official", file=Path("s.csv")))
    with pytest.raises(UserError, match="split 'random' is unknown"):
        make(packed, SplitChoice("random"))


def test_a_check_leaves_its_tables_and_says_what_it_found(sample: Path, cache: Path, tmp_path: Path) -> None:
    found = check_data(sample, out=tmp_path / "out", cache=cache, say=lambda _: None)
    assert found.split.patient_safe
    assert any(line.startswith("leak audit: 0 patients") for line in found.lines)
    assert "<li>leak audit: 0 patients" in found._repr_html_()
    assert {path.name for path in (tmp_path / "out").glob("*.csv")} == set(NAMES)
    with pytest.raises(UserError, match="lies inside"):
        check_data(sample, out=sample / "out", cache=cache, say=lambda _: None)
