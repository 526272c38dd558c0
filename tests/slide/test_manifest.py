"""A list of slides is read as a person writes it, or refused with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.slide.inputs import SlideInput
from cancernet.slide.manifest import read_manifest


def write(folder: Path, text: str) -> Path:
    (folder / "m.csv").write_text(text, encoding="utf-8")
    return folder / "m.csv"


def test_all_columns_are_taken_and_paths_are_relative_to_the_list(tmp_path: Path) -> None:
    file = write(tmp_path, "path,patient,mpp,series,scanner,roi\na/x.svs,P1,0.25,2,GT 450,x.geojson\n/y.svs,,,,,\n")
    assert read_manifest(file) == (
        [
            SlideInput(
                tmp_path / "a/x.svs",
                patient="P1",
                mpp=0.25,
                said_by="the mpp in m.csv",
                series=2,
                scanner="GT 450",
                roi=tmp_path / "x.geojson",
            ),
            SlideInput(Path("/y.svs"), said_by="the mpp in m.csv"),
        ],
        [],
    )


def test_order_separator_and_a_spreadsheets_mark_do_not_matter(tmp_path: Path) -> None:
    [item], notes = read_manifest(write(tmp_path, "\ufeffPatient;Path\r\n007;x.svs\r\n"))
    assert (item.patient, item.path.name, notes) == ("007", "x.svs", [])


def test_a_column_without_meaning_is_told(tmp_path: Path) -> None:
    _, notes = read_manifest(write(tmp_path, "path,um_px\nx.svs,0.5\n"))
    assert notes == ["m.csv: columns that mean nothing here: 'um_px'"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("slide,patient\nx.svs,1\n", "needs a column path, and its first line is 'slide,patient'"),
        ("", "needs a column path"),
        ("path,mpp\n", "has no row below its head"),
        ("path,mpp,mpp\nx,1,2\n", "two columns mpp"),
        ("path,mpp\nx.svs,0.5\n,0.5\n", "line 3: the path is missing"),
        ("path,mpp\nx.svs,0.025\n", "line 2: mpp '0.025' is not um a pixel"),
        ('path,mpp\nx.svs,"0,25"\n', "line 2: mpp '0,25' is not um a pixel"),
        ("path,mpp\nx.svs,nan\n", "line 2: mpp 'nan'"),
        ("path,series\nx.svs,-1\n", "line 2: series '-1' is not the number of an image"),
    ],
)
def test_a_list_that_cannot_be_right_is_refused_with_the_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        read_manifest(write(tmp_path, text))


def test_separators_of_windows_lead_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.svs").touch()
    [item], _ = read_manifest(write(tmp_path, "path\na\\x.svs\n"))
    assert item.path == tmp_path / "a" / "x.svs"
