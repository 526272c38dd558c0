"""Patches on the grid they were cut on: positions become rows and columns, gaps stay gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.common.defaults import PATCH_SIZE
from cancernet.common.errors import UserError

MIN_NEIGHBOURS = 3  # of eight: the corner of a section has three
ADJOINING = 0.5  # share of patches with as many, at or below which they are a sample of a section
MAX_CELLS = 5_000_000  # 40 MB in float64; a slide of 10 cm x 5 cm has 125,000 cells of 200 um, 3 million of 40 um


@dataclass(frozen=True)
class Grid:
    """One value a cell of a section.

    Attributes:
        values: float32 (rows, columns), NaN where there is no patch.
        x0: px, left edge of the first column, at the model's scale.
        y0: px, top edge of the first row.
        step: px, side of a cell.
    """

    values: NDArray[np.float32]
    x0: int = 0
    y0: int = 0
    step: int = PATCH_SIZE

    @property
    def there(self) -> NDArray[np.bool_]:
        """(rows, columns), where there is a patch."""
        return ~np.isnan(self.values)

    def at(self, x: ArrayLike, y: ArrayLike, values: NDArray[Any] | None = None) -> NDArray[Any]:
        """Values (N,) of the cells whose left top corner is at x, y (px): its own, or of an array (rows, columns)."""
        found = self.values if values is None else values
        return found[cells(y, self.y0, self.step), cells(x, self.x0, self.step)]


def to_grid(x: ArrayLike, y: ArrayLike, values: ArrayLike, *, step: int = PATCH_SIZE) -> Grid:
    """Lay patches out on their grid, which begins at the leftmost and topmost of them.

    Args:
        x: (N,) px, left edges, whole numbers.
        y: (N,) px, top edges.
        values: (N,) numbers.
        step: px from one patch to the next.

    Raises:
        UserError: positions that are no multiple of `step` apart, two patches at one place, or positions so far
            apart that they cannot be of one section.
        ValueError: no patch.

    Example:
        >>> to_grid([1, 51], [1, 101], [0.2, 0.9]).values.shape
        (3, 2)
    """
    left, top = np.asarray(x, np.int64), np.asarray(y, np.int64)
    if not left.size:
        raise ValueError("a grid needs at least one patch")
    x0, y0 = int(left.min()), int(top.min())
    column, row = cells(left, x0, step), cells(top, y0, step)
    shape = (int(row.max()) + 1, int(column.max()) + 1)
    if shape[0] * shape[1] > MAX_CELLS:
        raise UserError(f"positions span {shape[1]:,} x {shape[0]:,} cells, more than a slide has: check x and y")
    flat = row * shape[1] + column
    ordered = np.sort(flat)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if twice.size:
        row_of, column_of = divmod(int(twice[0]), shape[1])
        raise UserError(
            f"two patches lie at x {column_of * step + x0}, y {row_of * step + y0}: "
            "they are of two sections, or one is a copy"
        )
    found = np.full(shape, np.nan, np.float32)
    found[row, column] = np.asarray(values, np.float32)
    return Grid(found, x0, y0, step)


def cells(position: ArrayLike, origin: int, step: int) -> NDArray[np.int64]:
    """Return the rows or columns (N,) of positions (N,) in px.

    Raises:
        UserError: one lies between two cells.
    """
    index, rest = np.divmod(np.asarray(position, np.int64) - origin, step)
    if np.any(rest):
        raise UserError(f"patches do not lie on a grid of {step} px: their x or y differ by other than its multiples")
    return index


def neighbours(there: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count how many of its eight neighbours each cell has: (rows, columns), gaps included."""
    from scipy.ndimage import convolve

    counts = there.astype(np.int64)
    return convolve(counts, np.ones((3, 3)), mode="constant") - counts


def neighbour_counts(x: ArrayLike, y: ArrayLike, *, step: int = PATCH_SIZE) -> NDArray[np.int64]:
    """Return how many of its eight neighbours each patch (N,) at x, y (px) has.

    Raises:
        UserError: positions that are on no grid.
    """
    grid = to_grid(x, y, np.zeros(np.shape(x)), step=step)
    around = neighbours(grid.there)
    return around[cells(y, grid.y0, step), cells(x, grid.x0, step)]
