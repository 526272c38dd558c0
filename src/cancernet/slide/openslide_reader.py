"""Scanner formats and tiled pyramids through OpenSlide: any part of any level, decoded by several threads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.data.decode import over_white
from cancernet.slide.extra import need
from cancernet.slide.reader import level_of, reading, refuse_larger
from cancernet.slide.scale import Found

COLUMNS = 2048  # px decoded at once by a thread; several tiles of any scanner
CACHE_BYTES = 64_000_000  # tiles kept decoded: a row of them, so that the next band finds what it shares
OPAQUE = 255  # alpha
NO_TILES = (1, 1)  # px; of a level that is not read by tiles, or whose tiles do not begin where its px do

GENERIC = "generic-tiff"  # OpenSlide's word for a tiled TIFF of no scanner

Pair = tuple[int, int]  # across, down


class OpenSlideReader:
    """A slide read by OpenSlide.

    Attributes:
        kind: format and library, in words.
        origin: x, y of the scanned area in full-resolution px; not 0, 0 where a scanner states bounds.
        size: width, height of that area in full-resolution px.
        levels: finest first.
        found: what the file says of its scale: what the caller knows of it, or else OpenSlide's properties.
    """

    def __init__(self, path: Path, vendor: str, *, threads: int, found: Found | None = None) -> None:
        library = need("openslide")
        with reading(f"damaged or not supported: {vendor}"):
            self._slide = library.OpenSlide(str(path))
            self._slide.set_cache(library.OpenSlideCache(CACHE_BYTES))
            properties, sizes = dict(self._slide.properties), self._slide.level_dimensions
            self.kind = f"{vendor}, OpenSlide {library.__library_version__}"
            if vendor == GENERIC:  # of which OpenSlide "bounds" the tiles that are there; viewers show all of it
                properties = {name: value for name, value in properties.items() if "bounds" not in name}
            self.origin, self.size = bounds(properties, sizes[0])
            refuse_larger(*self.size)
            self._downs = self._slide.level_downsamples
            inside = self.origin != (0, 0)  # the scanned area then begins somewhere in a tile
            tiles = [NO_TILES if inside else tile_of(properties, i, down) for i, down in enumerate(self._downs)]
            levels = zip(sizes, tiles, strict=True)
            self.levels = tuple(level_of(sizes[0], size, self.size, tile) for size, tile in levels)
            self.found = found or scale_of(properties)
        self._pool = ThreadPoolExecutor(threads)

    def read(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """Return uint8 RGB (height, width, 3) of that part of a level, in its px; transparent is white.

        Raises:
            BadSlide: the file is damaged there.
        """
        chosen, down = self.levels[level], self._downs[level]
        top = self.origin[1] + round(y * down)  # OpenSlide divides by this, the mean of across and down
        out = np.empty((height, width, 3), np.uint8)
        step = max(1, COLUMNS // chosen.tile[0]) * chosen.tile[0]

        def column(start: int) -> None:
            stop = min(start + step, width)
            left = self.origin[0] + round((x + start) * down)
            part = self._slide.read_region((left, top), level, (stop - start, height))
            rgba = np.asarray(part)
            if rgba[..., 3].min() == OPAQUE:
                cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB, dst=out[:, start:stop])
            else:
                out[:, start:stop] = over_white(rgba)

        with reading(f"damaged at row {top}"):
            list(self._pool.map(column, range(0, width, step)))
        return out

    def close(self) -> None:
        """Let the file go."""
        self._pool.shutdown()
        self._slide.close()


def bounds(properties: Mapping[str, str], full: Pair) -> tuple[Pair, Pair]:
    """Return origin and size (full-resolution px) of the part that was scanned.

    MRXS, SCN and others frame it in a larger, empty plane. QuPath shows that part alone. Bounds that are no part of
    the plane say nothing.
    """
    stated = [_number(properties.get(f"openslide.bounds-{name}")) for name in ("x", "y", "width", "height")]
    x, y, width, height = (-1 if value is None else round(value) for value in stated)
    if not (0 <= x < full[0] and 0 <= y < full[1] and width > 0 and height > 0):
        return (0, 0), full
    return (x, y), (min(width, full[0] - x), min(height, full[1] - y))


def scale_of(properties: Mapping[str, str]) -> Found:
    """Return what the properties say of the scale."""
    x, y = (_number(properties.get(f"openslide.mpp-{axis}")) for axis in "xy")
    power = _number(properties.get("openslide.objective-power"))
    return Found(x, y, "openslide.mpp-x", power)


def tile_of(properties: Mapping[str, str], level: int, down: float) -> Pair:
    """Return width and height of the tiles of a level, or NO_TILES.

    OpenSlide places a level that was not reduced by a whole number between its px, each part by itself; only on
    others are the pixels the same wherever a part begins.

    Args:
        properties: of the slide.
        level: its number.
        down: by how much OpenSlide takes it to be reduced.
    """
    stated = [_number(properties.get(f"openslide.level[{level}].tile-{side}")) for side in ("width", "height")]
    width, height = (int(value or 0) for value in stated)
    whole = width > 0 and height > 0 and float(down).is_integer()
    return (width, height) if whole else NO_TILES


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
