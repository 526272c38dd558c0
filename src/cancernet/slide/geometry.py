"""The map of a section: from patches, which may overlap, to cells, which do not, to regions; and where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.context.smooth import Contextual
from cancernet.model.decide import MALIGNANT, UNSURE, decide
from cancernet.model.judge import kind_of
from cancernet.slide.extra import need
from cancernet.slide.section import Section

DECIMALS = 3  # of a full-resolution px; far below anything a viewer shows


@dataclass(frozen=True)
class CellMap:
    """A section laid out in cells.

    Attributes:
        section: of the slide.
        step: px, side of a cell.
        mpp: um/px of the section.
        alone: float32 (rows, columns), probability of malignant of the patches by themselves, NaN where none is.
        values: the same with their neighbours, what the calls rest on.
        malignant: bool (rows, columns), the calls; a cell without a probability is not malignant.
    """

    section: Section
    step: int
    mpp: float
    alone: NDArray[np.float32]
    values: NDArray[np.float32]
    malignant: NDArray[np.bool_]

    def square_mm(self, pixels: float) -> float:
        """Area in mm2 of so many px of the section."""
        return pixels * (self.mpp / 1000) ** 2


@dataclass(frozen=True)
class Unjudged:
    """Where there is tissue and no answer, and why.

    Attributes:
        index: int (rows, columns), 0 or 1 + the index of the reason.
        reasons: the commonest first.
    """

    index: NDArray[np.int64]
    reasons: tuple[str, ...]

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Whether a cell has tissue and no answer: bool (rows, columns)."""
        return self.index > 0


@dataclass(frozen=True)
class Region:
    """A connected group of malignant cells.

    Attributes:
        polygon: shapely Polygon in units of cells.
        mm2: its area, cut at the section's edge.
        cells: how many.
        mean: mean probability of its cells.
        highest: highest probability of its cells.
    """

    polygon: Any
    mm2: float
    cells: int
    mean: float
    highest: float


def map_cells(
    section: Section,
    x: NDArray[Any],
    y: NDArray[Any],
    probability: NDArray[Any],
    context: Contextual,
    *,
    step: int,
    mpp: float,
) -> CellMap:
    """Lay the patches at x, y (px) out in cells; a patch that is unsure says nothing of its cells."""
    sure = context.decision != UNSURE

    def cells(values: NDArray[Any]) -> NDArray[np.float32]:
        return to_cells(x[sure], y[sure], values[sure], stride=step, width=section.width, height=section.height)

    margin = cells(context.probability - context.threshold)
    malignant = decide(margin, 0.0) == MALIGNANT
    return CellMap(section, step, mpp, cells(probability), cells(context.probability), malignant)


def unjudged_cells(made: CellMap, x: NDArray[Any], y: NDArray[Any], reasons: NDArray[Any]) -> Unjudged:
    """Return the cells that no sure patch covers and an unsure one does.

    Args:
        made: the map.
        x: int (N,), left px of the patches.
        y: int (N,), top px.
        reasons: str (N,), why a patch is unsure, or "".
    """
    unsure = reasons != ""
    kinds = np.array([kind_of(reason) for reason in reasons[unsure]], dtype=str)
    names, index, count = np.unique(kinds, return_inverse=True, return_counts=True)
    order = np.argsort(-count, kind="stable")
    code = np.argsort(order)[index] + 1
    reach = defaults.PATCH_SIZE // made.step
    rows, columns = made.values.shape
    found = np.zeros((rows + reach, columns + reach), np.int64)
    rarest_first = np.argsort(-code, kind="stable")  # of several over a cell the commonest is written last
    row, column = (place[unsure][rarest_first] // made.step for place in (y, x))
    for down in range(reach):
        for across in range(reach):
            found[row + down, column + across] = code[rarest_first]
    index = np.where(np.isfinite(made.values), 0, found[:rows, :columns])
    return Unjudged(index, tuple(str(names[i]) for i in order))


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


def find_regions(made: CellMap) -> list[Region]:
    """Return the malignant regions, largest first; cells that touch at a corner alone are two regions."""
    transform = need("shapely").transform
    limits = np.array([made.section.width, made.section.height])
    _, labels = cv2.connectedComponents(made.malignant.astype(np.uint8), connectivity=4)
    runs = _runs(np.asarray(labels))
    order = np.argsort(runs[:, 0], kind="stable")
    groups = np.split(runs[order], np.flatnonzero(np.diff(runs[order, 0])) + 1) if len(runs) else []
    found = []
    for group in groups:
        inside = np.concatenate([made.values[row, first:end] for _, row, first, end in group])
        polygon = _union(group)
        pixels = transform(polygon, lambda cells: np.minimum(cells * made.step, limits)).area
        mean, highest = float(inside.mean()), float(inside.max())
        found.append(Region(polygon, made.square_mm(pixels), len(inside), mean, highest))
    return sorted(found, key=lambda region: -region.cells)


def _runs(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Return runs of one label along rows: int (runs, 4) of label, row, first column, column after the last."""
    padded = np.pad(labels, ((0, 0), (1, 1)))
    change = padded[:, 1:] != padded[:, :-1]  # (rows, columns + 1): whether a run ends or begins before it
    row, column = np.nonzero(change)
    label = np.pad(labels, ((0, 0), (0, 1)))[row, column]
    begins = np.flatnonzero(label)
    ends = np.minimum(begins + 1, len(column) - 1)
    return np.stack([label[begins], row[begins], column[begins], column[ends]], axis=1).astype(np.int64)


def _union(runs: NDArray[np.int64]) -> Any:
    shapely = need("shapely")
    whole = shapely.union_all(shapely.box(runs[:, 2], runs[:, 1], runs[:, 3], runs[:, 1] + 1))
    whole = shapely.normalize(whole)  # rings then begin at a corner, which simplifying keeps
    return shapely.geometry.polygon.orient(shapely.simplify(whole, 0))


def on_slide(
    section: Section, x: NDArray[Any], y: NDArray[Any], *, of_slide: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return full-resolution x and y of section px, cut at the section's edge.

    Args:
        section: of the slide.
        x: px of the section.
        y: the same, downwards.
        of_slide: from the slide's own corner, as OpenSlide counts; else from that of the scanned area, as QuPath
            counts. They differ only where a scanner states bounds.
    """
    left, top = section.origin if of_slide else (0, 0)
    across = left + np.minimum(x, section.width) * section.factor_x
    return across, top + np.minimum(y, section.height) * section.factor_y


def number(value: float) -> int | float:
    """Return a coordinate as it is written: whole where it is whole."""
    rounded = round(float(value), DECIMALS)
    return int(rounded) if rounded.is_integer() else rounded
