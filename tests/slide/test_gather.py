"""From what a user names to the slides there are, each once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pydicom")


from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.slide.gather import Gathered, gather
from cancernet.slide.inputs import SlideInput
from slide.dicom_files import new_uid, write_instance

IMAGE = np.full((64, 64, 3), 200, np.uint8)


def found(*paths: Path) -> Gathered:
    return gather(SlideInput(path) for path in paths)


def names(root: Path, made: Gathered) -> list[str]:
    return [slide.path.relative_to(root).as_posix() for slide in made.slides]


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")


def test_a_folder_is_searched_and_previews_beside_slides_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "b/2.svs", "a/1.NDPI", "a/1.png", "a/notes.txt", "c/deep/3.tiff", ".trash/4.svs", "a/m/Data.dat")
    made = found(tmp_path)
    assert names(tmp_path, made) == ["a/1.NDPI", "b/2.svs", "c/deep/3.tiff"]
    assert "1 pictures (PNG, JPEG) beside slides left out" in made.notes[0]
    assert made.failed == []


def test_a_folder_of_pictures_alone_is_a_folder_of_slides(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b.jpg", "c.txt")
    assert names(tmp_path, found(tmp_path)) == ["a.png", "b.jpg"]


def test_our_own_results_are_no_slides(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    with Output(tmp_path / "out", "slide") as output:
        output.child("a", owner="a").write_png("overlay.png", IMAGE)
    assert names(tmp_path, found(tmp_path)) == ["a.png"]


def test_a_folder_without_a_slide_is_told(tmp_path: Path) -> None:
    touch(tmp_path, "a.txt")
    assert found(tmp_path).failed == [(str(tmp_path), "a folder without a slide (1 files in it and below)")]


def test_a_series_is_one_slide_named_after_its_folder(tmp_path: Path) -> None:
    uid = new_uid()
    folder = tmp_path / "S-1"
    folder.mkdir()
    for name, flavour in (("2", "VOLUME"), ("1.dcm", "LABEL")):  # a name of a PACS has no ending
        write_instance(folder / name, IMAGE, series=uid, flavour=flavour)
    for given in ([tmp_path], [folder], [folder / "2"], [folder / "1.dcm"], [folder / "2", folder / "1.dcm", tmp_path]):
        [slide] = found(*given).slides
        assert slide.path == folder / "2"
        assert slide.files == (folder / "2",)
    assert found(tmp_path).slides[0].title == "S-1"


def test_dicom_that_is_no_slide_is_listed(tmp_path: Path) -> None:
    write_instance(tmp_path / "o.dcm", IMAGE, series=new_uid(), flavour="OVERVIEW")
    made = found(tmp_path)
    assert made.slides == []
    assert made.failed == [
        ((tmp_path / "o.dcm").as_posix(), "only the overview of a slide; give the series of its VOLUME images")
    ]


def test_a_path_given_twice_is_one_slide_and_two_things_said_of_it_are_an_error(tmp_path: Path) -> None:
    touch(tmp_path, "a.svs")
    assert len(found(tmp_path / "a.svs", tmp_path, tmp_path / "." / "a.svs").slides) == 1
    with pytest.raises(UserError, match="named twice, and not the same is said"):
        gather([SlideInput(tmp_path / "a.svs", mpp=0.5), SlideInput(tmp_path)])
    two = gather([SlideInput(tmp_path / "a.svs", series=0), SlideInput(tmp_path / "a.svs", series=1)])
    assert len(two.slides) == 2


def test_a_link_beside_its_slide_is_the_same_slide(tmp_path: Path) -> None:
    touch(tmp_path, "a.svs")
    (tmp_path / "b.svs").symlink_to(tmp_path / "a.svs")
    assert names(tmp_path, found(tmp_path)) == ["a.svs"]


def test_the_folder_of_an_mrxs_is_part_of_it(tmp_path: Path) -> None:
    touch(tmp_path, "a.mrxs", "a/Slidedat.ini", "a/Data0000.dat")
    [slide] = found(tmp_path / "a.mrxs").slides
    assert [file.name for file in slide.files] == ["a.mrxs", "Data0000.dat", "Slidedat.ini"]


def test_what_is_said_of_a_folder_holds_for_its_slides(tmp_path: Path, save: Callable) -> None:
    touch(tmp_path, "a.svs", "b.svs")
    assert {slide.scanner for slide in gather([SlideInput(tmp_path, scanner="S")]).slides} == {"S"}
