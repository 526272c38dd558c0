"""Files of the structure of each scanner's: a drawn scene comes out at its place, of its scale, without macro or label.

What is drawn is known at full resolution, and unlike when it is mirrored, turned or shifted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cancernet.context.smooth import Contextual
from cancernet.slide import geojson, tables
from cancernet.slide.formats import Reader, open_slide
from cancernet.slide.geometry import CellMap, find_regions
from cancernet.slide.scale import BadSlide, settle
from cancernet.slide.section import Section, make_section
from slide.vendors import mirax, others, scene, tiff, tiffs
from slide.vendors.scene import BLUE, FACTOR, MACRO, MODEL_MPP, MPP, Made

PART = 64  # px of a level read at once: small slides are then read in as many parts as large ones
CELL = 10  # px of the section
MOSTLY = 60  # of 255 from a colour
ASTRAY = 30  # of 255; half a px from its place, an edge of these rectangles differs by 80


def reduced_by_a_remainder(folder: Path) -> Made:
    return tiffs.generic(folder, size=(3215, 2415))  # 15 px are left over each way at 16


def leica_areas(folder: Path) -> Made:
    return tiffs.leica(folder, second=True)


MAKERS: dict[str, Callable[[Path], Made]] = {
    "generic": tiffs.generic,
    "remainder": reduced_by_a_remainder,
    "aperio": tiffs.aperio,
    "philips": tiffs.philips,
    "leica": tiffs.leica,
    "leica areas": leica_areas,
    "trestle": tiffs.trestle,
    "ventana": tiffs.ventana,
    "hamamatsu ndpi": tiffs.ndpi,
    "hamamatsu vms": others.vms,
    "mirax": mirax.mirax,
    "sakura": others.sakura,
    "zeiss": others.zeiss,
}


@dataclass(frozen=True)
class Read:
    """A slide that was made, its reader, and its section."""

    made: Made
    reader: Reader
    section: Section

    def boxes(self) -> dict[tuple[int, int, int], scene.Box]:
        """Return where each colour lies in the section."""
        return scene.boxes_in(self.section.rows(0, self.section.height))


def read(made: Made, folder: Path) -> Read:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cancernet.slide.openslide_reader.COLUMNS", PART)
        patch.setattr("cancernet.slide.section.BAND_PIXELS", PART * PART * 4)
        reader = open_slide(made.path, threads=2)
        section = make_section(reader, settle(reader.found, asked=None, model_mpp=MODEL_MPP), MODEL_MPP, folder, {})
    return Read(made, reader, section)


@pytest.fixture(scope="module", params=list(MAKERS))
def slide(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Read:
    folder = tmp_path_factory.mktemp("slide")
    return read(MAKERS[request.param](folder), folder / "section")


def test_rectangles_lie_where_they_were_drawn(slide: Read) -> None:
    found = slide.boxes()
    for colour, box in slide.made.placed().items():
        at = (np.array(box) - np.tile(slide.made.origin, 2)) / FACTOR
        np.testing.assert_allclose(found[colour], at, atol=1, err_msg=str(colour))


def test_neither_macro_nor_label_nor_preview_is_in_it(slide: Read) -> None:
    assert MACRO not in slide.boxes()


def test_the_scanned_area_is_the_slide(slide: Read) -> None:
    assert (slide.reader.origin, slide.reader.size) == (slide.made.origin, slide.made.size)
    assert slide.section.origin == slide.made.origin
    sides = slide.section.width, slide.section.height
    assert sides == tuple(side // FACTOR for side in slide.made.size)


def test_the_scale_is_what_the_scanner_says(slide: Read) -> None:
    found = slide.reader.found
    assert (found.mpp_x, found.mpp_y) == pytest.approx((MPP, MPP), rel=1e-4)
    assert found.power == slide.made.power
    plain = slide.reader.kind.startswith("generic")
    assert found.source == ("TIFF resolution (px a centimetre)" if plain else "openslide.mpp-x")


def test_a_level_four_times_finer_than_the_model_is_read(slide: Read) -> None:
    level = slide.reader.levels[slide.section.level]
    assert (level.down_x, level.down_y) == (FACTOR / 4, FACTOR / 4)


def test_on_the_level_of_the_models_scale_too_rectangles_lie_where_they_were_drawn(slide: Read) -> None:
    level = slide.reader.levels[slide.made.level]
    assert (level.down_x, level.down_y) == (FACTOR, FACTOR)
    found = scene.boxes_in(slide.reader.read(slide.made.level, 0, 0, level.width, level.height))
    for colour, box in slide.made.placed().items():
        at = (np.array(box) - np.tile(slide.made.origin, 2)) / FACTOR
        np.testing.assert_allclose(found[colour], at, atol=1, err_msg=str(colour))


def test_any_part_of_a_level_is_what_lies_there_in_the_whole(slide: Read) -> None:
    number, level = slide.made.level, slide.reader.levels[slide.made.level]
    whole = slide.reader.read(number, 0, 0, level.width, level.height)
    x, y = level.width - 60, level.height - 40  # far from where reading begins: a wrong reduction shows most
    part = slide.reader.read(number, x, y, 60, 40)
    assert np.abs(part.astype(int) - whole[y:, x:]).max() < ASTRAY


def test_geojson_counts_from_the_scanned_area_and_patches_from_the_plane(slide: Read) -> None:
    section = slide.section
    rows = section.rows(0, section.height)[: section.height // CELL * CELL, : section.width // CELL * CELL]
    cells = rows.reshape(rows.shape[0] // CELL, CELL, -1, CELL, 3).mean(axis=(1, 3))
    blue = np.abs(cells - BLUE).max(axis=-1) < MOSTLY
    values = np.where(blue, np.float32(0.9), np.float32(0.1))
    made = CellMap(section, CELL, MODEL_MPP, values, values, blue)
    features = geojson.region_features(made, find_regions(made), "mark")  # two where glass lies between areas
    ring = np.concatenate([feature["geometry"]["coordinates"][0] for feature in features])
    on_area = np.array(slide.made.placed()[BLUE]) - np.tile(slide.made.origin, 2)
    np.testing.assert_allclose([*ring.min(axis=0), *ring.max(axis=0)], on_area, atol=CELL * FACTOR)

    y, x = (each * CELL for each in np.nonzero(blue))
    sure = np.full(len(x), 0.9)
    context = Contextual(sure, 0.5, np.zeros(len(x), bool), np.ones(len(x), np.int8))
    table = tables.patch_table(section, x, y, sure, context, np.full(len(x), "", object))
    corners = table[["minx", "miny"]]
    begin = [*corners.min(), *(corners.max() + CELL * FACTOR)]
    np.testing.assert_allclose(begin, slide.made.placed()[BLUE], atol=CELL * FACTOR)


@pytest.mark.parametrize(("make", "lost"), [(mirax.mirax, "mirax"), (others.vms, "a.jpg"), (others.vms, "a_map2.jpg")])
def test_without_what_lies_beside_it_it_is_refused(make: Callable[[Path], Made], lost: str, tmp_path: Path) -> None:
    made = make(tmp_path)
    (tmp_path / lost).rename(tmp_path / "elsewhere")
    with pytest.raises(BadSlide):
        open_slide(made.path, threads=1)


@pytest.mark.parametrize(("name", "beside"), [("mirax.mrxs", "its folder"), ("hamamatsu.vms", "a_map2.jpg")])
def test_a_lone_file_is_refused_with_what_belongs_to_it(name: str, beside: str, tmp_path: Path) -> None:
    made = (mirax.mirax if name == "mirax.mrxs" else others.vms)(tmp_path)
    (tmp_path / "alone").mkdir()
    alone = made.path.rename(tmp_path / "alone" / name)
    with pytest.raises(BadSlide, match=beside):
        open_slide(alone, threads=1)


@pytest.mark.parametrize("name", ["a.jpg", "a(1,0).jpg", "a_map2.jpg", "a_macro.jpg"])
def test_a_picture_that_is_a_part_of_a_slide_is_refused_with_the_slides_name(name: str, tmp_path: Path) -> None:
    others.vms(tmp_path)
    with pytest.raises(BadSlide, match=r"a part of hamamatsu\.vms.*name that file"):
        open_slide(tmp_path / name, threads=1)
    alone = (tmp_path / name).rename(tmp_path / "other.jpg")
    assert open_slide(alone, threads=1).size[0] > 0  # no file names it


def test_a_level_whose_remainder_was_dropped_is_read_in_place_at_its_far_end(tmp_path: Path) -> None:
    """A long strip: the mean of its reductions, by which OpenSlide divides, is far from that along it."""
    image, box = scene.blank(60_000, 271), (59_217, 64, 59_617, 224)
    image[box[1] : box[3], box[0] : box[2]] = scene.RED
    pages = [tiff.page(scene.reduced(image, by), 256, reduced=by > 1, tags=tiff.resolution(MPP * by)) for by in (1, 16)]
    opened = open_slide(tiff.write_tiff(tmp_path / "strip.tif", pages), threads=1)
    level = opened.levels[1]
    found = scene.boxes_in(opened.read(1, 0, 0, level.width, level.height))[scene.RED]
    np.testing.assert_allclose(found, np.array(box) / FACTOR, atol=1)


def test_a_plain_tiff_whose_rim_was_not_stored_is_its_whole_plane(tmp_path: Path) -> None:
    rim = [*range(13), *range(0, 130, 13)]  # first row and column of tiles of the finest level
    pages = [tiff.page(scene.draw(), absent=rim, tags=tiff.resolution(MPP))]
    pages += [tiff.page(scene.reduced(scene.draw(), by), 64, reduced=True) for by in (4, 16)]
    made = Made(tiff.write_tiff(tmp_path / "rim.tif", pages))
    found = read(made, tmp_path / "section")
    assert (found.reader.origin, found.reader.size) == ((0, 0), made.size)
    np.testing.assert_allclose(found.boxes()[BLUE], np.array(scene.BOXES[BLUE]) / FACTOR, atol=1)
