"""From patches, which may overlap, to the cells of a map, which do not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults


def to_cells(
    x: NDArray[Any], y: NDArray[Any], values: NDArray[Any], *, stride: int, width: int, height: int
) -> NDArray[np.float32]:
    """Return the mean of the patches that cover each cell of `stride` px: float32 (rows, columns), NaN for none.

    Args:
        x: int (N,), left px of the patches, multiples of the stride.
        y: int (N,), top px.
        values: (N,), a probability each.
        stride: px; divides PATCH_SIZE. At PATCH_SIZE a cell is a patch.
        width: px of the section; cells beyond it are left out.
        height: px of the section.
    """
    reach = defaults.PATCH_SIZE // stride
    shape = (-(-height // stride), -(-width // stride))
    total, count = (np.zeros((shape[0] + reach, shape[1] + reach)) for _ in range(2))
    row, column = y // stride, x // stride
    for down in range(reach):
        for across in range(reach):  # no two patches have one place: plain indexing adds each once
            total[row + down, column + across] += values
            count[row + down, column + across] += 1
    with np.errstate(invalid="ignore"):
        mean = total / np.where(count > 0, count, np.nan)
    return mean[: shape[0], : shape[1]].astype(np.float32)
