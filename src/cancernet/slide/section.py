"""A slide at the model's scale as a plain file of uint8 RGB rows: read once, then read back in bands.

section.rgb    height x width x 3 bytes
section.json   of what file and at what scale it is; written last, so that a section with it is whole

A pixel of the model's scale is the exact mean of what it covers, at any factor: OpenCV's and Pillow's box filters
either want whole images or round a pixel's edges to whole source pixels; here the edges are fractional and a band can
begin anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.files import read_json, replacing, to_json, write_text
from cancernet.common.progress import progress
from cancernet.common.stages import Seconds
from cancernet.slide.area_mean import area_mean
from cancernet.slide.formats import Reader
from cancernet.slide.reader import Level
from cancernet.slide.scale import BadSlide, Scale

PIXELS, NOTES = "section.rgb", "section.json"
BAND_PIXELS = 16_000_000  # px decoded at once; 48 MB, and several rows of tiles
MOST_TILES_PIXELS = 2 * BAND_PIXELS  # px of a row of tiles that is still read whole
FINER = 3.5  # times finer than the model's scale: of scans of 0.22 to 0.28 um/px the level that is reduced four times
LEVEL_SLACK = 1.01  # a level reduced 16.04 times serves a factor of 16: nothing is seen of that


@dataclass(frozen=True)
class Section:
    """A slide at the model's scale.

    Attributes:
        path: the file of its pixels.
        width: px at the model's scale.
        height: the same, downwards.
        factor_x: full-resolution px under one px; px i covers i * factor_x to (i + 1) * factor_x.
        factor_y: the same, downwards.
        origin: x, y in full-resolution px of its top left corner.
        level: the level of the slide that was read.
    """

    path: Path
    width: int
    height: int
    factor_x: float
    factor_y: float
    origin: tuple[int, int]
    level: int

    def rows(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Return rows `start` to `stop` (or to the end): uint8 (rows, width, 3)."""
        stop = min(stop, self.height)
        line = self.width * 3
        values = np.fromfile(self.path, np.uint8, (stop - start) * line, offset=start * line)
        return values.reshape(stop - start, self.width, 3)

    def describe(self) -> dict[str, Any]:
        """Return what a summary says of it."""
        return {
            "width_px": self.width,
            "height_px": self.height,
            "factor_x": self.factor_x,
            "factor_y": self.factor_y,
            "origin_px": list(self.origin),
            "level": self.level,
        }


@dataclass(frozen=True)
class Reduction:
    """How a slide is brought to a scale.

    Attributes:
        number: of the level that is read.
        step_x: px of that level under one px of the result.
        step_y: the same, downwards.
        width: px of the result.
        height: the same, downwards.
    """

    number: int
    step_x: float
    step_y: float
    width: int
    height: int


def choose_level(levels: tuple[Level, ...], factor_x: float, factor_y: float) -> int:
    """Return the coarsest level that is still as fine as asked for; the finest where none is.

    Args:
        levels: of the slide.
        factor_x: full-resolution px that one px of the level may cover.
        factor_y: the same, downwards.
    """
    limits = factor_x * LEVEL_SLACK, factor_y * LEVEL_SLACK
    fine = [i for i, each in enumerate(levels) if each.down_x <= limits[0] and each.down_y <= limits[1]]
    return max(fine, key=lambda i: levels[i].down_x, default=0)


def make_section(
    reader: Reader,
    scale: Scale,
    model_mpp: float,
    folder: Path,
    fingerprint: dict[str, Any],
    seconds: Seconds | None = None,
) -> Section:
    """Write the section of an open slide into `folder`; found whole there, it is not read again.

    Args:
        reader: the open slide.
        scale: its scale.
        model_mpp: um/px of the section.
        folder: made if absent.
        fingerprint: what the section depends on; a section with another is made anew.
        seconds: gets how long reading and reducing were at work, side by side.

    Raises:
        BadSlide: too small, or larger at that scale than a glass slide; or damaged.
    """
    found = load_section(folder, fingerprint)
    if found is not None:
        return found
    plan = plan_section(reader, scale, model_mpp)
    factors = model_mpp / scale.mpp_x, model_mpp / scale.mpp_y
    section = Section(folder / PIXELS, plan.width, plan.height, *factors, reader.origin, plan.number)
    with (
        replacing(section.path) as temporary,
        temporary.open("wb") as file,
        progress(total=plan.height, what="read", unit=" rows") as bar,
    ):
        for rows in reduced_bands(reader, plan, seconds or Seconds()):
            file.write(rows.tobytes())
            bar.update(len(rows))
    notes = asdict(section) | {"path": PIXELS, "fingerprint": fingerprint}
    write_text(folder / NOTES, to_json(notes))
    return section


