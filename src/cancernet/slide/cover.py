"""How much of each cell of a section lies within a shape, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.slide.annotation import areal
from cancernet.slide.extra import need
from cancernet.slide.section import Section

LEAF = 64  # cells cut at once; halving further costs more than it saves
SLACK = 1e-6  # of a cell's area; what cutting by floating point leaves


def cover(shape: Any, section: Section, step: int) -> NDArray[np.float64]:
    """Return the share of each cell of `step` px that lies within a shape: float64 (rows, columns), 0 to 1.

    Cells at the right and bottom edge are smaller; their share is of what the section has of them. The section is
    halved again and again, and the shape cut with it, so that a cell meets only the few corners near it.

    Args:
        shape: valid shapely polygons, full-resolution px from the section's corner.
        section: of the slide.
        step: px of the section.
    """
    shapely = need("shapely")
    small = shapely.transform(shape, lambda points: points / (section.factor_x, section.factor_y))
    x, y = (np.minimum(np.arange(-(-side // step) + 1) * step, side) for side in (section.width, section.height))
    out = np.zeros((len(y) - 1, len(x) - 1))
    pending = [(small, 0, len(y) - 1, 0, len(x) - 1)]
    while pending:
        part, top, bottom, left, right = pending.pop()
        box = shapely.box(x[left], y[top], x[right], y[bottom])
        part = areal(part & box)
        if part.is_empty:
            continue
        if part.area >= box.area * (1 - SLACK / out.size):
            out[top:bottom, left:right] = 1
        elif (bottom - top) * (right - left) <= LEAF:
            xs, ys = x[left : right + 1][None, :], y[top : bottom + 1][:, None]
            cells = shapely.box(xs[:, :-1], ys[:-1], xs[:, 1:], ys[1:])
            out[top:bottom, left:right] = shapely.area(shapely.intersection(part, cells)) / shapely.area(cells)
        elif bottom - top > right - left:
            middle = (top + bottom) // 2
            pending += [(part, top, middle, left, right), (part, middle, bottom, left, right)]
        else:
            middle = (left + right) // 2
            pending += [(part, top, bottom, left, middle), (part, top, bottom, middle, right)]
    return np.clip(out, 0, 1)


def cover_patches(shape: Any, section: Section, x: NDArray[Any], y: NDArray[Any], stride: int) -> NDArray[np.float64]:
    """Return the share (N,) of the patches at x, y (px, multiples of `stride`) that lies within a shape."""
    cells = cover(shape, section, stride)
    wide, high = (np.minimum(stride, side - np.arange(0, side, stride)) for side in (section.width, section.height))
    area = np.outer(high, wide)
    reach = defaults.PATCH_SIZE // stride
    sums = [np.pad(each, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1) for each in (cells * area, area * 1.0)]
    left, top = x // stride, y // stride
    right, bottom = np.minimum(left + reach, area.shape[1]), np.minimum(top + reach, area.shape[0])
    inside, whole = (s[bottom, right] - s[top, right] - s[bottom, left] + s[top, left] for s in sums)
    return np.clip(inside / whole, 0, 1)
