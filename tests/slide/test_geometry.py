"""From patches to cells, regions and places: means, corners and px are exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cancernet.context.smooth import Contextual
from cancernet.slide.geometry import CellMap, find_regions, map_cells, number, on_slide, to_cells, unjudged_cells
from cancernet.slide.score import positions
from cancernet.slide.section import Section

SECTION = Section(Path("none"), 120, 90, 15.936, 16.0, (1000, 2000), 0)


def cell_map(values: np.ndarray, malignant: np.ndarray, step: int = 50) -> CellMap:
    section = Section(Path("none"), values.shape[1] * step, values.shape[0] * step, 16.0, 16.0, (0, 0), 0)
    return CellMap(section, step, 4.0, values, values, malignant)


def regions(mask: np.ndarray):
    return find_regions(cell_map(np.where(mask, 0.9, 0.1).astype(np.float32), mask))


def test_without_overlap_a_cell_is_its_patch() -> None:
    x, y = positions(130, 100, 50)
    values = np.arange(len(x)) / 10
    found = to_cells(x, y, values, stride=50, width=130, height=100)
    np.testing.assert_allclose(found, values.reshape(2, 3), rtol=1e-6)


def test_a_cell_without_a_patch_is_empty() -> None:
    found = to_cells(np.array([50]), np.array([0]), np.array([0.5]), stride=50, width=100, height=100)
    np.testing.assert_array_equal(np.isnan(found), [[True, False], [True, True]])


@pytest.mark.parametrize("stride", [25, 10, 5])
def test_overlapping_patches_are_averaged_where_they_lie(stride: int) -> None:
    x, y = positions(140, 110, stride)
    values = np.random.default_rng(0).random(len(x))
    found = to_cells(x, y, values, stride=stride, width=140, height=110)
    assert found.shape == (-(-110 // stride), -(-140 // stride))
    for row, column in ((0, 0), (1, 1), (found.shape[0] - 1, found.shape[1] - 1), (2, 3)):
        left, top = column * stride, row * stride
        over = (x <= left) & (left < x + 50) & (y <= top) & (top < y + 50)
        assert found[row, column] == pytest.approx(values[over].mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("width", "height", "last"), [(50, 50, (0, 0)), (74, 75, (0, 50)), (224, 160, (150, 100)), (25, 30, (0, 0))]
)
def test_edge_patches_have_at_least_half_of_themselves_on_the_section(
    width: int, height: int, last: tuple[int, int]
) -> None:
    x, y = positions(width, height, 50)
    assert (x.max(), y.max()) == last
    assert (np.diff(y) >= 0).all()


@pytest.mark.parametrize(("stride", "expected"), [(50, [[True, False]]), (25, [[True, True, False, False]] * 2)])
def test_an_unsure_patch_is_neither_malignant_nor_benign(stride: int, expected: list[list[bool]]) -> None:
    section = Section(Path("none"), 100, 50, 16.0, 16.0, (0, 0), 0)
    x, y = np.array([0, 50]), np.array([0, 0])
    high, decision = np.array([0.9, 0.9]), np.array([1, -1], np.int8)
    context = Contextual(high, 0.5, np.zeros(2, bool), decision)
    made = map_cells(section, x, y, high, context, step=stride, mpp=4.0)
    np.testing.assert_array_equal(made.malignant, expected)
    for values in (made.values, made.alone):
        np.testing.assert_array_equal(np.isfinite(values), expected)


def test_a_cell_at_its_threshold_is_malignant_and_one_below_is_not() -> None:
    section = Section(Path("none"), 100, 50, 16.0, 16.0, (0, 0), 0)
    x, y, values = np.array([0, 50]), np.array([0, 0]), np.array([0.5, 0.5 - 1e-9])
    context = Contextual(values, 0.5, np.zeros(2, bool), np.array([1, 0], np.int8))
    made = map_cells(section, x, y, values, context, step=50, mpp=4.0)
    assert made.malignant.tolist() == [[True, False]]


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
    two, one = find_regions(cell_map(values, np.array([[True, True, False, True]])))
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


def test_px_are_multiples_of_the_factor_and_end_at_the_edge() -> None:
    x, y = on_slide(SECTION, np.array([0, 50, 150]), np.array([0, 50, 100]))
    np.testing.assert_allclose(x, [0, 796.8, 1912.32])
    np.testing.assert_allclose(y, [0, 800, 1440])


def test_the_slides_own_corner_adds_the_origin() -> None:
    [x], [y] = on_slide(SECTION, np.array([50]), np.array([50]), of_slide=True)
    assert (x, y) == (pytest.approx(1796.8), 2800)


@pytest.mark.parametrize(("value", "written"), [(800.0, "800"), (796.8, "796.8"), (1.00049, "1"), (0.1234, "0.123")])
def test_numbers_are_whole_where_they_are_whole(value: float, written: str) -> None:
    assert str(number(value)) == written


def test_a_patch_of_50_px_at_4_um_is_four_hundredths_of_a_square_mm() -> None:
    [region] = regions(np.ones((1, 1), bool))
    assert region.mm2 == pytest.approx(0.04)


def test_a_cell_is_unjudged_only_where_no_patch_over_it_is_sure() -> None:
    values = np.array([[np.nan, 0.3, 0.3, np.nan]], np.float32)  # 25 px a cell; patches at 0, 25 and 50
    made = cell_map(values, values > 0.5, step=25)
    found = unjudged_cells(made, np.array([0, 25, 50]), np.zeros(3, int), np.array(["fold", "", "fold"], object))
    assert found.mask.tolist() == [[True, False, False, True]]


@pytest.mark.parametrize("step", [50, 25])
def test_the_commonest_reason_comes_first_and_names_the_cells_of_several(step: int) -> None:
    x, y = np.array([0, 50, 100, 0, 50]), np.array([0, 0, 0, 50, 50])
    reasons = np.array(["", "blurred", "ink", "ink", ""], dtype=object)
    by = 50 // step
    values = np.where(np.repeat(np.repeat([[1, 0, 0], [0, 1, 0]], by, 0), by, 1), 0.5, np.nan).astype(np.float32)
    found = unjudged_cells(cell_map(values, values > 0.4, step=step), x, y, reasons)
    assert found.reasons == ("ink", "blurred")
    assert found.index[::by, ::by].tolist() == [[0, 2, 1], [1, 0, 0]]
    over = unjudged_cells(
        cell_map(np.full((1, 3), np.nan, np.float32), np.zeros((1, 3), bool), step=25),
        np.array([0, 25, 25]), np.array([0, 0, 0]), np.array(["ink", "blurred", "ink"], object),
    )  # fmt: skip
    assert over.reasons[over.index[0, 1] - 1] == "ink"
