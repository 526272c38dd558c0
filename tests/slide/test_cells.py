"""Cells of a map are the mean of the patches over them."""

from __future__ import annotations

import numpy as np
import pytest

from cancernet.slide.cells import to_cells
from cancernet.slide.patches import positions


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
    ("width", "height", "last"),
    [(50, 50, (0, 0)), (74, 75, (0, 50)), (224, 160, (150, 100)), (25, 30, (0, 0))],
)
def test_edge_patches_have_at_least_half_of_themselves_on_the_section(
    width: int, height: int, last: tuple[int, int]
) -> None:
    x, y = positions(width, height, 50)
    assert (x.max(), y.max()) == last
    assert (np.diff(y) >= 0).all()
