"""Positions become cells and come back, whatever the order, the origin and the gaps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.context.grid import MAX_CELLS, Grid, cells, neighbour_counts, neighbours, to_grid

CELLS = st.sets(st.tuples(st.integers(0, 12), st.integers(0, 9)), min_size=1, max_size=60)


@given(CELLS, st.integers(0, 500), st.integers(0, 500), st.sampled_from([10, 25, 50]))
def test_every_value_comes_back_from_its_place(places, x0, y0, step):
    row, column = np.array(sorted(places)).T
    x, y = x0 + column * step, y0 + row * step
    values = np.arange(len(places), dtype="float32")
    grid = to_grid(x, y, values, step=step)
    assert np.array_equal(grid.at(x, y), values)
    assert grid.there.sum() == len(places)


@given(CELLS, st.randoms(use_true_random=False))
def test_the_order_of_patches_does_not_matter(places, random):
    ordered = sorted(places)
    mixed = list(ordered)
    random.shuffle(mixed)
    grids = []
    for some in (ordered, mixed):
        row, column = np.array(some).T
        grids.append(to_grid(column * 50 + 1, row * 50 + 1, row * 100 + column))
    assert np.array_equal(grids[0].values, grids[1].values, equal_nan=True)


@given(CELLS)
def test_the_grid_is_no_larger_than_its_patches_span(places):
    row, column = np.array(sorted(places)).T
    grid = to_grid(column * 50, row * 50, np.zeros(len(row)))
    assert grid.values.shape == (np.ptp(row) + 1, np.ptp(column) + 1)
    assert not np.isnan(grid.values).all(axis=1)[[0, -1]].any()
    assert not np.isnan(grid.values).all(axis=0)[[0, -1]].any()


def test_rows_run_down_and_columns_to_the_right():
    grid = to_grid([1, 101, 1], [1, 1, 51], [1.0, 2.0, 3.0])
    assert grid.values.shape == (2, 3)
    assert grid.values[0, 0] == 1
    assert grid.values[0, 2] == 2
    assert grid.values[1, 0] == 3
    assert np.isnan(grid.values[0, 1])
    assert (grid.x0, grid.y0, grid.step) == (1, 1, 50)


def test_a_position_between_two_cells_is_refused():
    with pytest.raises(UserError, match="grid of 50 px"):
        to_grid([1, 51, 80], [1, 1, 1], [0, 0, 0])


def test_two_patches_at_one_place_are_refused_and_the_place_is_named():
    with pytest.raises(UserError, match="x 51, y 101"):
        to_grid([1, 51, 51, 1], [1, 101, 101, 51], [0, 1, 2, 3])


def test_positions_too_far_apart_for_one_section_are_refused():
    far = 50 * MAX_CELLS
    with pytest.raises(UserError, match="more than a slide has"):
        to_grid([0, far], [0, far], [0, 0])


def test_no_patch_makes_no_grid():
    with pytest.raises(ValueError, match="at least one"):
        to_grid([], [], [])


def test_cells_are_counted_from_the_origin():
    assert cells([7, 57, 107], 7, 50).tolist() == [0, 1, 2]


def test_neighbours_of_a_full_square():
    assert neighbours(np.ones((3, 3), bool)).tolist() == [[3, 5, 3], [5, 8, 5], [3, 5, 3]]


def test_neighbours_do_not_count_the_cell_itself():
    alone = np.zeros((3, 3), bool)
    alone[1, 1] = True
    found = neighbours(alone)
    assert found[1, 1] == 0
    assert found.sum() == 8


def test_there_tells_patches_from_gaps():
    grid = Grid(np.array([[0.0, np.nan]], "float32"))
    assert grid.there.tolist() == [[True, False]]


def test_neighbours_are_counted_for_each_patch_in_its_order() -> None:
    x, y = [101, 1, 51, 51, 500 * 50 + 1], [1, 1, 1, 51, 1]
    assert neighbour_counts(x, y).tolist() == [2, 2, 3, 3, 0]
