"""Regions follow the cells' corners exactly, with their holes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cancernet.slide.regions import find_regions


def regions(mask: np.ndarray):
    return find_regions(np.where(mask, 0.9, 0.1).astype(np.float32), mask)


def test_no_malignant_cell_is_no_region() -> None:
    assert regions(np.zeros((3, 4), bool)) == []


def test_a_rectangle_has_four_corners_where_it_lies() -> None:
    mask = np.zeros((5, 7), bool)
    mask[1:3, 2:6] = True
    [region] = regions(mask)
    assert set(region.polygon.exterior.coords) == {(2, 1), (6, 1), (6, 3), (2, 3)}
    assert len(region.polygon.exterior.coords) == 5
    assert region.cells == 8


def test_a_ring_keeps_its_hole() -> None:
    mask = np.ones((3, 3), bool)
    mask[1, 1] = False
    [region] = regions(mask)
    [hole] = region.polygon.interiors
    assert set(hole.coords) == {(1, 1), (2, 1), (2, 2), (1, 2)}


def test_cells_that_touch_at_a_corner_are_two_regions_and_the_largest_comes_first() -> None:
    mask = np.array([[1, 0, 0], [0, 1, 1]], bool)
    assert [region.cells for region in regions(mask)] == [2, 1]


def test_a_region_tells_its_mean_and_highest_probability() -> None:
    values = np.array([[0.5, 0.9, np.nan, 0.95]], np.float32)
    two, one = find_regions(values, np.array([[True, True, False, True]]))
    assert (round(two.mean, 4), round(two.highest, 4)) == (0.7, 0.9)
    assert round(one.highest, 4) == 0.95


@given(arrays.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_regions_cover_the_malignant_cells_and_nothing_else(mask: np.ndarray) -> None:
    import shapely

    found = regions(mask)
    assert sum(region.polygon.area for region in found) == mask.sum() == sum(r.cells for r in found)
    for region in found:
        assert region.polygon.geom_type == "Polygon"
        assert region.polygon.is_valid
        assert region.polygon.exterior.is_ccw
    for row, column in np.ndindex(mask.shape):
        inside = any(r.polygon.contains(shapely.Point(column + 0.5, row + 0.5)) for r in found)
        assert inside == mask[row, column]
