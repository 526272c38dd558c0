"""A section is the slide at the model's scale, to the pixel, read once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common import defaults
from cancernet.common.stages import Seconds
from cancernet.slide import section as module
from cancernet.slide.area_mean import _integral, _weighted, area_mean
from cancernet.slide.formats import Reader, open_slide
from cancernet.slide.openslide_reader import NO_TILES
from cancernet.slide.reader import Level
from cancernet.slide.scale import BadSlide, Scale
from cancernet.slide.section import Section, choose_level, load_section, make_section

MARK = {"slide": "one"}


def make(reader: Reader, folder: Path, mpp: float = 1.0, mark: dict = MARK) -> Section:
    return make_section(reader, Scale(mpp, mpp, "--mpp"), 4.0, folder, mark)


def coarse(height: int = 60, width: int = 70) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("how", [{}, {"tile": True}, {"tile": True, "pyramid": True}])
@pytest.mark.parametrize("band", [500, 10_000, 16_000_000])
def test_a_slide_reduced_is_its_block_means_in_any_band(
    save: Callable, enlarge: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, bool], band: int
) -> None:
    monkeypatch.setattr(module, "BAND_PIXELS", band)
    reader = open_slide(save(enlarge(coarse(), 4), tmp_path / "a.tif", **how), threads=2)
    section = make(reader, tmp_path / "work")
    np.testing.assert_array_equal(section.rows(0, 999), coarse())
    assert (section.width, section.height, section.factor_x) == (70, 60, 4.0)
    assert section.level == 0  # at 1 um/px; the level of 4 um/px is there, and has lost what does not average out


@pytest.mark.parametrize("mpp", [0.93, 1.31, 3.7, 4.4])
def test_at_a_fractional_factor_bands_make_no_seam(
    save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mpp: float
) -> None:
    path = save(coarse(200, 230), tmp_path / "a.png")
    at_once = make(open_slide(path, threads=1), tmp_path / "one", mpp).rows(0, 999)
    monkeypatch.setattr(module, "BAND_PIXELS", 1000)
    in_bands = make(open_slide(path, threads=1), tmp_path / "two", mpp).rows(0, 999)
    np.testing.assert_array_equal(in_bands, at_once)
    assert at_once.shape == (int(200 * mpp / 4 + 1e-6), int(230 * mpp / 4 + 1e-6), 3)


@pytest.mark.parametrize("mpp", [0.25, 0.2527, 0.31, 1.0, 4.0])
@pytest.mark.parametrize("how", [{}, {"pyramid": True}])
def test_read_by_tiles_a_section_is_what_it_is_read_by_rows(
    save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mpp: float, how: dict[str, bool]
) -> None:
    monkeypatch.setattr(module, "BAND_PIXELS", 50_000)
    path = save(coarse(900, 1000), tmp_path / "a.tif", tile=True, tile_width=64, tile_height=80, **how)
    reader = open_slide(path, threads=2)
    assert reader.levels[0].tile == (64, 80)
    by_tiles = make(reader, tmp_path / "tiles", mpp).rows(0, 999)
    monkeypatch.setattr("cancernet.slide.openslide_reader.tile_of", lambda *_: NO_TILES)
    by_rows = make(open_slide(path, threads=2), tmp_path / "rows", mpp).rows(0, 999)
    np.testing.assert_array_equal(by_tiles, by_rows)


@pytest.mark.parametrize("mpp", [0.25, 0.31, 2.0])
@pytest.mark.parametrize("band", [1, 30_000, 200_000])
def test_each_row_of_a_level_is_asked_for_once_and_no_row_of_tiles_in_two_parts(
    save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mpp: float, band: int
) -> None:
    monkeypatch.setattr(module, "BAND_PIXELS", band)
    monkeypatch.setattr(module, "MOST_TILES_PIXELS", 200_000)
    path = save(coarse(900, 1000), tmp_path / "a.tif", tile=True, tile_width=64, tile_height=80)
    reader, asked = open_slide(path, threads=1), []
    real = reader.read

    def read(level: int, x: int, y: int, width: int, height: int) -> np.ndarray:
        asked.append((y, height))
        return real(level, x, y, width, height)

    monkeypatch.setattr(reader, "read", read)
    make(reader, tmp_path / "work", mpp)
    starts, heights = (np.array(each) for each in zip(*asked, strict=True))
    assert starts.tolist() == np.cumsum([0, *heights[:-1]]).tolist()
    assert (starts % 80 == 0).all()
    assert starts[-1] + heights[-1] <= 900


def test_rows_of_tiles_too_large_for_memory_are_read_in_parts(
    save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BAND_PIXELS", 30_000)
    monkeypatch.setattr(module, "MOST_TILES_PIXELS", 30_000)
    path = save(coarse(900, 1000), tmp_path / "a.tif", tile=True, tile_width=64, tile_height=80)
    reader, most = open_slide(path, threads=1), []
    real = reader.read
    monkeypatch.setattr(reader, "read", lambda *given: most.append(given[4]) or real(*given))
    section = make(reader, tmp_path / "work", 1.0)
    assert max(most) < 80
    np.testing.assert_array_equal(section.rows(0, 9), area_mean(coarse(900, 1000), 0, edges(9, 4), edges(250, 4)))


def test_how_long_reading_and_reducing_took_is_told(save: Callable, enlarge: Callable, tmp_path: Path) -> None:
    seconds = Seconds()
    reader = open_slide(save(enlarge(coarse(), 4), tmp_path / "a.png"), threads=1)
    make_section(reader, Scale(1.0, 1.0, "--mpp"), 4.0, tmp_path, MARK, seconds)
    assert set(seconds.rounded()) == {"read", "reduce"}


def test_a_full_disk_is_told_though_another_thread_met_it(
    save: Callable, enlarge: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "BAND_PIXELS", 500)
    monkeypatch.setattr(module, "area_mean", full)
    with pytest.raises(OSError, match="No space left"):
        make(open_slide(save(enlarge(coarse(), 4), tmp_path / "a.png"), threads=1), tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == []


def test_rows_come_back_from_anywhere(save: Callable, enlarge: Callable, tmp_path: Path) -> None:
    section = make(open_slide(save(enlarge(coarse(), 4), tmp_path / "a.png"), threads=1), tmp_path)
    np.testing.assert_array_equal(section.rows(13, 20), coarse()[13:20])
    np.testing.assert_array_equal(section.rows(55, 90), coarse()[55:])


@pytest.mark.parametrize(("factor", "chosen"), [(16.0, 2), (15.0, 1), (4.0, 1), (3.9, 0), (0.9, 0), (64.0, 3)])
def test_the_coarsest_level_that_is_fine_enough_is_read(factor: float, chosen: int) -> None:
    levels = tuple(Level(1, 1, down, down) for down in (1.0, 4.0, 16.02, 32.0))
    assert choose_level(levels, factor, factor) == chosen


class Unread:
    """A reader that may not be read from."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"{name} was looked at")


