"""One annotated slide: paths of its patches, and what of it is whole."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cancernet.common.output import Output
from cancernet.data.names import parse_name, section_of
from cancernet.slide.annotation_classes import ClassNames, LabelRule
from cancernet.slide.labelled import COLUMNS, TABLE, Cut, Target, discard, listed, table_of


@pytest.mark.parametrize("index", [5, 6])
def test_a_path_is_read_back_as_patient_place_class_and_section(index: int) -> None:
    path = Target(Path("p"), "P7", index).path(100, 50, 1)
    assert parse_name(path) == ("P7", 101, 51, 1)
    assert section_of(path, "P7") == ("P7" if index == 5 else "P7/P7_idx6")


def test_slides_of_one_barcode_are_sections_of_one_patient() -> None:
    paths = [Target(Path("p"), f"TCGA-A7-A0D9-01Z-00-DX{i}", 5).path(0, 0, 0) for i in (1, 2)]
    assert {parse_name(path).patient for path in paths} == {"TCGA-A7-A0D9"}
    assert len({section_of(path, "TCGA-A7-A0D9") for path in paths}) == 2


def test_the_order_of_names_makes_no_other_rule() -> None:
    one, other = (Cut(ClassNames(benign=names), LabelRule()).describe() for names in (["a", "b"], ["b", "a"]))
    assert one == other
    assert one != Cut(ClassNames(benign=["a", "b"]), LabelRule(share=0.6)).describe()


def test_what_a_table_lists_is_removed_and_nothing_beside_it(output: Output, tmp_path: Path) -> None:
    patches = tmp_path / "patches"
    (patches / "P" / "0").mkdir(parents=True)
    for name in ("a.png", "b.png"):
        (patches / "P" / "0" / name).touch()
    rows = pd.DataFrame({name: ["P/0/a.png", "../a/b"] for name in COLUMNS})
    output.write_csv(TABLE, rows)
    assert listed(output, patches) == [patches / "P" / "0" / "a.png"]
    discard(output, patches)
    assert [path.name for path in (patches / "P" / "0").iterdir()] == ["b.png"]
    assert table_of(output) is None
