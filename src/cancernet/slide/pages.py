"""What is looked at: overlay.png and thumbnail.png of a slide, and what its pages say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from cancernet.common.output import Output
from cancernet.context.grid import Grid
from cancernet.maps import viewer
from cancernet.maps.draw import MAX_SIDE, draw_map
from cancernet.slide import geojson, qupath, tables
from cancernet.slide import summary as summaries
from cancernet.slide.geometry import CellMap
from cancernet.slide.roi import Roi
from cancernet.slide.section import Section
from cancernet.slide.summary import area, share

OVERLAY, THUMBNAIL = "overlay.png", "thumbnail.png"
PICTURE_PX = 950  # longer side of the overlay's section at least: what its panel shows
ROI_COLOUR = "#000000"  # dashed: what is called malignant has a full line
THUMBNAIL_PX = 512  # longer side
FILES = (  # of a slide
    *(THUMBNAIL, OVERLAY, tables.PATCHES, geojson.TILES, geojson.REGIONS, qupath.SCRIPT),
    *(*viewer.FILES, summaries.NAME),
)


def write_overlay(
    out: Output,
    made: CellMap,
    *,
    title: str,
    caption: str,
    warning: str,
    unjudged: NDArray[np.bool_] | None = None,
    roi: Roi | None = None,
) -> None:
    """Write the section under its map.

    Args:
        out: folder of the slide's results.
        made: the map.
        title: above.
        caption: below.
        warning: in red.
        unjudged: from `unjudged_cells`; hatched.
        roi: what was judged alone; outlined.
    """
    by = reduction(made.section, made.step)
    figure = draw_map(
        reduced(made.section, by),
        Grid(made.values, 0, 0, made.step // by),
        made.malignant,
        title=title,
        caption=caption,
        mpp=made.mpp * by,
        warning=warning,
        unjudged=unjudged,
    )
    if roi:
        longer = max(made.section.width, made.section.height) // by
        scale = min(1.0, MAX_SIDE / longer) / by
        rings = [ring * scale for ring in roi.outline(made.section)]
        for axes in figure.axes[:2]:
            axes.add_collection(LineCollection(rings, colors=ROI_COLOUR, linewidths=1.4, linestyles="--"))
    out.write_figure(OVERLAY, figure)


def write_thumbnail(out: Output, blocks: NDArray[np.uint8]) -> None:
    """Write the section small, from the mean colours of its blocks, uint8 RGB (rows, columns, 3)."""
    scale = min(1.0, THUMBNAIL_PX / max(blocks.shape[:2]))
    size = tuple(max(1, round(side * scale)) for side in (blocks.shape[1], blocks.shape[0]))
    out.write_png(THUMBNAIL, cv2.resize(blocks, size, interpolation=cv2.INTER_AREA))


def reduction(section: Section, step: int) -> int:
    """Return by how much to reduce a section for a picture: so that a cell stays a whole number of px."""
    longer = max(section.width, section.height)
    fine = [by for by in range(1, step + 1) if step % by == 0 and longer / by >= PICTURE_PX]
    return max(fine, default=1)


def reduced(section: Section, by: int) -> NDArray[Any]:
    """Return the section reduced by a whole number, read in bands: uint8 (h // by, w // by, 3), at least 1 px."""
    if by == 1:
        return section.rows(0, section.height)
    width = section.width // by
    band = max(1, 1000 // by) * by
    parts = []
    for start in range(0, section.height // by * by, band):
        rows = section.rows(start, min(start + band, section.height // by * by))[:, : width * by]
        parts.append(cv2.resize(rows, (width, len(rows) // by), interpolation=cv2.INTER_AREA))
    return np.concatenate(parts)


def facts_of(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what the pages say of a slide: name and value."""
    model = f"{summary['model']['name']}, malignant from {summary['threshold']:.3f} on"
    unsure = f", {summary['patches_unsure']:,} of them unsure" if summary["patches_unsure"] else ""
    roi = summary.get("roi")
    regions = f"{summary['malignant_regions']:,}"
    if summary["malignant_regions"]:
        regions += f", the largest {area(summary['largest_region_mm2'])} mm² with its glass"
    return [
        *([("judged", f"{area(roi['mm2'])} mm² outlined in {Path(roi['path']).name}")] if roi else []),
        ("tissue", f"{area(summary['tissue_mm2'])} mm²"),
        ("analysed", f"{area(summary['analysed_mm2'])} mm²"),
        ("called malignant", f"{area(summary['malignant_mm2'])} mm²"),
        ("of the analysed", share(summary["malignant_share"])),
        ("tissue not judged", share(summary["not_judged_share"])),
        ("malignant regions", regions),
        ("patches", f"{summary['patches']:,}, every {summary['stride_px']} px{unsure}"),
        ("scale", f"{summary['mpp']['x']:.4g} µm/px ({summary['mpp']['from']})"),
        ("model", model),
    ]
