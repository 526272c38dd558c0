"""A drawn scene: coloured rectangles on glass at known places, unlike when mirrored, turned or shifted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # left, top, right, bottom, px

MPP = 0.25  # um/px at full resolution
MODEL_MPP = 4.0
FACTOR = 16
GLASS, MACRO = (255, 255, 255), (255, 140, 0)  # RGB; the second fills macro, label and preview images alone
RED, GREEN, BLUE, DARK = (200, 30, 30), (20, 150, 60), (30, 60, 200), (90, 20, 90)
COLOURS = (MACRO, RED, GREEN, BLUE, DARK)
WIDTH, HEIGHT = 3200, 2400  # px of the scanned area at full resolution
# none begins or ends on a pixel of the model's scale, save where it touches the area's corners
BOXES: dict[tuple[int, int, int], Box] = {
    RED: (0, 0, 327, 161),
    GREEN: (1841, 353, 2003, 1317),
    BLUE: (495, 1301, 1703, 1633),
    DARK: (2871, 2243, WIDTH, HEIGHT),
}


@dataclass(frozen=True)
class Made:
    """A file, and what is true of it.

    Attributes:
        path: the file to open.
        origin: x, y in the slide's plane of the scanned area, px at full resolution.
        size: width and height of that area.
        boxes: where each colour lies in the slide's plane.
        level: the level of the model's scale.
        power: of the objective.
    """

    path: Path
    origin: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (WIDTH, HEIGHT)
    boxes: dict[tuple[int, int, int], Box] | None = None
    level: int = 2
    power: float | None = 40.0

    def placed(self) -> dict[tuple[int, int, int], Box]:
        """Return `boxes`; by default those of the scene, from `origin`."""
        x, y = self.origin
        moved = {colour: (a + x, b + y, c + x, d + y) for colour, (a, b, c, d) in BOXES.items()}
        return moved if self.boxes is None else self.boxes


def blank(width: int, height: int, colour: tuple[int, int, int] = GLASS) -> Image:
    """Return uint8 RGB (height, width, 3) of one colour."""
    return np.full((height, width, 3), colour, np.uint8)


def draw(width: int = WIDTH, height: int = HEIGHT, at: tuple[int, int] = (0, 0)) -> Image:
    """Return the scene on a plane of that size, its corner at `at`."""
    image = blank(width, height)
    for colour, (left, top, right, bottom) in BOXES.items():
        image[at[1] + top : at[1] + bottom, at[0] + left : at[0] + right] = colour
    return image


def reduced(image: Image, by: int) -> Image:
    """Return the image with by x by px made one; a remainder is dropped, as scanners drop it."""
    height, width = (side // by for side in image.shape[:2])
    cut = image[: height * by, : width * by]
    return np.asarray(cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def jpeg(image: Image, *, restart: int = 0) -> bytes:
    """Return a JPEG of an RGB or grey image, its colours at full resolution.

    Args:
        image: uint8.
        restart: blocks of 8x8 px between restart markers.
    """
    how = [cv2.IMWRITE_JPEG_QUALITY, 95]
    how += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    how += [cv2.IMWRITE_JPEG_RST_INTERVAL, restart]
    return bytes(cv2.imencode(".jpg", image[..., ::-1] if image.ndim == 3 else image, how)[1])


def padded(image: Image, width: int, height: int) -> Image:
    """Return the image with glass added to its right and bottom."""
    out = blank(width, height)
    out[: image.shape[0], : image.shape[1]] = image
    return out


def boxes_in(image: Image) -> dict[tuple[int, int, int], Box]:
    """Return where each colour lies: the px that are at least half of it, the rest being glass."""
    taken = 255.0 - image  # what is missing to white: of a mixture with glass it has the colour's own direction
    away = 255.0 - np.array(COLOURS)
    along = taken @ (away / np.linalg.norm(away, axis=1, keepdims=True)).T
    of, amount = along.argmax(axis=-1), along / np.linalg.norm(away, axis=1)
    found = {}
    for number, colour in enumerate(COLOURS):
        rows, columns = np.nonzero((of == number) & (amount[..., number] >= 0.5))
        if len(rows):
            found[colour] = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    return found
