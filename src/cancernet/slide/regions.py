"""Connected malignant cells as polygons with holes, exact to the cell's corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.slide.extra import need


@dataclass(frozen=True)
class Region:
    """A connected group of malignant cells.

    Attributes:
        polygon: shapely Polygon in units of cells.
        cells: how many.
        mean: mean probability of its cells.
        highest: highest probability of its cells.
    """

    polygon: Any
    cells: int
    mean: float
    highest: float


def find_regions(values: NDArray[np.float32], malignant: NDArray[np.bool_]) -> list[Region]:
    """Return the regions of a map, largest first; cells that touch at a corner alone are two regions.

    Args:
        values: float32 (rows, columns), probability of malignant.
        malignant: bool (rows, columns), the calls.
    """
    _, labels = cv2.connectedComponents(malignant.astype(np.uint8), connectivity=4)
    runs = _runs(np.asarray(labels))
    order = np.argsort(runs[:, 0], kind="stable")
    groups = np.split(runs[order], np.flatnonzero(np.diff(runs[order, 0])) + 1) if len(runs) else []
    found = []
    for group in groups:
        inside = np.concatenate([values[row, first:end] for _, row, first, end in group])
        found.append(Region(_union(group), len(inside), float(inside.mean()), float(inside.max())))
    return sorted(found, key=lambda region: -region.cells)


def _runs(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Return runs of one label along rows: int (runs, 4) of label, row, first column, column after the last."""
    padded = np.pad(labels, ((0, 0), (1, 1)))
    change = (
        padded[:, 1:] != padded[:, :-1]
    )  # (rows, columns + 1): whether a run ends or begins before a column
    row, column = np.nonzero(change)
    label = np.pad(labels, ((0, 0), (0, 1)))[row, column]
    begins = np.flatnonzero(label)
    ends = np.minimum(begins + 1, len(column) - 1)
    return np.stack([label[begins], row[begins], column[begins], column[ends]], axis=1).astype(np.int64)


def _union(runs: NDArray[np.int64]) -> Any:
    shapely = need("shapely")
    boxes = shapely.box(runs[:, 2], runs[:, 1], runs[:, 3], runs[:, 1] + 1)
    whole = shapely.normalize(
        shapely.union_all(boxes)
    )  # rings then begin at a corner, which simplifying keeps
    return shapely.geometry.polygon.orient(shapely.simplify(whole, 0))
