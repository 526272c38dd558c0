"""A table of patients says what it says, or is refused where it contradicts itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.data.attributes import attributes_of, column_of, parse_column, read_attributes, read_groups


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "cohort.csv"
    file.write_text("Patient ID;site;age\n007;north;60-69\n8;south;\n9;north;50-59\n")
    return file


def test_a_table_is_read_as_text_whatever_its_separator(table: Path) -> None:
    found = read_attributes(table)
    assert list(found) == ["site", "age"]
    assert found.loc["007", "site"] == "north"
    assert found.loc["8", "age"] == ""


def test_only_the_patients_at_hand_are_kept(table: Path) -> None:
    assert list(attributes_of(table, ["007", "9", "1", ""]).index) == ["007", "9"]


def test_a_column_has_those_patients_that_have_a_value(table: Path) -> None:
    assert column_of(table, "age", ["007", "8", "9"]).to_dict() == {"007": "60-69", "9": "50-59"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("site,age\nnorth,60\n", "needs the column patient"),
        ("patient\n8\n", "at least one more"),
        ("patient,site,site\n8,a,b\n", "column 'site' twice"),
        ("patient,site,\n8,a,b\n", "without a name"),
        ("patient,site\n,a\n", "line 2: the patient is missing"),
        ("patient,site\n8,a\n8,b\n", "line 3: patient 8 has another row"),
        ("patient,site\n", "no row below its head"),
        ("", "needs the column patient"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(UserError, match=said):
        read_attributes(tmp_path / "t.csv")


def test_a_table_of_others_and_one_that_lost_its_zeros_are_refused(table: Path) -> None:
    with pytest.raises(UserError, match="none of its 3 patients"):
        attributes_of(table, ["x"])
    with pytest.raises(UserError, match="a spreadsheet took its zeros"):
        attributes_of(table, ["007", "08"])


@pytest.mark.parametrize("column", ["", "scanner"])
def test_a_column_that_is_not_there_is_refused_with_those_that_are(table: Path, column: str) -> None:
    with pytest.raises(UserError, match="there are site, age"):
        column_of(table, column, ["007"])


def test_a_colon_parts_file_and_column_but_not_a_path(tmp_path: Path) -> None:
    odd = tmp_path / "a:b.csv"
    odd.write_text("x")
    assert parse_column(str(odd)) == (odd, "")
    assert parse_column(f"{odd}:site") == (odd, "site")
    assert parse_column("x:/y/cohort.csv") == (Path("x:/y/cohort.csv"), "")


def test_columns_that_make_no_groups_are_left_out_and_named(tmp_path: Path) -> None:
    file = tmp_path / "cohort.csv"
    file.write_text("patient,site,stain,age\n" + "".join(f"{p},{'ab'[p % 2]},HE,{p}.5\n" for p in range(30)))
    patients = [str(p) for p in range(32)]
    groups = read_groups(str(file), patients)
    assert list(groups.table) == ["site"]
    assert "stain (one value for all patients here); age (30 values, over 20)" in groups.notes[0]
    assert "2 patients of this folder are not listed" in groups.notes[1]
    assert list(read_groups(f"{file}:site", patients).table) == ["site"]
    for column, said in (("age", "make bands of numbers"), ("grade", "there are site, stain, age")):
        with pytest.raises(UserError, match=said):
            read_groups(f"{file}:{column}", patients)
