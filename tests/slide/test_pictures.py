"""What PNG and JPEG say of their scale counts only with a unit."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cancernet.slide.pictures import jpeg_scale, png_scale
from cancernet.slide.scale import BadSlide

GREY = np.full((60, 80, 3), 200, np.uint8)


def png(path: Path, value: int, unit: int) -> Path:
    Image.fromarray(GREY).save(path)
    body = b"pHYs" + struct.pack(">IIB", value, value, unit)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    content = path.read_bytes()
    path.write_bytes(content[:33] + chunk + content[33:])  # behind the signature and IHDR
    return path


def jpeg(path: Path, value: int, unit: int) -> Path:
    Image.fromarray(GREY).save(path)
    content = bytearray(path.read_bytes())
    content[13:18] = struct.pack(">BHH", unit, value, value)
    path.write_bytes(content)
    return path


def test_a_png_counts_in_px_a_metre(tmp_path: Path) -> None:
    found = png_scale(png(tmp_path / "a.png", 250_000, 1))
    assert (found.mpp_x, found.source) == (pytest.approx(4.0), "PNG resolution (px a metre)")


@pytest.mark.parametrize("value", [300, 600, 250_000])
def test_a_png_without_the_unit_has_no_scale(tmp_path: Path, value: int) -> None:
    found = png_scale(png(tmp_path / "a.png", value, 0))
    assert found.mpp_x is None
    assert found.doubts == (f"its PNG resolution of {value:g} has no unit",)


@pytest.mark.parametrize(("unit", "value", "name"), [(1, 12_700, "an inch"), (2, 5_000, "a centimetre")])
def test_a_jpeg_counts_in_its_unit(tmp_path: Path, unit: int, value: int, name: str) -> None:
    found = jpeg_scale(jpeg(tmp_path / "a.jpg", value, unit))
    assert (found.mpp_x, found.source) == (pytest.approx(2.0), f"JPEG resolution (px {name})")


@pytest.mark.parametrize(("value", "doubts"), [(1, 0), (300, 1)])
def test_a_jpeg_without_the_unit_has_no_scale(tmp_path: Path, value: int, doubts: int) -> None:
    found = jpeg_scale(jpeg(tmp_path / "a.jpg", value, 0))
    assert found.mpp_x is None
    assert len(found.doubts) == doubts


def test_a_print_resolution_says_what_it_is(save: Callable, tmp_path: Path) -> None:
    for read, name in ((png_scale, "a.png"), (jpeg_scale, "a.jpg")):
        found = read(save(GREY, tmp_path / name, mpp=25_400 / 300))
        assert found.mpp_x is None
        assert "um/px, which no slide scanner makes" in found.doubts[0]


def test_what_says_nothing_says_nothing(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    assert png_scale(tmp_path / "a.png").mpp_x is None
    assert png_scale(tmp_path / "a.png").doubts == ()


def test_half_a_file_is_damaged(tmp_path: Path) -> None:
    for name, read in (("a.png", png_scale), ("a.jpg", jpeg_scale)):
        Image.fromarray(GREY).save(tmp_path / name)
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:18])
        with pytest.raises(BadSlide, match="damaged"):
            read(tmp_path / name)
