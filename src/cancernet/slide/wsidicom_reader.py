"""DICOM slides that OpenSlide cannot decode, through wsidicom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.slide.extra import need
from cancernet.slide.reader import level_of, reading, refuse_larger
from cancernet.slide.scale import Found

UM_PER_MM = 1000.0


class WsiDicomReader:
    """A slide read by wsidicom; see `OpenSlideReader`."""

    origin = (0, 0)

    def __init__(self, files: list[Path], *, threads: int) -> None:
        library = need("wsidicom")
        self._threads = threads
        with reading("damaged or not supported: DICOM"):
            self._slide = library.WsiDicom.open([str(file) for file in files])
            self._numbers = [level.level for level in self._slide.levels]
            sizes = [(level.size.width, level.size.height) for level in self._slide.levels]
            spacing = self._slide.levels[0].pixel_spacing
        self.kind = f"dicom, wsidicom {library.__version__}"
        self.size = sizes[0]
        refuse_larger(*self.size)
        self.levels = tuple(level_of(sizes[0], size, sizes[0]) for size in sizes)
        source = "DICOM Pixel Spacing"
        self.found = Found(spacing.width * UM_PER_MM, spacing.height * UM_PER_MM, source) if spacing else Found()

    def read(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """As `OpenSlideReader.read`."""
        with reading(f"damaged at row {y} of level {level}"):
            part = self._slide.read_region((x, y), self._numbers[level], (width, height), threads=self._threads)
        return np.asarray(part.convert("RGB"))

    def close(self) -> None:
        """Let the file go."""
        self._slide.close()
