"""The official lists, and splits from a file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.data.sides import SIDES, Split, write_split
from cancernet.data.split_lists import official_cases, official_split, split_from_file


def make(patients: list[str]) -> pd.DataFrame:
    rows = [(f"{p}/{label}/{i}.png", p, label) for p in patients for label in (0, 1) for i in range(2)]
    return pd.DataFrame(rows, columns=["path", "patient", "label"])


@pytest.fixture
def csv(tmp_path: Path):
    def write(text: str, encoding: str = "utf-8") -> Path:
        (tmp_path / "mine.csv").write_bytes(text.encode(encoding))
        return tmp_path / "mine.csv"

    return write


def test_the_official_lists_have_their_published_sizes_and_share_no_case() -> None:
    cases = official_cases()
    assert {side: len(listed) for side, listed in cases.items()} == {"train": 84, "val": 29, "test": 49}
    everyone = [patient for listed in cases.values() for patient in listed]
    assert len(set(everyone)) == 162
    assert all(patient.isdecimal() for patient in everyone)


def test_with_all_cases_present_nothing_is_noted() -> None:
    cases = official_cases()
    split = official_split(make([p for listed in cases.values() for p in listed]))
    assert split.notes == ()
    assert split.patient_safe
    assert split.assignment == {p: side for side, listed in cases.items() for p in listed}


def test_absent_cases_and_patients_in_no_list_are_noted() -> None:
    cases = official_cases()
    present = [cases["train"][0], cases["val"][0], *cases["test"][1:], "stranger"]
    split = official_split(make(present))
    assert "stranger" not in split.assignment
    assert split.notes[0].startswith("Official train list: 83 of 84 cases absent: ")
    assert split.notes[2] == f"Official test list: 1 of 49 cases absent: {cases['test'][0]}."
    assert split.notes[3] == "1 patients of this folder are in no list and left out: stranger."


def test_a_long_list_of_names_is_cut() -> None:
    cases = official_cases()
    split = official_split(make([cases["train"][0], cases["val"][0], cases["test"][0]]))
    assert "and 73 more" in split.notes[0]


def test_without_any_official_test_case_another_split_is_named() -> None:
    cases = official_cases()
    with pytest.raises(UserError, match="--split grouped"):
        official_split(make([*cases["train"], *cases["val"]]))


def test_without_any_official_training_case_it_is_refused() -> None:
    cases = official_cases()
    with pytest.raises(UserError, match="is in train"):
        official_split(make([*cases["val"], *cases["test"]]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_with_its_patients_as_text(csv, encoding: str) -> None:
    file = csv("patient,split\n007,train\n1e5, val\nNA,test\n", encoding)
    split = split_from_file(make(["007", "1e5", "NA"]), file)
    assert split.assignment == {"007": "train", "1e5": "val", "NA": "test"}
    assert split.name == "file mine.csv"
    assert split.patient_safe
    assert split.notes == ()


def test_more_columns_in_any_order_and_repeated_lines_will_do(csv) -> None:
    file = csv("note,split,patient\n,train,a\n,train,a\n,val,b\n,test,c\n")
    assert split_from_file(make(["a", "b", "c"]), file).assignment == {"a": "train", "b": "val", "c": "test"}


@pytest.mark.parametrize(
    "text",
    [
        "patient;split\na;train\nb;val\nc;test\n",
        "patient\tsplit\na\ttrain\nb\tval\nc\ttest\n",
        "Patient,Split\na,Train\nb,VAL\nc, Test \n",
        "patient , split\na , train\nb , val\nc , test\n",
        "\ufeffpatient,split\r\na,train\r\nb,val\r\nc,test\r\n",
        "Patient ID;Set\na;Training\nb;Validation\nc;Testing\n",
        "case|subset\na|train\nb|valid\nc|test\n",
        "SUBJECT_ID,Fold\na,TRAIN\nb,dev\nc,TEST\n",
    ],
    ids=["semicolons", "tabs", "capitals", "spaces", "a byte order mark", "other words", "bars", "words in capitals"],
)
def test_a_file_as_spreadsheets_write_it_is_read(csv, text: str) -> None:
    split = split_from_file(make(["a", "b", "c"]), csv(text))
    assert split.assignment == {"a": "train", "b": "val", "c": "test"}


def test_a_split_that_was_written_is_read_back_whatever_the_patients_are_called(tmp_path: Path) -> None:
    names = ["=1+1", "-cmd", "'@x", "NA", "007", "a,b", "nan", '"', "患者"]
    split = Split("mine", {name: SIDES[i % 3] for i, name in enumerate(names)}, patient_safe=True)
    write_split(split, tmp_path / "s.csv")
    assert split_from_file(make(names), tmp_path / "s.csv").assignment == split.assignment


def test_lost_zeros_are_said_and_no_patient_is_dropped_for_them(csv) -> None:
    file = csv("patient,split\n8863,train\nb,val\nc,test\n")
    with pytest.raises(UserError, match="patient 8863 is not in this folder, and 08863 is"):
        split_from_file(make(["08863", "b", "c"]), file)


def test_unlisted_and_absent_patients_are_noted(csv) -> None:
    file = csv("patient,split\na,train\nb,val\nc,test\ngone,test\n")
    split = split_from_file(make(["a", "b", "c", "new"]), file)
    assert split.notes == (
        "mine.csv: 1 of 4 listed patients absent: gone.",
        "1 patients of this folder are in no list and left out: new.",
    )
    assert "gone" not in split.assignment


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs the columns patient,split"),
        ("a,train\n", "and that is 'a,train'"),
        ("path,split\na.png,train\n", "--allow-patch-split"),
        ("patient,split\na,train\nb,holdout\n", "line 3: split 'holdout' is unknown; use train, val or test"),
        ("patient,split\na,train\n,val\n", "line 3: the patient is missing"),
        ("patient,split\na\n", "line 2: split '' is unknown"),
        ("patient,split\na,train\nb,val\na,test\n", "line 4: patient a is in train already"),
        ("patient,split\nx,train\n", "none of its 1 patients is in this folder"),
        ("patient,split\na,train\nb,val\n", "no patch of this folder is in test"),
    ],
)
def test_a_bad_file_is_one_line_that_says_where_and_what(csv, text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        split_from_file(make(["a", "b", "c"]), csv(text))
    assert said in str(caught.value)
    assert "mine.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read the split file .*No such file"):
        split_from_file(make(["a"]), tmp_path / "nowhere.csv")


def test_a_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xff\x00\x80")
    with pytest.raises(UserError, match="not UTF-8"):
        split_from_file(make(["a"]), tmp_path / "x.csv")


@pytest.mark.real
def test_the_development_split_covers_the_real_patients(real_data: Path) -> None:
    listed = pd.read_csv(real_data / "splits" / "dev_split.csv", dtype="str")
    split = split_from_file(make(listed["patient"].tolist()), real_data / "splits" / "dev_split.csv")
    sizes = pd.Series(split.assignment).value_counts().to_dict()
    assert sizes == {"train": 169, "val": 32, "test": 29}
    assert {p for p, side in split.assignment.items() if side == "test"} == set(official_cases()["val"])
