"""From a file's bytes to an RGB patch of the one size that everything after works on."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # before the import: what is wrong with a file is said once, by us

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.data.headers import BadImage, read_header

MAX_PIXELS = 64_000_000  # px; 200 MB as RGB: stops a small file that unpacks to gigabytes

# OpenCV before 4.11 cannot give RGB by itself.
_PLAIN = getattr(cv2, "IMREAD_COLOR_RGB", cv2.IMREAD_UNCHANGED)
if _PLAIN != cv2.IMREAD_UNCHANGED:
    _PLAIN |= cv2.IMREAD_IGNORE_ORIENTATION

Image = NDArray[Any]  # uint8; the stubs of OpenCV promise less


def decode(content: bytes) -> Image:
    """Decode a PNG, JPEG or TIFF to uint8 RGB, shape (height, width, 3).

    Gray becomes three equal channels, palettes are looked up, transparency is laid over white (the colour
    of an empty slide) and 16 bits are scaled to 8. Of several pages the first counts.

    Raises:
        BadImage: empty, truncated, damaged, not an image, another format, or more than
            `MAX_PIXELS` pixels.
    """
    header = read_header(content)
    if header.width * header.height > MAX_PIXELS:
        raise BadImage(f"too large ({header.width}x{header.height} px; at most {MAX_PIXELS:,} pixels)")
    flags = _PLAIN if header.plain else cv2.IMREAD_UNCHANGED
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise BadImage(f"damaged (its {header.format} data cannot be decoded)")
    if header.plain and _PLAIN != cv2.IMREAD_UNCHANGED:
        return image
    # libtiff hands out colours that are multiplied by alpha already, but only where they have 8 bits
    multiplied = header.format == "TIFF" and image.dtype == np.uint8
    if image.dtype != np.uint8:
        if image.dtype != np.uint16:
            raise BadImage(f"unsupported format ({image.dtype} pixels; save it with 8 or 16 bits)")
        image = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 -> 255, rounded
    if image.ndim == 3 and image.shape[2] == 3:
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    if image.ndim == 2 or image.shape[2] == 1:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    if image.shape[2] == 4:
        laid = over_white(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA), multiplied=multiplied)
        return np.ascontiguousarray(laid)
    raise BadImage(f"unsupported format ({image.shape[2]} channels)")


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
    if min(height, width) < defaults.MIN_PATCH_SIDE:
        raise BadImage(f"too small ({width}x{height} px; at least {defaults.MIN_PATCH_SIDE} a side)")
    if max(height, width) > size:
        raise BadImage(f"too large for a patch ({width}x{height} px; at most {size} a side)")
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
