"""Masks: pictures as large as the slide or smaller, in which each value, or colour, is a class and 0 is nothing."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.slide.annotation import Annotation, Drawn, Frame, union, unreadable
from cancernet.slide.extra import need
from cancernet.slide.reader import reading
from cancernet.slide.scale import BadSlide
from cancernet.slide.vips_reader import LOADERS, format_of

MOST_PIXELS = 100_000_000  # px; a whole slide has 30 million at 4 um/px
MOST_CLASSES = 32  # values; a picture that is no mask has hundreds
MOST_RUNS = 500_000  # stretches of one value along rows; what is drawn has a few to a row
ASPECT_SLACK = 0.01  # of a side: what rounding a reduced mask costs, and not what another slide has
LOSSY = "JPEG"


def is_picture(content: bytes) -> bool:
    """Whether a file begins as a PNG, a JPEG or a TIFF does."""
    return bool(format_of(content))


def read_mask(path: Path, content: bytes, frame: Frame) -> Drawn:
    """Read each value of a mask but 0 as a class, named by it: `255`, or `#ff0000` where the mask is in colours.

    Args:
        path: PNG or TIFF, of any size with the aspect of the slide.
        content: its first bytes at least.
        frame: of the slide.

    Raises:
        UserError: it is lossy, too large, no mask, or of another aspect than the slide.
    """
    format_name = format_of(content)
    if format_name == LOSSY:
        raise unreadable(path, "a JPEG blurs the values of a mask; export it as PNG or TIFF")
    library = need("pyvips")
    try:
        with reading("damaged"):
            image = getattr(library.Image, LOADERS[format_name])(str(path), fail_on="error")
            if image.width * image.height > MOST_PIXELS:
                raise BadSlide(f"{image.width}x{image.height} px; at most {MOST_PIXELS / 1e6:g} million: reduce it")
            if image.format != "uchar":
                raise BadSlide(f"its values are {image.format}, not of 8 bits")
            pixels = image.numpy()
    except BadSlide as error:
        raise unreadable(path, error) from error
    values, names = _values(np.atleast_3d(pixels))
    height, width = values.shape
    across, down = frame.width / width, frame.height / height
    if abs(width * down - frame.width) > max(ASPECT_SLACK * frame.width, down):
        raise unreadable(
            path,
            f"{width}x{height} px has not the aspect of the slide, {frame.width}x{frame.height}; of another slide?",
        )
    if len(names) > MOST_CLASSES:
        raise unreadable(path, f"it has {len(names)} values; a mask has one a class, a picture is none")
    return Drawn([Annotation(name, _outline(values == value, across, down, path)) for value, name in names.items()])


def _values(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.int64] | NDArray[np.uint8], dict[int, str]]:
    """Return a number a px (H, W), and the name of each that is there and not 0."""
    colours = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., :1]
    if np.any(colours != colours[..., :1]):
        packed = colours.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
        return packed, {int(value): f"#{value:06x}" for value in np.unique(packed) if value}
    grey = colours[..., 0]
    return grey, {int(value): str(value) for value in np.unique(grey) if value}


def _outline(inside: NDArray[np.bool_], across: float, down: float, path: Path) -> Any:
    """Return the px of a mask as a shape, exactly: the union of their runs along rows."""
    shapely = need("shapely")
    change = np.diff(np.pad(inside, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, begin = np.nonzero(change == 1)
    _, end = np.nonzero(change == -1)
    if len(row) > MOST_RUNS:
        raise unreadable(path, f"{len(row):,} runs of one value: noise, not outlines")
    boxes = shapely.box(begin * across, row * down, end * across, (row + 1) * down)
    cuts = np.searchsorted(row, np.arange(0, inside.shape[0] + 512, 512))  # near ones first: faster than all at once
    return union(union(boxes[first:last]) for first, last in pairwise(cuts) if last > first)
