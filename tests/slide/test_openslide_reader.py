"""What a scanner's properties say, and how levels lie on each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cancernet.slide.openslide_reader import NO_TILES, OpenSlideReader, bounds, over_white, scale_of, tile_of


def test_without_bounds_the_whole_plane_is_the_slide() -> None:
    assert bounds({}, (1000, 800)) == ((0, 0), (1000, 800))


def test_bounds_are_cut_at_the_plane() -> None:
    stated = {"x": "100", "y": "50", "width": "5000", "height": "60"}
    properties = {f"openslide.bounds-{name}": value for name, value in stated.items()}
    assert bounds(properties, (1000, 800)) == ((100, 50), (900, 60))


def test_half_of_the_bounds_are_none() -> None:
    assert bounds({"openslide.bounds-x": "5"}, (10, 10)) == ((0, 0), (10, 10))


def test_bounds_between_two_pixels_are_rounded() -> None:
    stated = {"x": "12.5", "y": "7.6", "width": "30", "height": "20.2"}
    properties = {f"openslide.bounds-{name}": value for name, value in stated.items()}
    assert bounds(properties, (100, 80)) == ((12, 8), (30, 20))


@pytest.mark.parametrize(
    ("name", "value"), [("x", "left"), ("x", "-3"), ("y", "80"), ("width", "0"), ("height", "nan"), ("y", "inf")]
)
def test_bounds_that_are_no_part_of_the_plane_say_nothing(name: str, value: str) -> None:
    stated = {"x": "10", "y": "10", "width": "30", "height": "20", name: value}
    properties = {f"openslide.bounds-{each}": text for each, text in stated.items()}
    assert bounds(properties, (100, 80)) == ((0, 0), (100, 80))


def test_scale_and_power_are_read() -> None:
    properties = {"openslide.mpp-x": "0.25", "openslide.mpp-y": "0.26", "openslide.objective-power": "40"}
    found = scale_of(properties)
    assert (found.mpp_x, found.mpp_y, found.power) == (0.25, 0.26, 40)
    assert found.source == "openslide.mpp-x"


def test_half_transparent_is_halfway_to_white() -> None:
    image = np.array([[[0, 100, 200, 255], [0, 0, 0, 0], [0, 0, 0, 128]]], np.uint8)
    assert over_white(image).tolist() == [[[0, 100, 200], [255, 255, 255], [127, 127, 127]]]


TILED = {"openslide.level[1].tile-width": "240", "openslide.level[1].tile-height": "256"}


def test_tiles_are_told_where_their_place_is_known() -> None:
    assert tile_of(TILED, 1, 4.0) == (240, 256)
    assert tile_of(TILED, 0, 1.0) == NO_TILES  # nothing stated
    assert tile_of(TILED, 1, 4.0002) == NO_TILES  # OpenSlide places its px between those of level 0
    assert tile_of(TILED | {"openslide.bounds-x": "100"}, 1, 4.0) == NO_TILES
    assert tile_of(TILED | {"openslide.level[1].tile-width": "0"}, 1, 4.0) == NO_TILES


def test_parts_read_by_tiles_are_the_whole(save_svs: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(2).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    reader = OpenSlideReader(save_svs(image, tmp_path / "a.svs"), "aperio", threads=2)
    tile = reader.levels[0].tile
    assert 1 < tile[0] < 300  # as libvips chose
    at_once = reader.read(0, 0, 0, 900, 700)
    monkeypatch.setattr("cancernet.slide.openslide_reader.COLUMNS", 300)
    np.testing.assert_array_equal(reader.read(0, 0, 0, 900, 700), at_once)
    parts = [reader.read(0, 0, y, 900, min(tile[1], 700 - y)) for y in range(0, 700, tile[1])]
    np.testing.assert_array_equal(np.concatenate(parts), at_once)


def test_what_is_transparent_is_white(save_svs: Callable, tmp_path: Path) -> None:
    image = np.full((300, 300, 3), 100, np.uint8)
    reader = OpenSlideReader(save_svs(image, tmp_path / "a.svs"), "aperio", threads=1)
    beyond = reader.read(0, 290, 0, 20, 5)  # OpenSlide gives nothing, transparent, beyond the plane
    assert (beyond[:, :9] == 100).all()
    assert (beyond[:, 11:] == 255).all()
