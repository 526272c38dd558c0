"""A picture as a pyramid of JPEG tiles, for a viewer: read once, in bands of rows, in the memory of a row of tiles.

LEVEL/COLUMN_ROW.jpg    level 0 is one tile; each level is twice the one before, the last is the picture
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

TILE_PX = 512  # side of a tile; a section of 15 mm at 4 um/px then has some 90 files
QUALITY = 85  # of the JPEGs; what scanners use or better, about 0.5 MB a megapixel of dense tissue

Size = tuple[int, int]


def sizes_of(width: int, height: int) -> list[Size]:
    """Return width and height of each level, px, from the one that fits into a tile to the picture itself.

    Example:
        >>> sizes_of(1500, 700)
        [(375, 175), (750, 350), (1500, 700)]
    """
    sizes = [(width, height)]
    while max(sizes[0]) > TILE_PX:
        sizes.insert(0, (-(-sizes[0][0] // 2), -(-sizes[0][1] // 2)))
    return sizes


def write_pyramid(bands: Iterable[NDArray[np.uint8]], width: int, height: int, folder: Path) -> None:
    """Write the tiles of a picture.

    Args:
        bands: uint8 RGB (some, width, 3), from top to bottom.
        width: px of the picture.
        height: the same, downwards.
        folder: for the tiles, empty or absent.

    Raises:
        ValueError: the bands are not of that size.
        OSError: a tile cannot be written.
    """
    finest: _Level | None = None
    for number, size in enumerate(sizes_of(width, height)):
        finest = _Level(folder / str(number), size[0], finest)
    assert finest is not None
    seen = 0
    for band in bands:
        finest.add(band)
        seen += len(band)
    if seen != height:
        raise ValueError(f"{seen} rows of {height}")
    finest.end()


class _Level:
    """A level that is being written: it gathers the rows of one row of tiles, and hands them on at half the size."""

    def __init__(self, folder: Path, width: int, coarser: _Level | None) -> None:
        folder.mkdir(parents=True)
        self._folder, self._coarser = folder, coarser
        self._rows = np.empty((TILE_PX, width, 3), np.uint8)
        self._filled, self._tile_row = 0, 0

    def add(self, rows: NDArray[Any]) -> None:
        """Take rows, uint8 (some, width, 3)."""
        while len(rows):
            taken = rows[: TILE_PX - self._filled]
            self._rows[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            rows = rows[len(taken) :]
            if self._filled == TILE_PX:
                self._write()

    def end(self) -> None:
        """Write what is left, here and at the coarser levels."""
        if self._filled:
            self._write()
        if self._coarser:
            self._coarser.end()

    def _write(self) -> None:
        rows = self._rows[: self._filled]
        for column, left in enumerate(range(0, rows.shape[1], TILE_PX)):
            tile = np.ascontiguousarray(rows[:, left : left + TILE_PX, ::-1])
            ok, content = cv2.imencode(".jpg", tile, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            assert ok
            (self._folder / f"{column}_{self._tile_row}.jpg").write_bytes(content.tobytes())
        if self._coarser:
            self._coarser.add(halved(rows))
        self._filled, self._tile_row = 0, self._tile_row + 1


def halved(rows: NDArray[Any]) -> NDArray[Any]:
    """Return the means of 2 x 2 px; at an odd edge of what there is: uint8 (ceil(h / 2), ceil(w / 2), 3)."""
    even = cv2.copyMakeBorder(rows, 0, len(rows) % 2, 0, rows.shape[1] % 2, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA))
