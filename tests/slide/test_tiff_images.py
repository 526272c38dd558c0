"""Which image of a TIFF is the slide, where its levels lie, and what it says of its scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cancernet.slide.formats import open_slide
from cancernet.slide.openslide_reader import OpenSlideReader
from cancernet.slide.scale import BadSlide, settle
from cancernet.slide.tiff_images import choose_image, read_images
from cancernet.slide.vips_reader import VipsReader

tifffile = pytest.importorskip("tifffile")

BIG = np.random.default_rng(3).integers(0, 256, (600, 800, 3), dtype=np.uint8)
SMALL = np.full((100, 150, 3), 200, np.uint8)
TILED = {"photometric": "rgb", "tile": (256, 256), "metadata": None}
PLAIN = {"photometric": "rgb", "metadata": None}


def write(path: Path, *images: tuple[np.ndarray, dict[str, Any]], **how: Any) -> Path:
    with tifffile.TiffWriter(path, **how) as file:
        for image, options in images:
            file.write(image, **options)
    return path


def first_rows(path: Path, series: int | None = None) -> np.ndarray:
    opened = open_slide(path, threads=1, series=series)
    return opened.read(0, 0, 0, opened.size[0], 40)


def scale_of(path: Path):
    return settle(open_slide(path, threads=1).found, asked=None, model_mpp=4.0)


@pytest.mark.parametrize("how", [PLAIN, TILED])
def test_a_picture_of_the_glass_before_the_slide_is_passed_over(tmp_path: Path, how: dict[str, Any]) -> None:
    path = write(tmp_path / "a.tif", (SMALL, PLAIN), (BIG, how))
    np.testing.assert_array_equal(first_rows(path), BIG[:40])


def test_two_images_of_like_size_are_refused_with_the_list_until_one_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", (BIG, PLAIN), (BIG[::-1], PLAIN))
    with pytest.raises(BadSlide, match=r"not certain; it holds 0 of 800x600 px .plane 0., 1 of 800x600 px .*--series"):
        first_rows(path)
    np.testing.assert_array_equal(first_rows(path, 1), BIG[::-1][:40])
    with pytest.raises(BadSlide, match="no image 2 in the file; it holds 0"):
        first_rows(path, 2)


@pytest.mark.parametrize("aside", ["label", "Macro image", "thumbnail"])
def test_an_image_that_says_it_is_none_is_no_slide_however_large(tmp_path: Path, aside: str) -> None:
    named = PLAIN | {"extratags": [(285, 2, 0, aside, True)]}
    path = write(tmp_path / "a.tif", (BIG, named), (BIG[:300, :500], PLAIN))
    assert first_rows(path).shape == (40, 500, 3)
    alone = write(tmp_path / "b.tif", (BIG, named))
    with pytest.raises(BadSlide, match=rf"it holds 0 of 800x600 px \({aside}, no slide by its name\)"):
        first_rows(alone)
    assert first_rows(alone, 0).shape == (40, 800, 3)


def test_the_planes_of_a_stack_are_images_each(tmp_path: Path) -> None:
    path = tmp_path / "z.ome.tif"
    tifffile.imwrite(path, np.stack([BIG, BIG[::-1]]), photometric="rgb", metadata={"axes": "ZYXS"})
    with pytest.raises(BadSlide, match=r"0 of 800x600 px \(plane 0\), 1 of 800x600 px \(plane 1\)"):
        first_rows(path)
    np.testing.assert_array_equal(first_rows(path, 1), BIG[::-1][:40])


def test_levels_of_an_ome_pyramid_lie_in_sub_images(tmp_path: Path) -> None:
    physical = {"PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.25, "PhysicalSizeYUnit": "µm"}
    base = TILED | {"subifds": 2, "metadata": {"axes": "YXS", **physical}}
    smaller = TILED | {"subfiletype": 1}
    macro = PLAIN | {"metadata": {"axes": "YXS", "Name": "macro"}}
    path = write(
        tmp_path / "a.ome.tif",
        (BIG, base),
        (BIG[::2, ::2], smaller),
        (BIG[::4, ::4], smaller),
        (SMALL, macro),
        ome=True,
    )
    opened = open_slide(path, threads=1)
    assert [level.down_x for level in opened.levels] == [1, 2, 4]
    np.testing.assert_array_equal(opened.read(2, 0, 0, 200, 150), BIG[::4, ::4])
    np.testing.assert_array_equal(opened.read(1, 0, 0, 400, 300), BIG[::2, ::2])
    assert scale_of(path).source == "OME PhysicalSizeX"


def test_a_plain_pyramid_goes_to_openslide_and_all_else_to_libvips(tmp_path: Path) -> None:
    assert isinstance(open_slide(write(tmp_path / "a.tif", (BIG, TILED)), threads=1), OpenSlideReader)
    assert isinstance(open_slide(write(tmp_path / "b.tif", (BIG, PLAIN)), threads=1), VipsReader)


@pytest.mark.parametrize(("unit", "mpp"), [("um", 0.5), ("micron", 0.5), ("mm", 500.0), ("nm", 0.0005)])
def test_imagejs_resolution_is_in_its_unit(tmp_path: Path, unit: str, mpp: float) -> None:
    tifffile.imwrite(tmp_path / "a.tif", BIG, imagej=True, resolution=(2, 2), metadata={"unit": unit})
    [image] = read_images(tmp_path / "a.tif")
    assert (image.found.mpp_x, image.found.source) == (pytest.approx(mpp), "ImageJ resolution")


@pytest.mark.parametrize("unit", [None, "pixel"])
def test_imagejs_resolution_without_a_unit_is_none(tmp_path: Path, unit: str | None) -> None:
    tifffile.imwrite(tmp_path / "a.tif", BIG, imagej=True, resolution=(2, 2), metadata={"unit": unit} if unit else {})
    with pytest.raises(BadSlide, match="its TIFF resolution of 2 has no unit"):
        scale_of(tmp_path / "a.tif")


@pytest.mark.parametrize("how", [PLAIN, TILED])
@pytest.mark.parametrize("value", [300, 600, 40_000])
def test_a_resolution_without_unit_is_no_scale_tiled_or_not(tmp_path: Path, how: dict[str, Any], value: int) -> None:
    path = write(tmp_path / "a.tif", (BIG, how | {"resolution": (value, value), "resolutionunit": 1}))
    with pytest.raises(BadSlide, match=f"no scale in the file; its TIFF resolution of {value} has no unit"):
        scale_of(path)


@pytest.mark.parametrize("how", [PLAIN, TILED])
def test_a_resolution_with_a_unit_is_the_scale(tmp_path: Path, how: dict[str, Any]) -> None:
    for unit, name, value in ((3, "a centimetre", 40_000), (2, "an inch", 101_600)):
        path = write(tmp_path / "a.tif", (BIG, how | {"resolution": (value, value), "resolutionunit": unit}))
        scale = scale_of(path)
        assert (scale.mpp_x, scale.source) == (pytest.approx(0.25), f"TIFF resolution (px {name})")


@pytest.mark.parametrize("how", [PLAIN, TILED])
def test_a_scale_in_the_description_is_read(tmp_path: Path, how: dict[str, Any]) -> None:
    path = write(tmp_path / "a.tif", (BIG, how | {"description": "Motic\nMPP = 0.2573 |AppMag = 40"}))
    found = open_slide(path, threads=1).found
    assert (found.mpp_x, found.source, found.power) == (0.2573, "MPP in the description", 40)


def test_a_converter_that_kept_an_old_scale_is_caught(tmp_path: Path) -> None:
    kept = TILED | {"description": "MPP = 0.25", "resolution": (20_000, 20_000), "resolutionunit": 3}
    with pytest.raises(BadSlide, match=r"0\.25 um/px \(MPP in the description\) and 0\.5 \(TIFF resolution"):
        scale_of(write(tmp_path / "a.tif", (BIG, kept)))


def test_pixels_that_are_not_square_are_measured_so(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", (BIG, TILED | {"resolution": (40_000, 38_000), "resolutionunit": 3}))
    scale = scale_of(path)
    assert (scale.mpp_x, scale.mpp_y) == (pytest.approx(0.25), pytest.approx(10_000 / 38_000))


def test_channels_that_are_no_colours_are_not_supported(tmp_path: Path) -> None:
    five = np.dstack([BIG, BIG[..., :2]])
    tifffile.imwrite(tmp_path / "a.tif", five, photometric="minisblack", planarconfig="contig", metadata=None)
    with pytest.raises(BadSlide, match=r"unsupported pixels \(5 channels"):
        open_slide(tmp_path / "a.tif", threads=1)


def test_entities_in_ome_are_refused(tmp_path: Path) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aa">]><OME xmlns="http://www.openmicroscopy.org/x">&a;</OME>'
    path = write(tmp_path / "a.ome.tif", (BIG, PLAIN | {"description": bomb}))
    with pytest.raises(BadSlide, match=r"damaged"):
        read_images(path)


def test_the_list_of_many_images_is_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", *[(BIG[: 100 + i], PLAIN) for i in range(13)])
    with pytest.raises(BadSlide, match=r"9 of 800x109 px and 3 more; say which"):
        choose_image(read_images(path), None)