def test_a_whole_section_is_not_read_again(save: Callable, enlarge: Callable, tmp_path: Path) -> None:
    made = make(open_slide(save(enlarge(coarse(), 4), tmp_path / "a.png"), threads=1), tmp_path)
    assert make(Unread(), tmp_path) == made  # type: ignore[arg-type]


def test_a_section_of_another_slide_or_cut_short_is_made_anew(
    save: Callable, enlarge: Callable, tmp_path: Path
) -> None:
    made = make(open_slide(save(enlarge(coarse(), 4), tmp_path / "a.png"), threads=1), tmp_path)
    assert load_section(tmp_path, MARK) == made
    assert load_section(tmp_path, {"slide": "two"}) is None
    made.path.write_bytes(made.path.read_bytes()[:-1])
    assert load_section(tmp_path, MARK) is None


def test_damage_half_way_leaves_no_section(save: Callable, enlarge: Callable, tmp_path: Path) -> None:
    path = save(enlarge(coarse(), 4), tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(BadSlide, match="damaged"):
        make(open_slide(path, threads=1), tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == []


def test_too_small_and_larger_than_glass_are_refused(
    save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(coarse(), tmp_path / "a.png")
    with pytest.raises(BadSlide, match=r"too small: 17x15 px at 4 um/px"):
        make(open_slide(path, threads=1), tmp_path)
    monkeypatch.setattr(defaults, "SLIDE_MAX_SECTION", 4000)
    with pytest.raises(BadSlide, match=r"more than a glass slide holds; correct the scale with --mpp"):
        make(open_slide(path, threads=1), tmp_path, 4.0)


def image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def edges(count: int, step: float) -> np.ndarray:
    return np.arange(count + 1) * step


def by_hand(source: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The overlap of every pixel with every cell, as a matrix; slow and plain."""

    def overlap(edge: np.ndarray, size: int) -> np.ndarray:
        pixel = np.arange(size)
        inside = np.minimum(edge[1:, None], pixel + 1) - np.maximum(edge[:-1, None], pixel)
        weight = np.clip(inside, 0, None)
        return weight / weight.sum(axis=1, keepdims=True)

    a, b = overlap(y, source.shape[0]), overlap(x, source.shape[1])
    return np.einsum("iy,jx,yxc->ijc", a, b, source.astype(float))


@pytest.mark.parametrize(("down", "across"), [(1, 1), (1, 2), (4, 4), (16, 16), (7, 3), (300, 5)])
def test_a_whole_factor_gives_the_very_bytes_that_any_factor_gives(down: int, across: int) -> None:
    """To the byte, with rows and columns left over at the edges as most slides have them."""
    source = image(down * 3 + down // 2, across * 9 + across // 2)
    y, x = edges(3, down), edges(9, across)
    lines = [np.diff(_integral(_weighted(source, a, b), x), axis=0) for a, b in pairwise(y.tolist())]
    expected = np.stack([line / (down * across) + 0.5 for line in lines]).astype(np.uint8)
    np.testing.assert_array_equal(area_mean(source, 0, y, x), expected)
    np.testing.assert_array_equal(area_mean(source[down:], down, y[1:], x), expected[1:])


def test_a_whole_factor_is_the_mean_of_blocks() -> None:
    source = image(48, 64)
    mean = source.reshape(3, 16, 4, 16, 3).mean(axis=(1, 3))
    found = area_mean(source, 0, edges(3, 16), edges(4, 16))
    assert np.abs(found - mean).max() <= 0.5 + 1e-3


@given(st.floats(0.8, 9.7), st.floats(0.8, 9.7), st.integers(0, 99))
def test_any_factor_is_the_mean_of_what_a_cell_covers(down: float, across: float, seed: int) -> None:
    source = image(40, 30, seed)
    y, x = edges(int(40 / down), down), edges(int(30 / across), across)
    assert np.abs(area_mean(source, 0, y, x) - by_hand(source, y, x)).max() <= 0.5 + 1e-2


@pytest.mark.parametrize("cut", [1, 4, 7])
def test_a_band_gives_what_the_whole_gives(cut: int) -> None:
    source, y, x = image(50, 40), edges(11, 4.37), edges(9, 4.37)
    whole = area_mean(source, 0, y, x)
    top = int(y[cut])
    np.testing.assert_array_equal(area_mean(source[top:], top, y[cut:], x), whole[cut:])


def test_a_flat_image_stays_flat_at_its_value() -> None:
    flat = np.full((33, 33, 3), 201, np.uint8)
    assert (area_mean(flat, 0, edges(7, 4.5), edges(7, 4.5)) == 201).all()


@pytest.mark.parametrize(("mpp", "chosen"), [(0.22, 1), (0.25, 1), (0.2527, 1), (0.28, 1), (0.5, 0)])
def test_a_slide_is_read_from_a_level_where_what_was_lost_averages_out(mpp: float, chosen: int) -> None:
    levels = tuple(Level(1, 1, down, down) for down in (1.0, 4.0, 16.0))
    assert choose_level(levels, 4.0 / mpp / module.FINER, 4.0 / mpp / module.FINER) == chosen
