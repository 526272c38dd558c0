"""From a file's bytes to an RGB patch of the one size that everything after works on."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.data.headers import BadImage, check_size, kind_of
from cancernet.data.jpeg import read_jpeg
from cancernet.data.png import read_png
from cancernet.data.tiff import read_tiff

_READERS = {"PNG": read_png, "JPEG": read_jpeg, "TIFF": read_tiff}
_FEWER_BITS = (8, 10, 12, 14)  # of cameras, whose values lie unscaled in samples of 16

Image = NDArray[Any]  # uint8; the stubs of OpenCV promise less


def decode(content: bytes) -> Image:
    """Decode a PNG, JPEG or TIFF of a patch's size to uint8 RGB, shape (height, width, 3).

    Gray becomes three equal channels, palettes are looked up, transparency is laid over white (the colour
    of an empty slide) and 16 bits are scaled to 8. Of several pages the first counts.

    Raises:
        BadImage: empty, truncated, damaged, not an image, another format, or not a patch's size, which is told from
            the header, before anything is decoded.
    """
    pixels, multiplied = _READERS[kind_of(content)](content)
    if pixels.dtype != np.uint8:
        pixels = _eight_bits(pixels)
    if pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    if pixels.shape[2] == 4:
        return np.ascontiguousarray(over_white(pixels, multiplied=multiplied))
    return pixels


def _eight_bits(pixels: Image) -> Image:
    """Scale uint16 to uint8; refuse values of fewer bits, which would come out black.

    All zeros are let through: black is black in any scale.
    """
    highest = int(pixels[..., :3].max() if pixels.ndim == 3 else pixels.max())
    held = next((bits for bits in _FEWER_BITS if highest < 1 << bits), None)
    if highest and held:
        raise BadImage(f"unsupported format (holds {held}-bit values in 16 bits; save it with 8 bits)")
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 -> 255, rounded


def fit_patch(image: Image) -> Image:
    """Return a patch of PATCH_SIZE x PATCH_SIZE px: uint8 (50, 50, 3), contiguous.

    A smaller one, as at a section's right and bottom edge, is continued to the right and below by
    reflection, which keeps its stain and texture where black or white would invent a class of its own.

    Raises:
        BadImage: a side under `defaults.MIN_PATCH_SIDE` or over `defaults.PATCH_SIZE` px.
    """
    height, width = image.shape[:2]
    size = defaults.PATCH_SIZE
    if height == size and width == size:
        return image
    check_size(width, height)
    return cv2.copyMakeBorder(image, 0, size - height, 0, size - width, cv2.BORDER_REFLECT)


def over_white(image: Image, *, multiplied: bool = False) -> Image:
    """Lay uint8 RGBA (h, w, 4) over white: uint8 RGB (h, w, 3).

    Args:
        image: to be laid.
        multiplied: whether its colours are multiplied by alpha already.
    """
    if image[..., 3].min() == 255:
        return image[..., :3]
    colour, alpha = image[..., :3].astype(np.uint16), image[..., 3:].astype(np.uint16)
    if not multiplied:
        colour = (colour * alpha + 127) // 255
    return np.minimum(colour + 255 - alpha, 255).astype(np.uint8)
