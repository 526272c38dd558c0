"""From px of a section to full-resolution px of its slide, exactly, and to square millimetres."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.slide.section import Section

DECIMALS = 3  # of a full-resolution px; far below anything a viewer shows


def across(section: Section, x: NDArray[Any], *, of_slide: bool = False) -> NDArray[np.float64]:
    """Full-resolution x of section px, cut at the section's edge.

    Args:
        section: of the slide.
        x: px of the section.
        of_slide: from the slide's own corner, as OpenSlide counts; else from that of the scanned area, as
            QuPath counts. They differ only where a scanner states bounds.
    """
    start = section.origin[0] if of_slide else 0
    return start + np.minimum(x, section.width) * section.factor_x


def down(section: Section, y: NDArray[Any], *, of_slide: bool = False) -> NDArray[np.float64]:
    """Full-resolution y of section px; as `across`."""
    start = section.origin[1] if of_slide else 0
    return start + np.minimum(y, section.height) * section.factor_y


def number(value: float) -> int | float:
    """A coordinate as it is written: whole where it is whole."""
    rounded = round(float(value), DECIMALS)
    return int(rounded) if rounded.is_integer() else rounded


def square_mm(pixels: float, mpp: float) -> float:
    """Area in mm2 of so many px at `mpp` um/px."""
    return pixels * (mpp / 1000) ** 2
