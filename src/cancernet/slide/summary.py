"""summary.json: what was found on a slide, from what, at which scale, by which model, with what doubt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.files import write_text
from cancernet.common.provenance import versions
from cancernet.model.bundle import GRAPH, Bundle
from cancernet.slide import place
from cancernet.slide.extra import slide_versions
from cancernet.slide.regions import Region
from cancernet.slide.section import Section
from cancernet.slide.tissue import Tissue

NAME = "summary.json"
KEYS = {"slide", "settings", "malignant_share", "alarms"}  # by which ours is known


def areas(
    tissue: Tissue,
    size: tuple[int, int],
    values: NDArray[np.float32],
    malignant: NDArray[np.bool_],
    step: int,
    mpp: float,
) -> dict[str, float | None]:
    """Return areas in mm2: of tissue, of tissue in cells with a probability, of tissue in malignant cells.

    Args:
        tissue: of the section.
        size: width and height of the section in px.
        values: float32 (rows, columns) of the whole section, NaN where there is no patch.
        malignant: bool (rows, columns), the calls.
        step: px a cell.
        mpp: um/px of the section.

    Returns:
        `tissue_mm2`, `analysed_mm2`, `malignant_mm2` and `malignant_share`, of the analysed.
    """
    block, (width, height) = defaults.SLIDE_BLOCK, size
    wide, high = (np.minimum(block, side - np.arange(0, side, block)) for side in (width, height))
    pixels = tissue.mask * np.outer(high, wide)  # blocks at the right and bottom edge are smaller
    cells = pixels
    for axis in (0, 1):
        cells = np.add.reduceat(cells, np.arange(0, cells.shape[axis], step // block), axis=axis)
    whole = place.square_mm(float(pixels.sum()), mpp)
    analysed = place.square_mm(float(cells[np.isfinite(values)].sum()), mpp)
    found = place.square_mm(float(cells[malignant].sum()), mpp)
    return {
        "tissue_mm2": round(whole, 4),
        "analysed_mm2": round(analysed, 4),
        "malignant_mm2": round(found, 4),
        "malignant_share": round(found / analysed, 6) if analysed else None,
    }


def describe_model(bundle: Bundle) -> dict[str, Any]:
    """Return what tells which model it was."""
    context = bundle.manifest.get("context")
    return {
        "name": bundle.name,
        "graph_sha256": bundle.manifest["files"][GRAPH]["sha256"],
        "threshold": bundle.threshold,
        "threshold_in_context": context["thresholds"]["target_recall"] if context else None,
        "context_sigma_px": context["sigma_px"] if context else None,
        "mpp": bundle.manifest["input"]["mpp"],
    }


def describe_section(section: Section) -> dict[str, Any]:
    """Return how the section lies on the slide."""
    return {
        "width_px": section.width,
        "height_px": section.height,
        "factor_x": section.factor_x,
        "factor_y": section.factor_y,
        "origin_px": list(section.origin),
        "level": section.level,
    }


def describe_regions(regions: list[Region], mm2: list[float]) -> dict[str, Any]:
    """Return how many malignant regions there are and the area of the largest, in mm2."""
    return {"malignant_regions": len(regions), "largest_region_mm2": round(max(mm2, default=0.0), 4)}


def all_versions() -> dict[str, str]:
    """Return the versions that results may depend on."""
    kept = {name: version for name, version in versions().items() if not name.startswith(("keras", "tensor"))}
    return kept | slide_versions()


def write_summary(folder: Path, summary: dict[str, Any]) -> None:
    """Write summary.json, the last file of a slide: a folder with it is whole."""
    write_text(folder / NAME, json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_summary(folder: Path) -> dict[str, Any] | None:
    """Return the summary in a folder, or nothing where there is none of ours."""
    try:
        found = json.loads((folder / NAME).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):  # absent, or of another program
        return None
    return found if isinstance(found, dict) and found.keys() >= KEYS else None


def drop_summary(folder: Path) -> None:
    """Remove the summary of an earlier run before its other files are replaced: they are no longer one whole."""
    if read_summary(folder) is not None:
        (folder / NAME).unlink()
