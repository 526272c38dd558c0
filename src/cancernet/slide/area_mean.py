"""A picture reduced by any factor: each px is the exact mean of what it covers, fractions as fractions."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

SUMMED_IN_16_BITS = 257  # rows of 255 that 16 bits hold the sum of


def area_mean(
    source: NDArray[Any], top: int, rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Return the mean colour of each cell between consecutive edges.

    Args:
        source: uint8 (h, w, 3), rows `top` to `top + h` of an image.
        top: first row of `source` in the image.
        rows: rising edges of the cells in rows of the image, fractional; within `source`.
        columns: rising edges across, from 0 to w.

    Returns:
        uint8 (len(rows) - 1, len(columns) - 1, 3), rounded.
    """
    out = np.empty((len(rows) - 1, len(columns) - 1, 3), np.uint8)
    widths = np.diff(columns)[:, None]
    whole = all((edges == np.rint(edges)).all() for edges in (rows, columns))
    across = columns.astype(np.int64)
    if whole and (widths == 1).all() and (np.diff(rows) == 1).all():  # a level at this very scale
        return source[int(rows[0]) - top : int(rows[-1]) - top].copy()
    for i, (above, below) in enumerate(pairwise(rows.tolist())):
        total = (
            _sums(source[int(above) - top : int(below) - top], across)
            if whole
            else np.diff(_integral(_weighted(source, above - top, below - top), columns), axis=0)
        )
        out[i] = total / (widths * (below - above)) + 0.5
    return out


def _sums(block: NDArray[Any], edges: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Sums of a block of rows between whole edges: uint32 (edges - 1, 3); as with fractions, but far faster."""
    kind = np.uint16 if len(block) <= SUMMED_IN_16_BITS else np.uint32
    line = np.add.reduce(block.reshape(len(block), -1), axis=0, dtype=kind).reshape(-1, 3)
    return np.add.reduceat(line[: edges[-1]], edges[:-1], axis=0, dtype=np.uint32)  # its last sum goes to the end


def _weighted(source: NDArray[Any], above: float, below: float) -> NDArray[np.float32]:
    """Sum of rows from one fractional edge to another: float32 (w, 3)."""
    first, last = int(above), int(np.ceil(below))
    weights = np.ones(last - first, np.float32)
    weights[0] -= above - first
    weights[-1] -= last - below
    block = source[first:last].reshape(last - first, -1).astype(np.float32)
    return (weights @ block).reshape(-1, 3)


def _integral(line: NDArray[np.float32], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Integral of a line from 0 to each edge, each px being constant over its width: float64 (edges, 3)."""
    total = np.zeros((len(line) + 1, 3))
    np.cumsum(line, axis=0, dtype=np.float64, out=total[1:])
    whole = np.minimum(edges.astype(np.int64), len(line) - 1)
    return total.take(whole, axis=0) + (edges - whole)[:, None] * line.take(whole, axis=0)
