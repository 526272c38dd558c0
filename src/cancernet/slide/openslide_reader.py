"""Scanner formats and tiled pyramids through OpenSlide: any part of any level, decoded by several threads."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product
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
GENERIC = "generic-tiff"  # OpenSlide's word for a TIFF of no scanner
NO_TILES = (1, 1)  # px; of a level that is not read by tiles, or whose tiles do not begin where its px do

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
            # of a plain TIFF OpenSlide "bounds" the tiles that are there; other programs count from the whole of it
            self.origin, self.size = bounds({} if vendor == GENERIC else properties, sizes[0])
            refuse_larger(*self.size)
            tiles = [tile_of(properties, i, down) for i, down in enumerate(self._slide.level_downsamples)]
            self._downs, self._areas = self._slide.level_downsamples, areas(properties)
            levels = zip(sizes, tiles, strict=True)
            self.levels = tuple(level_of(sizes[0], size, self.size, tile) for size, tile in levels)
            self.found = found or scale_of(properties)
        self._pool = ThreadPoolExecutor(threads)

    def read(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """Return uint8 RGB (height, width, 3) of that part of a level, in its px; transparent is white.

        Raises:
            BadSlide: the file is damaged there.
        """
        tile = self.levels[level].tile[0]
        out = np.empty((height, width, 3), np.uint8)
        step = max(1, COLUMNS // tile) * tile
        begin_x, begin_y = ([self._begin(level, axis, area[axis]) for area in self._areas] for axis in range(2))
        columns, rows = cuts(x, x + width, step, begin_x), cuts(y, y + height, height, begin_y)

        def part(sides: tuple[Pair, Pair]) -> None:
            (top, bottom), (left, right) = sides
            corner = self._place(level, 0, left), self._place(level, 1, top)
            rgba = np.asarray(self._slide.read_region(corner, level, (right - left, bottom - top)))
            into = out[top - y : bottom - y, left - x : right - x]
            if rgba[..., 3].min() == OPAQUE:
                cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB, dst=into)
            else:
                into[:] = over_white(rgba)

        with reading(f"damaged at row {self._place(level, 1, y)}"):
            list(self._pool.map(part, product(pairwise(rows), pairwise(columns))))
        return out

    def _place(self, level: int, axis: int, at: int) -> int:
        """Return the full-resolution px that OpenSlide takes to px `at` of the scanned area of a level.

        It divides by its own mean of across and down, which a dropped remainder shifts from the true reduction.
        Where there are areas it cuts the fraction of the quotient off, so that it has to be `at` or a little more.
        """
        down = self._downs[level]
        place = self.origin[axis] * (down / self._true_down(level, axis)) + at * down
        return math.ceil(place) if self._areas else round(place)

    def _begin(self, level: int, axis: int, place: int) -> int:
        """Return the px of the scanned area of a level at which an area at that full-resolution px begins."""
        down = self._true_down(level, axis)
        return int(place / down) - int(self.origin[axis] / down)

    def _true_down(self, level: int, axis: int) -> float:
        return (self.levels[level].down_x, self.levels[level].down_y)[axis]

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


def areas(properties: Mapping[str, str]) -> list[Pair]:
    """Return x, y (full-resolution px) of the areas of the plane that were scanned one by one, where any are stated."""
    found: list[Pair] = []
    while f"openslide.region[{len(found)}].x" in properties:
        x, y = (_number(properties.get(f"openslide.region[{len(found)}].{axis}")) for axis in "xy")
        found.append((int(x or 0), int(y or 0)))
    return found


def cuts(start: int, stop: int, step: int, begins: Iterable[int]) -> list[int]:
    """Return where a side from `start` to `stop` is cut into parts: every `step` px, and where an area begins.

    OpenSlide lays areas of SCN at whole px from a part's corner, cutting fractions off towards 0: those that begin
    within a part come one px early.
    """
    return sorted({*range(start, stop, step), *(each for each in begins if start < each < stop), stop})


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
    inside = "openslide.bounds-x" in properties  # the scanned area then begins somewhere in a tile
    whole = width > 0 and height > 0 and float(down).is_integer() and not inside
    return (width, height) if whole else NO_TILES


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
