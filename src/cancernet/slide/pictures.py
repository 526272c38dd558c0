"""overlay.png and thumbnail.png: the section under its map, and the section alone, small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.files import write_figure, write_png
from cancernet.context.grid import Grid
from cancernet.maps.draw import draw_map
from cancernet.slide.section import Section

OVERLAY, THUMBNAIL = "overlay.png", "thumbnail.png"


def write_overlay(
    folder: Path,
    section: Section,
    values: NDArray[np.float32],
    malignant: NDArray[np.bool_],
    *,
    step: int,
    mpp: float,
    title: str,
    caption: str,
    warning: str,
) -> None:
    """Write the section under its map.

    Args:
        folder: of the slide's results.
        section: of the slide.
        values: float32 (rows, columns), NaN where there is no patch.
        malignant: bool (rows, columns), the calls.
        step: px a cell.
        mpp: um/px of the section.
        title: above.
        caption: below.
        warning: in red.
    """
    by = reduction(section, step)
    grid = Grid(values, 0, 0, step // by)
    made = draw_map(
        reduced(section, by), grid, malignant, title=title, caption=caption, mpp=mpp * by, warning=warning
    )
    write_figure(folder / OVERLAY, made)


def write_thumbnail(folder: Path, blocks: NDArray[np.uint8]) -> None:
    """Write the section small, from the mean colours of its blocks, uint8 RGB (rows, columns, 3)."""
    scale = min(1.0, defaults.SLIDE_THUMBNAIL / max(blocks.shape[:2]))
    size = tuple(max(1, round(side * scale)) for side in (blocks.shape[1], blocks.shape[0]))
    small = cv2.resize(blocks, size, interpolation=cv2.INTER_AREA)
    write_png(folder / THUMBNAIL, small)


def reduction(section: Section, step: int) -> int:
    """Return by how much to reduce a section for a picture: so that a cell stays a whole number of px."""
    longer = max(section.width, section.height)
    fine = [by for by in range(1, step + 1) if step % by == 0 and longer / by >= defaults.SLIDE_PICTURE]
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
