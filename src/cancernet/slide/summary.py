"""summary.json: what was found on a slide, from what, at which scale, by which model, with what doubt."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common.files import read_json
from cancernet.slide.geometry import CellMap, Region, Unjudged
from cancernet.slide.tissue import BLOCK, Tissue

NAME = "summary.json"
MANY_UNJUDGED = 0.05  # of the tissue; from there on a reader is warned
FORMAT = 5  # of the file; a slide with one of another is mapped anew


def measure(tissue: Tissue, made: CellMap, regions: list[Region]) -> dict[str, float | None]:
    """Return areas in mm2: of tissue, of tissue in cells with a probability, of tissue in malignant cells.

    Returns:
        `tissue_mm2`, `analysed_mm2`, `malignant_mm2`, `malignant_share` of the analysed, `malignant_regions` and
        `largest_region_mm2`, its glass included. Where nothing was analysed nothing is said to be benign: None.
    """
    cells = tissue_pixels(tissue, made)
    analysed = made.square_mm(float(cells[np.isfinite(made.values)].sum()))
    found = made.square_mm(float(cells[made.malignant].sum()))
    return {
        "tissue_mm2": round(made.square_mm(float(cells.sum())), 6),
        "analysed_mm2": round(analysed, 6),
        "malignant_mm2": round(found, 6) if analysed else None,
        "malignant_share": round(found / analysed, 6) if analysed else None,
        "malignant_regions": len(regions),
        "largest_region_mm2": round(max((region.mm2 for region in regions), default=0.0), 6),
    }


def tissue_pixels(tissue: Tissue, made: CellMap) -> NDArray[np.int64]:
    """Return how many px of each cell are tissue: (rows, columns); blocks at the right and bottom edge are smaller."""
    sides = (made.section.width, made.section.height)
    wide, high = (np.minimum(BLOCK, side - np.arange(0, side, BLOCK)) for side in sides)
    cells = tissue.mask * np.outer(high, wide)
    for axis in (0, 1):
        cells = np.add.reduceat(cells, np.arange(0, cells.shape[axis], made.step // BLOCK), axis=axis)
    return cells


def measure_unjudged(tissue: Tissue, made: CellMap, unjudged: Unjudged) -> dict[str, Any]:
    """Return how much tissue has no answer, and why.

    Args:
        tissue: of the slide.
        made: the map.
        unjudged: from `geometry.unjudged_cells`.

    Returns:
        `not_judged_mm2`, by reason, largest first; where patches overlap a cell counts for the commonest. And
        `not_judged_share` of the tissue, None where there is none.
    """
    cells = tissue_pixels(tissue, made)
    pixels = np.bincount(unjudged.index.ravel(), cells.ravel(), minlength=len(unjudged.reasons) + 1)[1:]
    areas = (round(made.square_mm(float(each)), 6) for each in pixels)
    found = dict(zip(unjudged.reasons, areas, strict=True))
    whole = float(cells.sum())
    return {
        "not_judged_mm2": dict(sorted(found.items(), key=lambda each: -each[1])),
        "not_judged_share": round(float(pixels.sum()) / whole, 6) if whole else None,
    }


def doubts(unjudged: dict[str, Any], *, refused: bool) -> list[str]:
    """Return a line where much of the tissue has no answer, from `measure_unjudged`; a refusal says so by itself."""
    if refused or (unjudged["not_judged_share"] or 0) <= MANY_UNJUDGED:
        return []
    parts = "; ".join(f"{reason}: {area(mm2)} mm2" for reason, mm2 in unjudged["not_judged_mm2"].items() if mm2)
    return [f"{share(unjudged['not_judged_share'])} of the tissue is not judged ({parts})"]


def area(mm2: float | None) -> str:
    """Return an area as it is read: two digits at least, so that little never reads as nothing.

    Example:
        >>> area(123.45), area(0.00412), area(0.0), area(None)
        ('123.5', '0.0041', '0', '-')
    """
    if mm2 is None:
        return "-"
    decimals = 1 - min(0, math.floor(math.log10(mm2))) if mm2 > 0 else 0
    return f"{mm2:.{decimals}f}"


def share(of_one: float | None) -> str:
    """Return a share as it is read.

    Example:
        >>> share(0.214), share(0.0001), share(0.0), share(None)
        ('21.4%', 'under 0.1%', '0%', '-')
    """
    if of_one is None:
        return "-"
    return "under 0.1%" if 0 < of_one < 0.001 else f"{of_one:.1%}" if of_one else "0%"


def read_summary(folder: Path) -> dict[str, Any] | None:
    """Return the summary in a folder, or nothing where there is none of this format."""
    found = read_json(folder / NAME, dict)
    return found if found and found.get("format") == FORMAT else None