def plan_section(reader: Reader, scale: Scale, model_mpp: float) -> Reduction:
    """Say how an open slide of that scale is brought to what the model sees.

    Raises:
        BadSlide: too small, or larger at that scale than a glass slide.
    """
    plan = plan_reduction(reader, scale, model_mpp, finer=FINER)
    _check_size(plan.width, plan.height, scale, model_mpp)
    return plan


def plan_reduction(reader: Reader, scale: Scale, mpp: float, *, finer: float = 1.0) -> Reduction:
    """Say how an open slide of that scale is brought to `mpp` um/px, from a level so many times finer or more."""
    factor_x, factor_y = mpp / scale.mpp_x, mpp / scale.mpp_y
    number = choose_level(reader.levels, factor_x / finer, factor_y / finer)
    level = reader.levels[number]
    step_x, step_y = factor_x / level.down_x, factor_y / level.down_y
    return Reduction(number, step_x, step_y, int(level.width / step_x + 1e-6), int(level.height / step_y + 1e-6))


def reduced_bands(reader: Reader, plan: Reduction, seconds: Seconds | None = None) -> Iterator[NDArray[np.uint8]]:
    """Yield an open slide reduced as planned, from top to bottom: uint8 (some, width, 3); memory stays flat.

    A band is reduced while the next one is read: reading keeps to this thread, as libvips demands.

    Args:
        reader: the open slide.
        plan: from `plan_reduction`.
        seconds: gets how long reading and reducing were at work, side by side.

    Raises:
        BadSlide: the file is damaged.
    """
    seconds = seconds or Seconds()
    level = reader.levels[plan.number]
    columns = np.minimum(np.arange(plan.width + 1) * plan.step_x, level.width)

    def reduce(source: NDArray[Any], top: int, edges: NDArray[np.float64]) -> NDArray[np.uint8]:
        with seconds.of("reduce"):
            return area_mean(source, top, edges, columns)

    with ThreadPoolExecutor(1) as pool:
        before = None
        for band in _bands(reader, plan, seconds):
            if before is not None:
                yield before.result()
            before = pool.submit(reduce, *band)
        if before is not None:
            yield before.result()


def _bands(
    reader: Reader, plan: Reduction, seconds: Seconds
) -> Iterator[tuple[NDArray[Any], int, NDArray[np.float64]]]:
    """Yield the rows of the level under each band, the number of the first, and the edges of the band's rows in them.

    No row of the level is read twice, and no tile, where it is known where these begin.
    """
    level = reader.levels[plan.number]
    rows = np.minimum(np.arange(plan.height + 1) * plan.step_y, level.height)
    band = max(1, int(BAND_PIXELS / (level.width * plan.step_y)))
    tile = level.tile[1] if level.tile[1] * level.width <= MOST_TILES_PIXELS else 1
    next_row, kept = 0, np.empty((0, level.width, 3), np.uint8)
    for start in range(0, plan.height, band):
        edges = rows[start : start + band + 1]
        last = min(math.ceil(math.ceil(edges[-1]) / tile) * tile, level.height)
        top = next_row - len(kept)
        if last > next_row:
            with seconds.of("read"):
                new = reader.read(plan.number, 0, next_row, level.width, last - next_row)
            kept = np.concatenate([kept, new]) if len(kept) else new
            next_row = last
        yield kept, top, edges
        kept = kept[int(edges[-1]) - top :].copy()


def load_section(folder: Path, fingerprint: dict[str, Any]) -> Section | None:
    """Return the section in `folder`, if there is a whole one with that fingerprint."""
    notes, pixels = read_json(folder / NOTES, dict) or {}, folder / PIXELS
    if notes.pop("fingerprint", None) != fingerprint or not pixels.is_file():
        return None
    found = Section(**{**notes, "path": pixels, "origin": tuple(notes["origin"])})
    return found if pixels.stat().st_size == found.width * found.height * 3 else None


def _check_size(width: int, height: int, scale: Scale, model_mpp: float) -> None:
    if min(width, height) < defaults.MIN_PATCH_SIDE:
        raise BadSlide(
            f"too small: {width}x{height} px at {model_mpp:g} um/px (it has {scale.mpp_x:g}, {scale.source}); "
            f"at least {defaults.MIN_PATCH_SIDE} a side. Is its scale right?"
        )
    if width * height > defaults.SLIDE_MAX_SECTION:
        side_x, side_y = width * model_mpp / 1000, height * model_mpp / 1000
        raise BadSlide(
            f"{side_x:.0f}x{side_y:.0f} mm by its scale ({scale.mpp_x:g} um/px, {scale.source}), more than a "
            "glass slide holds; correct the scale with --mpp"
        )
