"""Shares of cells: exact, whatever the shape and wherever the edge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cancernet.slide.cover import cover, cover_patches
from cancernet.slide.section import Section


def section(width: int, height: int, factor: float = 1.0) -> Section:
    return Section(Path("s"), width, height, factor, factor, (0, 0), 0)


def test_a_box_covers_what_it_covers() -> None:
    found = cover(shapely.box(25, 0, 100, 75), section(150, 100), 50)
    assert found.tolist() == [[0.5, 1, 0], [0.25, 0.5, 0]]


def test_a_cell_at_the_edge_counts_what_the_section_has_of_it() -> None:
    assert cover(shapely.box(100, 0, 120, 30), section(120, 60), 50).tolist() == [[0, 0, 0.6], [0, 0, 0]]


def test_full_resolution_is_brought_to_the_sections_scale() -> None:
    small, large = shapely.box(10, 10, 70, 90), shapely.box(160, 160, 1120, 1440)
    assert np.allclose(cover(small, section(100, 100), 50), cover(large, section(100, 100, 16.0), 50))


@settings(max_examples=30)
@given(
    st.integers(60, 900),
    st.integers(60, 900),
    st.integers(0, 2**31),
    st.sampled_from([5, 10, 25, 50]),
    st.integers(3, 40),
)
def test_shares_add_up_to_the_area_and_each_is_its_cells(width: int, height: int, seed: int, step: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform((-50, -50), (width + 50, height + 50), (n, 2))
    shape = shapely.make_valid(shapely.polygons(corners))
    whole = shapely.box(0, 0, width, height)
    found = cover(shape, section(width, height), step)
    wide, high = (np.minimum(step, side - np.arange(0, side, step)) for side in (width, height))
    assert (found * np.outer(high, wide)).sum() == pytest.approx((shape & whole).area, rel=1e-6, abs=1e-3)
    row, column = (int(rng.integers(0, size)) for size in found.shape)
    cell = shapely.box(column * step, row * step, min((column + 1) * step, width), min((row + 1) * step, height))
    assert found[row, column] == pytest.approx((shape & cell).area / cell.area, abs=1e-5)


@pytest.mark.parametrize("stride", [50, 25, 10, 5])
def test_patches_that_overlap_have_the_share_of_their_whole_square(stride: int) -> None:
    made = section(130, 120)
    shape = shapely.Polygon([(3, 7), (128, 20), (60, 118)])
    x, y = (each.ravel() for each in np.meshgrid(np.arange(0, 106, stride), np.arange(0, 96, stride)))
    squares = shapely.box(x, y, np.minimum(x + 50, 130), np.minimum(y + 50, 120))
    expected = shapely.area(shapely.intersection(squares, shape)) / shapely.area(squares)
    assert cover_patches(shape, made, x, y, stride) == pytest.approx(expected, abs=1e-6)


def test_nothing_covers_nothing() -> None:
    assert not cover(shapely.Polygon(), section(100, 100), 50).any()
