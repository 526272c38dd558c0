"""Patches or slides: by what the pictures are."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.sites.kinds import PATCHES, SLIDES, kind_of_paths


def picture(path: Path, side: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((side, side, 3), 180, np.uint8))
    return path


def test_small_pictures_are_patches_and_large_ones_slides(tmp_path: Path) -> None:
    assert kind_of_paths([picture(tmp_path / "a" / "one.png", 50).parent]) == PATCHES
    assert kind_of_paths([picture(tmp_path / "b" / "one.png", 400).parent]) == SLIDES
    assert kind_of_paths([tmp_path / "a" / "one.png"]) == PATCHES
    assert kind_of_paths([tmp_path / "b" / "one.png"]) == SLIDES


def test_what_a_scanner_writes_is_a_slide_whatever_lies_beside_it(tmp_path: Path) -> None:
    (picture(tmp_path / "one.png", 50).parent / "slide.svs").write_bytes(b"II*\0")
    assert kind_of_paths([tmp_path]) == SLIDES


def test_a_zip_holds_patches(tmp_path: Path) -> None:
    folder = picture(tmp_path / "in" / "p" / "one.png", 50).parents[1]
    assert kind_of_paths([Path(shutil.make_archive(str(tmp_path / "all"), "zip", folder))]) == PATCHES


def test_both_at_once_are_refused_by_name(tmp_path: Path) -> None:
    small, large = picture(tmp_path / "a" / "one.png", 50).parent, picture(tmp_path / "b" / "one.png", 400).parent
    with pytest.raises(UserError, match="name them in two runs") as raised:
        kind_of_paths([small, large])
    assert str(small) in str(raised.value)
    assert str(large) in str(raised.value)


def test_a_folder_of_both_is_refused_too(tmp_path: Path) -> None:
    picture(tmp_path / "one.png", 50)
    picture(tmp_path / "two.png", 400)
    with pytest.raises(UserError, match="holds slides or fields"):
        kind_of_paths([tmp_path])


def test_what_is_no_picture_decides_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert kind_of_paths([tmp_path]) == PATCHES
    picture(tmp_path / "two.png", 400)
    assert kind_of_paths([tmp_path]) == SLIDES


def test_a_path_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder or file"):
        kind_of_paths([tmp_path / "nowhere"])
