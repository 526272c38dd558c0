"""Area averages at any factor: a pixel of the model's scale is the exact mean of what it covers.

OpenCV's and Pillow's box filters either want whole images or round a pixel's edges to whole source pixels;
here the edges are fractional and a band can begin anywhere.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
    for i, (above, below) in enumerate(pairwise(rows.tolist())):
        line = _weighted(source, above - top, below - top)
        out[i] = np.diff(_integral(line, columns), axis=0) / (widths * (below - above)) + 0.5
    return out


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
    return total[whole] + (edges - whole)[:, None] * line[whole]
