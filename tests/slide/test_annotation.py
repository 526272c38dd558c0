"""Outlines become shapes, or are counted as left out."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from cancernet.slide.annotation import Drawn, areal, ellipse, polygon, rectangle, union

SQUARE = [[0, 0], [4, 0], [4, 4], [0, 4]]


@pytest.mark.parametrize("ring", [SQUARE, [*SQUARE, SQUARE[0]]])
def test_a_ring_is_closed_whether_or_not_the_file_does_it(ring: list) -> None:
    assert polygon([ring]).area == 16


def test_a_hole_takes_area_away_and_one_without_an_area_does_not() -> None:
    assert polygon([SQUARE, [[1, 1], [2, 1], [2, 2], [1, 2]]]).area == 15
    assert polygon([SQUARE, [[1, 1], [2, 2]]]).area == 16


@pytest.mark.parametrize("ring", [[], [[0, 0]], [[0, 0], [1, 1], [0, 0]]])
def test_an_outline_of_fewer_than_three_corners_is_counted_not_drawn(ring: list) -> None:
    drawn = Drawn()
    drawn.add("Tumor", [ring])
    assert (drawn.found, drawn.left_out) == ([], {"outline without an area": 1})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_coordinate_that_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="no number"):
        polygon([[[0, 0], [1, 0], [bad, 1]]])


def test_an_ellipse_fills_its_rectangle() -> None:
    shape = polygon([ellipse([[0, 10], [8, 0]])])
    assert shape.bounds == pytest.approx((0, 0, 8, 10))
    assert shape.area == pytest.approx(np.pi * 4 * 5, rel=1e-3)


def test_a_rectangle_is_known_by_two_corners_or_by_four() -> None:
    assert polygon([rectangle([[0, 0], [4, 4]])]).equals(polygon([rectangle(SQUARE)]))


def test_of_a_mixed_shape_the_areas_stay() -> None:
    box, line = shapely.box(0, 0, 1, 1), shapely.LineString([[5, 5], [6, 6]])
    mixed = shapely.GeometryCollection([box, shapely.GeometryCollection([line, shapely.box(3, 0, 4, 1)])])
    assert areal(mixed).area == 2
    assert areal(line).is_empty
    assert union([]).is_empty
