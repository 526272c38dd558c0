"""Where on the glass there is tissue: coloured, as both dyes colour it, in blocks of 20 um.

Chroma (largest less smallest channel) tells stained tissue from glass, dust and black ink, which are grey,
at any brightness. Otsu's threshold (1979) follows the stain of the slide, within limits that keep it from
dividing a slide that is all tissue or all glass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.slide.section import Section

BLOCK = 5  # px at the model's scale; 20 um, finer than what tissue is left out by
CHROMA_LIMITS = (10, 20)  # grey levels; of 23,020 patches of the IDC set, glass lies below, tissue above
PEN = 15  # grey levels that green exceeds red by in ink; both dyes take more green than red
SPECK = 25  # blocks; 0.01 mm2, a quarter of a patch: dust as a piece, a lumen as a hole
MIN_TISSUE = 0.1  # share of a patch; at 20 grey levels 99.89 % of the malignant IDC patches have it
BAND = 200  # blocks read at once; 1,000 rows of the section


@dataclass(frozen=True)
class Tissue:
    """What was found.

    Attributes:
        mask: bool (rows, columns), one a block of BLOCK px.
        chroma: grey levels (0-255) from which a block is tissue.
        pen: share of the coloured blocks that are green or blue ink, not tissue.
    """

    mask: NDArray[np.bool_]
    chroma: float
    pen: float


def block_means(section: Section) -> NDArray[np.uint8]:
    """Return the mean colour of each block of BLOCK px: uint8 (rows, columns, 3); edge blocks are partial."""
    bands = []
    for start in range(0, section.height, BAND * BLOCK):
        rows = section.rows(start, start + BAND * BLOCK)
        down, across = -len(rows) % BLOCK, -section.width % BLOCK
        whole = cv2.copyMakeBorder(rows, 0, down, 0, across, cv2.BORDER_REPLICATE)
        size = (whole.shape[1] // BLOCK, whole.shape[0] // BLOCK)
        bands.append(cv2.resize(whole, size, interpolation=cv2.INTER_AREA))
    return np.concatenate(bands).astype(np.uint8)


def find_tissue(blocks: NDArray[np.uint8]) -> Tissue:
    """Find tissue in the mean colours of blocks, uint8 RGB (rows, columns, 3)."""
    low, high = CHROMA_LIMITS
    chroma = blocks.max(axis=2) - blocks.min(axis=2)
    otsu, _ = cv2.threshold(chroma, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    level = float(np.clip(otsu, low, high))
    coloured = chroma >= level
    ink = inked(blocks, level)
    mask = _without_specks(_without_specks(coloured & ~ink), holes=True)
    return Tissue(mask, level, float(ink.sum() / max(1, coloured.sum())))


def inked(blocks: NDArray[np.uint8], chroma: float) -> NDArray[np.bool_]:
    """Say which blocks (rows, columns) are of green or blue ink: coloured, and greener than red."""
    coloured = blocks.max(axis=2) - blocks.min(axis=2) >= chroma
    return np.asarray(coloured & (blocks[..., 1].astype(np.int16) - blocks[..., 0] > PEN))


def tissue_share(mask: NDArray[np.bool_], x: NDArray[Any], y: NDArray[Any], side: int) -> NDArray[np.float64]:
    """Return the share (N,) of blocks that are tissue in squares of `side` px; beyond the section nothing counts.

    Args:
        mask: from `find_tissue`.
        x: int (N,), left px of the squares, multiples of BLOCK.
        y: int (N,), top px.
        side: px, a multiple of BLOCK.
    """
    total = np.pad(mask, ((1, 0), (1, 0))).astype(np.int64).cumsum(axis=0).cumsum(axis=1)
    left, top = x // BLOCK, y // BLOCK
    right = np.minimum(left + side // BLOCK, mask.shape[1])
    bottom = np.minimum(top + side // BLOCK, mask.shape[0])
    inside = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
    return inside / np.maximum(1, (right - left) * (bottom - top))


def _without_specks(mask: NDArray[np.bool_], *, holes: bool = False) -> NDArray[np.bool_]:
    """Remove pieces of under SPECK blocks; or fill holes of as little."""
    target = (~mask if holes else mask).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(target, connectivity=8)
    small = np.asarray(stats)[:, cv2.CC_STAT_AREA] < SPECK
    small[0] = False  # what is not `target` at all
    specks = small[labels]
    return mask | specks if holes else mask & ~specks
