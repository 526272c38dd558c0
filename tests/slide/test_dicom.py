"""One DICOM series is one slide, whichever of its files is named; what only pictures it is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pydicom")

from pydicom import dcmread

from cancernet.slide.dicom import is_dicom, slide_with, slides_of
from cancernet.slide.formats import open_slide
from cancernet.slide.scale import BadSlide
from slide.dicom_files import TILE, new_uid, write_instance

IMAGE = np.random.default_rng(4).integers(0, 256, (300, 400, 3), dtype=np.uint8)
SMALLER = IMAGE[::2, ::2]


def series(
    folder: Path, *, sparse: bool = False, flavours: tuple[str, ...] = ("LABEL", "OVERVIEW", "THUMBNAIL")
) -> Path:
    folder.mkdir(exist_ok=True)
    uid = new_uid()
    write_instance(folder / "c.dcm", IMAGE, series=uid)
    write_instance(folder / "a.dcm", SMALLER, series=uid, mpp=1.0, first=False)
    for flavour in flavours:
        write_instance(folder / f"{flavour}.dcm", IMAGE[:TILE, :TILE], series=uid, mpp=9.0, flavour=flavour)
    return folder


@pytest.mark.parametrize("name", ["a.dcm", "c.dcm", "LABEL.dcm", "OVERVIEW.dcm", "THUMBNAIL.dcm"])
def test_any_file_of_a_series_is_the_slide(tmp_path: Path, name: str) -> None:
    opened = open_slide(series(tmp_path) / name, threads=1)
    assert opened.size == (400, 300)
    assert [level.down_x for level in opened.levels] == [1, 2]
    np.testing.assert_array_equal(opened.read(0, 10, 20, 300, 200), IMAGE[20:220, 10:310])
    assert (opened.found.mpp_x, opened.found.mpp_y) == (pytest.approx(0.5), pytest.approx(0.5))


def test_the_finest_comes_first_and_pictures_of_the_slide_are_left_out(tmp_path: Path) -> None:
    [slide], refused = slides_of(sorted(series(tmp_path).iterdir()))
    assert [each.path.name for each in slide] == ["c.dcm", "a.dcm"]
    assert refused == []


def test_two_series_in_one_folder_are_two_slides(tmp_path: Path) -> None:
    for i in range(2):
        write_instance(tmp_path / f"{i}.dcm", IMAGE[i:], series=new_uid())
    slides, _ = slides_of(sorted(tmp_path.iterdir()))
    assert [[each.path.name for each in slide] for slide in slides] == [["0.dcm"], ["1.dcm"]]
    assert slide_with(tmp_path / "1.dcm")[0].path.name == "1.dcm"


def test_an_overview_alone_is_refused(tmp_path: Path) -> None:
    path = write_instance(tmp_path / "o.dcm", IMAGE, series=new_uid(), flavour="OVERVIEW", mpp=20.0)
    with pytest.raises(BadSlide, match="only the overview of a slide"):
        open_slide(path, threads=1)
    assert slides_of([path]) == ([], [(path, "only the overview of a slide; give the series of its VOLUME images")])


def test_without_image_type_the_reason_says_so(tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm", IMAGE, series=new_uid(), flavour="")
    with pytest.raises(BadSlide, match="Image Type is absent"):
        open_slide(path, threads=1)


def test_dicom_of_another_kind_is_named(tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm", IMAGE, series=new_uid())
    other = dcmread(path)
    other.SOPClassUID = other.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.20"
    other.save_as(path)
    with pytest.raises(BadSlide, match="not a whole slide: DICOM of the kind Nuclear Medicine Image Storage"):
        open_slide(path, threads=1)


def test_half_a_file_is_damaged(tmp_path: Path) -> None:
    path = series(tmp_path, flavours=()) / "a.dcm"
    path.write_bytes(path.read_bytes()[:180])
    assert is_dicom(path)
    with pytest.raises(BadSlide, match="DICOM"):
        open_slide(path, threads=1)
