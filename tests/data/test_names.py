"""Reading a file name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.data.names import PatchName, parse_name, section_of, specimen_of, stated


def test_reads_the_public_set_name() -> None:
    assert parse_name("10253_idx5_x501_y351_class1.png") == PatchName("10253", 501, 351, 1)


@pytest.mark.parametrize("name", ["9_idx5_x1_y2_class0.PNG", "9_IDX7_X1_Y2_CLASS0.tif", "9_idx12_x1_y2_class0"])
def test_any_extension_index_and_case_will_do(name: str) -> None:
    assert parse_name(name) == PatchName("9", 1, 2, 0)


def test_folders_before_the_name_are_ignored() -> None:
    assert parse_name("a/8_idx5_x3_y3_class1/9_idx5_x1_y2_class0.png").patient == "9"


def test_a_patch_to_predict_needs_no_class() -> None:
    assert parse_name("9_idx5_x1_y2.png") == PatchName("9", 1, 2, None)


def test_a_leading_zero_of_a_patient_is_kept() -> None:
    assert parse_name("007_idx5_x1_y2_class0.png").patient == "007"


def test_a_patient_may_hold_underscores_and_dots() -> None:
    assert parse_name("TCGA-A1_b.2_idx5_x1_y2_class0.png").patient == "TCGA-A1_b.2"


@pytest.mark.parametrize(
    "name",
    ["", "a.png", "_idx5_x1_y2_class0.png", "9_idx5_x1_y2_class2.png", "9_idx5_x-1_y2_class0.png",
     "9_idx5_x1_class0.png", "9_idx5_x1_y2_class0 (1).png", ".png", "/", "9_idx_x1_y1_class0.png"],
)  # fmt: skip
def test_any_other_name_says_nothing(name: str) -> None:
    assert parse_name(name) == PatchName("", None, None, None)


@pytest.mark.parametrize(
    ("name", "patient", "label"),
    [("SOB_B_A-14-22549AB-40-001.png", "14-22549AB", 0), ("SOB_M_DC-14-2523-400-012.png", "14-2523", 1),
     ("sob_m_lc-14-15570c-100-003.tif", "14-15570C", 1)],
)  # fmt: skip
def test_reads_the_names_of_breakhis(name: str, patient: str, label: int) -> None:
    assert parse_name(name) == PatchName(patient, None, None, label)


@pytest.mark.parametrize(
    "name", ["TCGA-A7-A0D9-01Z-00-DX2_18001_13001.jpg", "tile_tcga-a7-a0d9.png", "x TCGA-A7-A0D9-01Z (2).png"]
)
def test_a_barcode_anywhere_in_a_name_is_the_patient(name: str) -> None:
    assert parse_name(name) == PatchName("TCGA-A7-A0D9", None, None, None)


@pytest.mark.parametrize(
    "name", ["TCGA-A7-A0D99.png", "xTCGA-A7-A0D9.png", "TCGA-A7-A0D9_TCGA-A8-A06O.png", "TCGA.png"]
)
def test_what_is_no_barcode_or_two_states_no_patient(name: str) -> None:
    assert parse_name(name).patient == ""


def test_two_slides_of_a_patient_are_one_patient_and_two_specimens() -> None:
    names = [f"TCGA-A7-A0D9-01Z-00-DX{i}_idx5_x1_y51_class1.png" for i in (1, 2)]
    assert {parse_name(name) for name in names} == {PatchName("TCGA-A7-A0D9", 1, 51, 1)}
    assert [specimen_of(name)[-3:] for name in names] == ["DX1", "DX2"]


@pytest.mark.parametrize("name", ["a.png", "SOB_B_A-14-22549AB-40-001.png", "TCGA-A7-A0D9.png"])
def test_a_name_without_a_position_is_of_no_specimen(name: str) -> None:
    assert specimen_of(name) == ""


@given(st.text())
def test_no_folder_is_an_error(name: str) -> None:
    assert stated(name) == "" or stated(name).isprintable()


@given(
    known=st.builds(
        PatchName,
        st.text("abcXYZ0123456789_-. ", min_size=1),
        st.integers(0, 99_999),
        st.integers(0, 99_999),
        st.sampled_from([None, 0, 1]),
    ),
    index=st.integers(0, 99),
    extension=st.sampled_from(["png", "jpg", "tiff"]),
)
def test_what_is_written_into_a_name_is_read_back(known: PatchName, index: int, extension: str) -> None:
    end = "" if known.label is None else f"_class{known.label}"
    name = f"some/folder/{known.patient}_idx{index}_x{known.x}_y{known.y}{end}.{extension}"
    assert parse_name(name) == known


@given(st.text())
def test_no_text_is_an_error(name: str) -> None:
    parse_name(name)


def test_another_number_after_idx_is_another_section_of_the_patient() -> None:
    assert parse_name("8863_idx6_x1_y1.png").patient == "8863"
    assert specimen_of("a/8863_idx6_x1_y1.png") == specimen_of("8863_idx06_x1_y1.png") == "8863_idx6"
    assert specimen_of("8863_idx5_x1_y1.png") == specimen_of("8863_idx05_x1_y1.png") == "8863"
    assert specimen_of(f"8863_idx{'9' * 5000}_x1_y1.png").startswith("8863_idx999")


def test_a_section_is_of_one_slide_and_of_one_patient() -> None:
    assert section_of("8863_idx5_x1_y1.png", "8863") == "8863"
    assert section_of("8863_idx5_x1_y1.png", "Q") == "Q/8863"
    assert section_of("8863_idx6_x1_y1.png", "8863") == "8863/8863_idx6"
    assert section_of("8863_idx6_x1_y1.png", "") == ""
    assert section_of("plain.png", "Q") == "Q"
    slides = {section_of(f"TCGA-A7-A0D9-01Z-00-DX{i}_idx5_x1_y1.png", "TCGA-A7-A0D9") for i in (1, 2)}
    assert len(slides) == 2
