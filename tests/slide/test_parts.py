"""A picture is a part of a slide where a file beside it says so, and else a picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from cancernet.slide.parts import named_by


def test_a_file_beside_it_names_what_a_slide_is_made_of(tmp_path: Path) -> None:
    (tmp_path / "b.VMS").write_text("[Virtual Microscope Specimen]\nImageFile=a.jpg\nMapFile = a map2.jpg\n")
    assert [named_by(tmp_path / name) for name in ("a.jpg", "a map2.jpg", "a map.jpg")] == ["b.VMS", "b.VMS", ""]


@pytest.mark.parametrize("name", ["b.txt", "b.ini", "vms"])
def test_other_files_name_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("ImageFile=a.jpg")
    assert named_by(tmp_path / "a.jpg") == ""


def test_bytes_that_are_no_text_and_folders_name_nothing(tmp_path: Path) -> None:
    (tmp_path / "b.vms").write_bytes(b"\xff\xfe=\x80\n" * 50_000)
    (tmp_path / "c.vms").mkdir()
    assert named_by(tmp_path / "a.jpg") == ""


def test_a_folder_that_cannot_be_listed_says_nothing(tmp_path: Path) -> None:
    assert named_by(tmp_path / "none" / "a.jpg") == ""
