"""The second reader of DICOM reads as the first does, and what that cannot decode."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("wsidicom")

from pydicom import dcmread

from cancernet.slide.formats import open_slide
from cancernet.slide.openslide_reader import OpenSlideReader
from cancernet.slide.wsidicom_reader import WsiDicomReader
from slide.dicom_files import new_uid, write_instance

IMAGE = np.random.default_rng(4).integers(0, 256, (300, 400, 3), dtype=np.uint8)


def test_what_openslide_cannot_decode_goes_to_the_second_reader(tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm", IMAGE, series=new_uid())
    grey = dcmread(path)
    grey.SamplesPerPixel, grey.PhotometricInterpretation = 1, "MONOCHROME2"
    del grey.PlanarConfiguration
    grey.PixelData = np.frombuffer(grey.PixelData, np.uint8)[::3].tobytes()
    grey.save_as(path)
    opened = open_slide(path, threads=1)
    assert isinstance(opened, WsiDicomReader)
    np.testing.assert_array_equal(opened.read(0, 10, 20, 300, 200)[..., 1], IMAGE[20:220, 10:310, 0])


@pytest.mark.parametrize("sparse", [False, True])
def test_both_readers_read_alike(tmp_path: Path, sparse: bool) -> None:
    uid = new_uid()
    files = [
        write_instance(tmp_path / "c.dcm", IMAGE, series=uid, sparse=sparse),
        write_instance(tmp_path / "a.dcm", IMAGE[::2, ::2], series=uid, mpp=1.0, sparse=sparse, first=False),
    ]
    first, second = open_slide(files[1], threads=1), WsiDicomReader(files, threads=2)
    assert isinstance(first, OpenSlideReader)
    assert [(each.width, each.height, each.down_x) for each in first.levels] == [
        (each.width, each.height, each.down_x) for each in second.levels
    ]
    for level, size in ((0, (300, 200)), (1, (150, 100))):
        np.testing.assert_array_equal(first.read(level, 10, 20, *size), second.read(level, 10, 20, *size))
    assert second.found.mpp_x == pytest.approx(0.5)
    second.close()
