"""What each scanner's files say of place and scale, through OpenSlide: files of their structure, drawn by a program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("openslide")

from cancernet.slide.formats import absences, open_slide
from cancernet.slide.geometry import on_slide
from cancernet.slide.scale import BadSlide, Scale, settle
from cancernet.slide.section import Section, make_section
from slide.vendors import scene
from slide.vendors.mirax import mirax
from slide.vendors.others import sakura, vms, zeiss
from slide.vendors.scene import FACTOR, MACRO, MODEL_MPP, MPP, Made
from slide.vendors.tiff import page, resolution, write_tiff
from slide.vendors.tiffs import aperio, generic, leica, ndpi, philips, trestle, ventana

MAKERS: dict[str, Callable[[Path], Made]] = {
    "generic-tiff": generic, "aperio": aperio, "philips": philips, "leica": leica, "trestle": trestle,
    "ventana": ventana, "hamamatsu-ndpi": ndpi, "hamamatsu-vms": vms, "mirax": mirax, "sakura": sakura, "zeiss": zeiss,
    "leica, two areas": lambda folder: leica(folder, second=True),
}  # fmt: skip
SLACK = 1.5  # px at the model's scale: OpenSlide lays each area of a Leica slide at a whole px of its level


@pytest.fixture(params=MAKERS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    return MAKERS[request.param](tmp_path)


def section_of(made: Made, folder: Path) -> Section:
    reader = open_slide(made.path, threads=2)
    try:
        return make_section(reader, Scale(MPP, MPP, "x"), MODEL_MPP, folder, {})
    finally:
        reader.close()


def test_size_origin_scale_and_power_are_the_scanners(made: Made) -> None:
    reader = open_slide(made.path, threads=1)
    assert (reader.origin, reader.size) == (made.origin, made.size)
    scale = settle(reader.found, asked=None, model_mpp=MODEL_MPP)
    assert (scale.mpp_x, scale.mpp_y) == (pytest.approx(MPP, rel=1e-3), pytest.approx(MPP, rel=1e-3))
    assert reader.found.power == made.power


def test_what_is_drawn_is_found_where_it_is_and_the_level_that_suits_is_read(made: Made, tmp_path: Path) -> None:
    section = section_of(made, tmp_path / "work")
    assert section.level == made.level
    found = scene.boxes_in(section.rows(0, section.height))
    assert MACRO not in found
    assert found.keys() == made.placed().keys()
    for colour, box in made.placed().items():
        left, top, right, bottom = box
        x, y = made.origin
        true = np.array([left - x, top - y, right - x, bottom - y]) / FACTOR
        assert np.abs(np.array(found[colour]) - true).max() <= SLACK, colour


def test_places_lead_back_to_the_slide_and_for_qupath_to_the_scanned_area(made: Made, tmp_path: Path) -> None:
    section = section_of(made, tmp_path / "work")
    found = scene.boxes_in(section.rows(0, section.height))
    for colour, (left, top, _, _) in made.placed().items():
        column, row = np.array([found[colour][0]]), np.array([found[colour][1]])
        x, y = on_slide(section, column, row, of_slide=True)
        assert max(abs(x[0] - left), abs(y[0] - top)) <= SLACK * FACTOR
        x, y = on_slide(section, column, row)
        assert max(abs(x[0] - left + made.origin[0]), abs(y[0] - top + made.origin[1])) <= SLACK * FACTOR


def test_a_level_whose_remainder_was_dropped_is_read_in_place_at_its_far_end(tmp_path: Path) -> None:
    """A long strip: the mean of its reductions, by which OpenSlide divides, is far from that along it."""
    width, height = 60_000, 271
    image = scene.blank(width, height)
    box = (59_217, 64, 59_617, 224)
    image[box[1] : box[3], box[0] : box[2]] = scene.RED
    pages = [page(scene.reduced(image, by), 256, reduced=by > 1, tags=resolution(MPP * by)) for by in (1, 16)]
    path = write_tiff(tmp_path / "strip.tif", pages)
    opened = open_slide(path, threads=1)
    level = opened.levels[1]
    found = scene.boxes_in(opened.read(1, 0, 0, level.width, level.height))[scene.RED]
    assert np.abs(np.array(found) - np.array(box) / FACTOR).max() <= 1


def test_tiles_that_are_absent_move_no_corner(tmp_path: Path) -> None:
    made = generic(tmp_path, absent=range(12))
    opened = open_slide(made.path, threads=1)
    assert (opened.origin, opened.size) == ((0, 0), made.size)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (generic, "3 of 12 tiles are absent from the file and count as glass"),
        (philips, "3 of 16 tiles are absent from the file and count as glass, as this scanner leaves bare glass out"),
    ],
)
def test_absent_tiles_of_the_level_that_is_read_are_counted(
    make: Callable[..., Made], told: str, tmp_path: Path
) -> None:
    made = make(tmp_path, absent=(1, 2, 3))
    reader = open_slide(made.path, threads=1)
    assert absences(made.path, reader, 2) == told
    assert absences(made.path, reader, 1) == ""


def test_whole_files_and_such_as_have_no_tiles_miss_none(made: Made) -> None:
    reader = open_slide(made.path, threads=1)
    assert absences(made.path, reader, made.level) == ""


@pytest.mark.parametrize("name", ["mirax", "hamamatsu-vms"])
def test_a_slide_without_the_files_beside_it_is_refused(name: str, tmp_path: Path) -> None:
    made = MAKERS[name](tmp_path)
    alone = tmp_path / "alone"
    alone.mkdir()
    moved = made.path.rename(alone / made.path.name)
    with pytest.raises(BadSlide):
        open_slide(moved, threads=1)
