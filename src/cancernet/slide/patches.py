"""The patches of a section: a grid from its top left corner, cut a row of patches at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.data.decode import fit_patch
from cancernet.slide.section import Section

Ints = NDArray[np.int64]


def positions(width: int, height: int, stride: int) -> tuple[Ints, Ints]:
    """Return left and top px, int (N,), of all patches of a section, row by row.

    At the right and bottom edge a patch needs MIN_PATCH_SIDE px of the section; what is missing is
    continued by reflection, as in the patches the model learned from.
    """
    across = np.arange(0, max(0, width - defaults.MIN_PATCH_SIDE) + 1, stride)
    down = np.arange(0, max(0, height - defaults.MIN_PATCH_SIDE) + 1, stride)
    x, y = np.meshgrid(across, down)
    return x.ravel().astype(np.int64), y.ravel().astype(np.int64)


def cut(section: Section, x: Ints, y: Ints, chunk: int) -> Iterator[NDArray[Any]]:
    """Yield the patches at x, y (rising in y) in their order: uint8 (chunk or fewer, 50, 50, 3)."""
    side = defaults.PATCH_SIZE
    out = np.empty((min(chunk, len(x)), side, side, 3), np.uint8)
    filled, top = 0, -1
    rows = np.empty((0, section.width, 3), np.uint8)
    for left, wanted in zip(x.tolist(), y.tolist(), strict=True):
        if wanted != top:
            rows, top = section.rows(wanted, wanted + side), wanted
        out[filled] = fit_patch(rows[:, left : left + side])
        filled += 1
        if filled == chunk:
            yield out
            filled = 0
    if filled:
        yield out[:filled]
