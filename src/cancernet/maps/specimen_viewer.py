"""The viewer of a stitched specimen: its tiles at the model's scale, and its page."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.common.defaults import MPP
from cancernet.common.output import Output
from cancernet.context.grid import Grid
from cancernet.maps.measure import sentence
from cancernet.maps.pyramid import write_pyramid
from cancernet.maps.specimens import Specimen
from cancernet.maps.viewer import Cells, Picture, Spot, write_viewer
from cancernet.model.model import Model

WORK = ".tiles"  # until they are whole
ALARMING = ("REFUSED", "MODEL TRAINED ON SYNTHETIC")  # beginnings of warnings after which a map means nothing


def write(
    out: Output,
    specimen: Specimen,
    section: NDArray[np.uint8],
    grid: Grid,
    called: NDArray[np.bool_],
    reasons: NDArray[Any],
    row: dict[str, Any],
    model: Model,
) -> None:
    """Write viewer.html and its folder.

    Args:
        out: folder of the specimen.
        specimen: its patches.
        section: they stitched, uint8 RGB (H, W, 3).
        grid: probability of malignant.
        called: bool (rows, columns), malignant.
        reasons: str (N,), why a patch is unsure.
        row: of specimens.csv.
        model: the model.
    """
    out.remove(WORK)
    tiles = out.path(WORK)
    height, width = section.shape[:2]
    write_pyramid([section], width, height, tiles)
    names, index = np.unique(reasons.astype(str), return_inverse=True)
    unsure = np.nan_to_num(specimen.grid(index + 1).values).astype(np.int64)
    table = specimen.table
    alarms = [warning for warning in row["warnings"] if warning.startswith(ALARMING)]
    malignant = "–" if row["malignant_mm2"] is None else f"{row['malignant_mm2']:.2f} mm²"
    write_viewer(
        out,
        Picture(width, height, MPP, (MPP, MPP), (int(table["x"].min()), int(table["y"].min()))),
        Cells(
            grid.values,
            called,
            np.where(grid.there, 0, unsure),
            tuple(str(name) for name in names),
            grid.step * MPP,
            width * MPP,
            height * MPP,
        ),
        spots_of(specimen, grid, called),
        tiles,
        title=f"Specimen {specimen.patient}",
        model=model.name,
        threshold=model.threshold,
        facts=[
            ("patches", f"{row['n_patches']:,}, {row['n_unsure']:,} of them unsure"),
            ("tissue", f"{row['tissue_mm2']:.2f} mm²"),
            ("called malignant", malignant),
            ("scale", f"{MPP:g} µm/px (the model's)"),
        ],
        refused=bool(row["refused"]),
        alarms=alarms,
        warnings=[sentence(each) for each in row["warnings"] if each not in alarms],
        still="overlay.png",
        tables="patches.csv, patch by patch",
    )


def spots_of(specimen: Specimen, grid: Grid, called: NDArray[np.bool_]) -> list[Spot]:
    """Return the malignant regions, largest first; patches that touch at a corner alone are of two."""
    areas = np.nan_to_num(specimen.grid(specimen.area_mm2).values)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(called.astype(np.uint8), connectivity=4)
    found = []
    for number in range(1, count):
        here = labels == number
        left, top, width, height = (int(side) for side in np.asarray(stats)[number, :4])
        box = (left, top, left + width, top + height)
        found.append((float(areas[here].sum()), Spot("", float(grid.values[here].mean()), box)))
    ordered = sorted(found, key=lambda each: -each[0])
    return [Spot(f"{mm2:.2f}", spot.mean, spot.box) for mm2, spot in ordered]
