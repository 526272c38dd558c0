"""Tiles that are absent from a TIFF are counted, and told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cancernet.common.output import Output
from cancernet.slide.formats import open_slide
from cancernet.slide.inputs import SlideInput
from cancernet.slide.job import identify, read_section
from cancernet.slide.scale import BadSlide, Found
from cancernet.slide.tiff_tiles import absence, absent_tiles, refuse_cut_short
from cancernet.slide.vips_reader import VipsReader
from slide.vendors import mirax, tiffs
from slide.vendors.scene import HEIGHT, RED, WIDTH, boxes_in

FULL = (WIDTH, HEIGHT)
READ = (200, 150)  # px of the coarsest level, in 12 tiles


def test_absent_tiles_are_those_of_the_level_that_is_read(tmp_path: Path) -> None:
    path = tiffs.aperio(tmp_path, absent=[0, 1, 2]).path
    assert absent_tiles(path, FULL) == (3, 130)
    assert absent_tiles(path, READ) == (0, 12)


@pytest.mark.parametrize(
    ("absent", "reduced", "said"),
    [([0, 1], [], ["2 of 130 tiles are absent from the file and count as glass"]), ([], [0, 4], [])],
)
def test_of_an_aperio_slide_the_finest_level_decides_at_every_level(
    absent: list[int], reduced: list[int], said: list[str], tmp_path: Path
) -> None:
    made = tiffs.aperio(tmp_path, absent=absent, absent_reduced=reduced)
    reader = open_slide(made.path, threads=1)
    for number, level in enumerate(reader.levels):
        drawn = boxes_in(reader.read(number, 0, 0, level.width, level.height))
        assert (RED in drawn) == (not said)  # OpenSlide makes a level's from the finest, what it has or lacks
        assert absence(made.path, (level.width, level.height), reader.kind, full=reader.size) == said


@pytest.mark.parametrize("make", [tiffs.generic, tiffs.philips])
def test_the_padding_of_a_level_is_no_other_level(make: Callable, tmp_path: Path) -> None:
    made = make(tmp_path, absent=[0, 5])
    level = open_slide(made.path, threads=1).levels[made.level]
    assert absent_tiles(made.path, (level.width, level.height)) == (2, 12)


def test_no_page_of_that_size_says_nothing(tmp_path: Path) -> None:
    path = tiffs.generic(tmp_path, absent=[0]).path
    assert absent_tiles(path, (400, 300)) == (0, 0)
    assert absence(path, (400, 300), "generic-tiff", full=FULL) == []


def test_what_is_no_tiff_is_not_asked(tmp_path: Path) -> None:
    assert absence(mirax.mirax(tmp_path).path, READ, "mirax", full=FULL) == []


def test_a_file_that_cannot_be_asked_is_told(tmp_path: Path) -> None:
    path = tmp_path / "cut.tif"
    path.write_bytes(b"II*\0\x08")
    with pytest.raises(BadSlide):
        absent_tiles(path, READ)
    [said] = absence(path, READ, "aperio", full=FULL)
    assert "cannot be told" in said


@pytest.mark.parametrize(
    ("make", "tiles", "more"),
    [(tiffs.generic, 130, ""), (tiffs.philips, 12, " (Philips leaves tiles of bare glass out by design)")],
)
def test_a_summary_warns_of_them(make: Callable, tiles: int, more: str, output: Output, tmp_path: Path) -> None:
    item = SlideInput(make(tmp_path, absent=[0, 5]).path)
    section, about = read_section(item, output, identify(item), model_mpp=4.0, threads=1)
    [said] = about["warnings"]
    assert said.startswith(f"2 of {tiles} tiles are absent from the file and count as glass{more}")
    assert (section.rows(0, 16)[:, :16] == 255).all()  # red where the tile is there


def test_libvips_refuses_an_absent_tile(tmp_path: Path) -> None:
    path = tiffs.generic(tmp_path, absent=[0]).path
    reader = VipsReader(path, "TIFF", Found(), [{"page": 2}])
    with pytest.raises(BadSlide, match="damaged or cut short"):
        np.asarray(reader.read(0, 0, 0, *READ))


@pytest.mark.parametrize("make", [tiffs.aperio, tiffs.generic, tiffs.philips])
def test_a_whole_file_is_not_cut_short_whatever_tiles_are_absent(make: Callable, tmp_path: Path) -> None:
    refuse_cut_short(make(tmp_path, absent=[0]).path)


def test_a_pyramid_that_was_cut_short_has_no_section(output: Output, tmp_path: Path) -> None:
    path = tmp_path / "cut.tif"
    pixels = np.random.default_rng(0).integers(0, 256, (600, 600, 3), np.uint8)
    how = {"photometric": "rgb", "tile": (256, 256), "compression": "zlib", "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(path) as file:
        file.write(pixels, resolution=(5000, 5000), **how)
        file.write(pixels[::2, ::2], resolution=(2500, 2500), subfiletype=1, **how)
    refuse_cut_short(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    item = SlideInput(path)
    with pytest.raises(BadSlide, match="cut short: 7 of its 9 tiles"):
        read_section(item, output, identify(item), model_mpp=4.0, threads=1)
