"""Where a patch goes in the export: its place and its name say what the reader said, and of no other patient."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="cancernet[serve] is not installed")

from cancernet.data.layout import detect_layout, place
from cancernet.data.names import parse_name
from cancernet.serve.database import Database
from cancernet.serve.judgement import COLUMNS, Review
from cancernet.serve.review_export import LEFT_COLUMNS, csv_pieces, member_name, zip_pieces
from cancernet.serve.reviews import Reviews
from cancernet.serve.settings import Limits

HASHES = ("0f" * 16, "1e" * 16, "2d" * 16)
WORDS = ("benign", "malignant")
PARTS = (
    "8863",
    "benign",
    "1",
    "idc",
    "a b",
    "..",
    "SOB_M_DC-14-2523-40-001",
    "TCGA-A7-A0D9-01Z",
    "_idx5_x1_y51",
    "test",
)


def kept(tmp_path: Path, *said: tuple[str, str, str, int]) -> Database:
    """A database of judgements: reader, verdict, path and which patch."""
    database = Database(tmp_path / "reviews.sqlite")
    reviews = Reviews(database, Limits())
    for reader, verdict, path, which in said:
        patient = parse_name(path).patient
        reviews.save(
            Review(HASHES[which], path, patient, reader, verdict, "", None, 0.5, "benign", "", "g", "2026-01-01"), b"p"
        )
    return database


def unzipped(database: Database, reader: str = "") -> dict[str, str]:
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(b"".join(zip_pieces(database, reader)))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from(PARTS), max_size=3).map("".join), st.sampled_from(WORDS)),
        min_size=1,
        max_size=6,
    )
)
def test_no_patch_is_read_as_of_another_class_or_patient(said: list[tuple[str, str]]) -> None:
    names = {}
    for i, (stem, verdict) in enumerate(said):
        path = f"{stem}.png"
        names[member_name(path, parse_name(path).patient, verdict, f"{i:032x}")] = (parse_name(path).patient, verdict)
    layout = detect_layout(list(names))
    for name, (patient, verdict) in names.items():
        found = place(name, layout)
        assert WORDS[found.label] == verdict
        assert found.patient in ("", patient)


@pytest.mark.parametrize(
    ("path", "verdict", "name"),
    [
        ("x/8863_idx6_x1_y51_class1.jpg", "benign", "8863/benign/8863_idx6_x1_y51_class0.png"),
        ("SOB_M_DC-14-2523-40-001.png", "malignant", "14-2523/malignant/SOB_M_DC-14-2523-40-001-0f0f0f0f.png"),
        ("SOB_M_DC-14-2523-40-001.png", "benign", f"14-2523/benign/{HASHES[0]}.png"),
        ("TCGA-A7-A0D9-01Z_1_2.jpg", "benign", "TCGA-A7-A0D9/benign/TCGA-A7-A0D9-01Z_1_2-0f0f0f0f.png"),
        ("benign_idx5_x1_y51.png", "malignant", "malignant/benign_idx5_x1_y51_class1.png"),
        ("../../a:b.png", "benign", "benign/a_b-0f0f0f0f.png"),
    ],
)
def test_a_name_says_what_the_reader_said(path: str, verdict: str, name: str) -> None:
    assert member_name(path, parse_name(path).patient, verdict, HASHES[0]) == name


def test_what_two_see_differently_is_left_out_and_listed(tmp_path: Path) -> None:
    database = kept(
        tmp_path,
        ("Bo", "malignant", "a_idx5_x1_y1.png", 0),
        ("Anna", "benign", "a_idx5_x1_y1.png", 0),
        ("Anna", "benign", "a_idx5_x1_y51.png", 1),
        ("Bo", "benign", "b_idx5_x1_y51.png", 1),
        ("Anna", "unsure", "=c.png", 2),
    )
    [[_, listed]] = unzipped(database).items()
    assert listed.splitlines() == [
        ",".join(LEFT_COLUMNS),
        f"a_idx5_x1_y1.png,a,{HASHES[0]},readers differ,Anna: benign; Bo: malignant",
        f"a_idx5_x1_y51.png,a,{HASHES[1]},names say two patients,Anna: benign; Bo: benign",
        f"'=c.png,,{HASHES[2]},unsure,Anna: unsure",
    ]
    assert set(unzipped(database, "Bo")) > {"a/malignant/a_idx5_x1_y1_class1.png", "b/benign/b_idx5_x1_y51_class0.png"}


def test_two_patches_of_one_name_are_not_one_file(tmp_path: Path) -> None:
    twice = [("Anna", "benign", "a_idx5_x1_y1.png", 0), ("Anna", "benign", "A_idx5_x1_y1.png", 1)]
    found = unzipped(kept(tmp_path, *twice, ("Anna", "benign", "c.png", 2)))
    assert list(found)[:2] == ["a/benign/a_idx5_x1_y1_class0.png", "benign/c-2d2d2d2d.png"]
    assert "another has its name" in list(found.values())[-1]


def test_nothing_judged_is_a_table_without_rows(tmp_path: Path) -> None:
    assert b"".join(csv_pieces(kept(tmp_path))).decode() == ",".join(COLUMNS) + "\n"


def test_the_same_judgements_are_the_same_zip(tmp_path: Path) -> None:
    database = kept(tmp_path, ("Anna", "benign", "c.png", 0))
    assert b"".join(zip_pieces(database)) == b"".join(zip_pieces(database))
