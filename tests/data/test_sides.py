"""The split as a value: hash, file, rows."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.data.sides import SIDES, Split, assign, check_sides, count_patients, sides_of_one_class, write_split

TABLE = pd.DataFrame(
    {"path": [f"{i}.png" for i in range(8)], "patient": ["a", "a", "b", "b", "c", "c", "d", "d"], "label": [0, 1] * 4}
)
SPLIT = Split("mine", {"a": "train", "b": "val", "c": "test"}, patient_safe=True)


def test_the_hash_is_the_sha256_of_the_sorted_lines() -> None:
    assert SPLIT.hash == hashlib.sha256(b"a,train\nb,val\nc,test\n").hexdigest()


@given(st.permutations(["a", "b", "c", "d"]))
def test_the_hash_does_not_depend_on_order_name_or_seed(order: list[str]) -> None:
    sides = dict(zip("abcd", ["train", "val", "test", "train"], strict=True))
    one = Split("x", sides, patient_safe=True, seed=1)
    two = Split("y", {patient: sides[patient] for patient in order}, patient_safe=True)
    assert one.hash == two.hash


def test_the_hash_changes_with_any_patient_moved() -> None:
    for patient in SPLIT.assignment:
        moved = {**SPLIT.assignment, patient: "other"}
        assert Split("mine", moved, patient_safe=True).hash != SPLIT.hash


def test_rows_get_the_side_of_their_patient_and_nothing_if_left_out() -> None:
    assert assign(SPLIT, TABLE).tolist() == ["train"] * 2 + ["val"] * 2 + ["test"] * 2 + [""] * 2


def test_the_sides_keep_the_index_of_the_table() -> None:
    shifted = TABLE.set_index(TABLE.index + 100)
    assert assign(SPLIT, shifted).index.equals(shifted.index)


def test_a_split_by_patch_is_keyed_by_path() -> None:
    split = Split("p", {"0.png": "train", "1.png": "test"}, patient_safe=False)
    assert assign(split, TABLE).tolist()[:3] == ["train", "test", ""]


def test_a_written_split_is_sorted_and_says_its_key(tmp_path: Path) -> None:
    write_split(Split("x", {"b": "val", "a": "train"}, patient_safe=True), tmp_path / "out" / "split.csv")
    assert (tmp_path / "out" / "split.csv").read_text() == "patient,split\na,train\nb,val\n"
    write_split(Split("x", {'b,"': "val"}, patient_safe=False), tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text() == 'path,split\n"b,""",val\n'


def test_the_same_split_writes_the_same_bytes(tmp_path: Path) -> None:
    write_split(SPLIT, tmp_path / "1.csv")
    write_split(Split("other", dict(reversed(SPLIT.assignment.items())), patient_safe=True), tmp_path / "2.csv")
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_a_good_split_passes_unchanged() -> None:
    assert check_sides(TABLE, SPLIT) is SPLIT


@pytest.mark.parametrize("missing", SIDES)
def test_a_side_without_patches_is_named(missing: str) -> None:
    sides = {patient: side for patient, side in SPLIT.assignment.items() if side != missing}
    with pytest.raises(UserError, match=f"no patch of this folder is in {missing}"):
        check_sides(TABLE, Split("mine", sides, patient_safe=True))


@pytest.mark.parametrize(("patient", "side"), [("a", "train"), ("b", "val")])
def test_learning_from_one_class_is_refused(patient: str, side: str) -> None:
    one = TABLE[(TABLE["patient"] != patient) | (TABLE["label"] == 0)]
    with pytest.raises(UserError, match=f"all {side} patches are of one class"):
        check_sides(one, SPLIT)


def test_testing_on_one_class_is_allowed_and_noted() -> None:
    one = TABLE[(TABLE["patient"] != "c") | (TABLE["label"] == 0)]
    checked = check_sides(one, SPLIT)
    assert "AUC" in checked.notes[-1]
    assert checked.hash == SPLIT.hash


def test_sides_of_one_class_are_found() -> None:
    assert sides_of_one_class(TABLE, SPLIT) == set()
    assert sides_of_one_class(TABLE[TABLE["label"] == 1], SPLIT) == set(SIDES)


def test_unknown_patients_are_not_counted_as_one() -> None:
    assert count_patients(pd.DataFrame({"patient": ["", "", "1", "1", "2"]})) == 2
    assert count_patients(pd.DataFrame({"patient": ["", ""]})) == 0
