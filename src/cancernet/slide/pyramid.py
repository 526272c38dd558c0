"""Scanner formats and tiled pyramids through OpenSlide: any part of any level, decoded by several threads."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.slide.extra import need
from cancernet.slide.reader import Level, refuse_larger
from cancernet.slide.scale import BadSlide, Found, believable

COLUMNS = 2048  # px decoded at once by a thread; several tiles of any scanner
CACHE_BYTES = 64_000_000  # tiles kept decoded: a row of them, so that the next band finds what it shares
GENERIC = "generic-tiff"  # no scanner's format: its scale is a print resolution, which may say nothing


class Pyramid:
    """A slide read by OpenSlide; see `cancernet.slide.reader.Reader`."""

    rows_only = False

    def __init__(self, path: Path, vendor: str, *, threads: int) -> None:
        self._library = need("openslide")
        try:
            self._slide = self._library.OpenSlide(str(path))
            self._slide.set_cache(self._library.OpenSlideCache(CACHE_BYTES))
            properties, sizes = dict(self._slide.properties), self._slide.level_dimensions
        except self._library.OpenSlideError as error:
            raise BadSlide(f"damaged or not supported ({vendor}: {_first_line(error)})") from error
        self.kind = f"{vendor}, OpenSlide {self._library.__library_version__}"
        self.origin, self.size = bounds(properties, sizes[0])
        refuse_larger(*self.size, defaults.SLIDE_MAX_PIXELS)
        self.levels = tuple(_level(sizes[0], size, self.size) for size in sizes)
        self.found = scale_of(properties, vendor)
        self._pool = ThreadPoolExecutor(threads)

    def read(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """As the protocol says."""
        chosen = self.levels[level]
        top = self.origin[1] + round(y * chosen.down_y)
        out = np.empty((height, width, 3), np.uint8)

        def column(start: int) -> None:
            stop = min(start + COLUMNS, width)
            left = self.origin[0] + round((x + start) * chosen.down_x)
            part = self._slide.read_region((left, top), level, (stop - start, height))
            out[:, start:stop] = over_white(np.asarray(part))

        try:
            list(self._pool.map(column, range(0, width, COLUMNS)))
        except self._library.OpenSlideError as error:
            raise BadSlide(f"damaged at row {top} ({_first_line(error)})") from error
        return out

    def close(self) -> None:
        """Let the file go."""
        self._pool.shutdown()
        self._slide.close()


def bounds(properties: Mapping[str, str], full: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return origin and size (full-resolution px) of the part that was scanned.

    MRXS, SCN and others frame it in a larger, empty plane. QuPath shows that part alone.
    """
    names = [f"openslide.bounds-{name}" for name in ("x", "y", "width", "height")]
    if any(name not in properties for name in names):
        return (0, 0), full
    x, y, width, height = (int(properties[name]) for name in names)
    return (x, y), (min(width, full[0] - x), min(height, full[1] - y))


def scale_of(properties: Mapping[str, str], vendor: str) -> Found:
    """Return what the properties say of the scale; a print resolution only where it can be a microscope's."""
    mpp_x, mpp_y = (_number(properties.get(f"openslide.mpp-{axis}")) for axis in "xy")
    power = _number(properties.get("openslide.objective-power"))
    source = "openslide.mpp-x"
    if vendor == GENERIC:
        source = "TIFF resolution"
        if not (believable(mpp_x) and believable(mpp_y)):
            mpp_x = mpp_y = None
    return Found(mpp_x, mpp_y, source, power)


def over_white(image: NDArray[Any]) -> NDArray[Any]:
    """Lay uint8 RGBA (h, w, 4), its colours not multiplied by alpha, over white: uint8 RGB (h, w, 3)."""
    if image[..., 3].min() == 255:
        return image[..., :3]
    colour, alpha = image[..., :3].astype(np.uint16), image[..., 3:].astype(np.uint16)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _level(full: tuple[int, int], size: tuple[int, int], area: tuple[int, int]) -> Level:
    down_x, down_y = _down(full[0], size[0]), _down(full[1], size[1])
    return Level(
        max(1, min(size[0], int(area[0] / down_x))),
        max(1, min(size[1], int(area[1] / down_y))),
        down_x,
        down_y,
    )


def _down(full: int, size: int) -> float:
    """Full-resolution px under one px of a level of that size.

    A level of 187 px of a slide of 3,000 was reduced 16 times, with a remainder dropped, not 16.04 times.
    """
    whole = round(full / size)
    return float(whole) if abs(full / whole - size) < 1 else full / size


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
