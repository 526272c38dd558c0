"""The distortions behind the corruptions: each takes patches, a level and numbers drawn, and gives patches.

All take uint8 RGB (n, H, W, 3), a level in the unit that `corruptions.CORRUPTIONS` states, and uniform
numbers float32 (n, DRAWS), a row a patch; all return uint8 (n, H, W, 3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.model.floor import DENSITY, STAINS

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
MAX_SPECKS = 12
DRAWS = 4 * MAX_SPECKS  # numbers drawn a patch; the most that any distortion uses


def _sign(drawn: Floats) -> Floats:
    return np.where(drawn < 0.5, np.float32(-1), np.float32(1))


def _bytes(values: NDArray[Any]) -> Images:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def stain(images: Images, level: float, drawn: Floats) -> Images:
    """Scale and shift the optical density of each stain, either way (Tellez et al. 2019, their HED variation)."""
    n, height, width, _ = images.shape
    gain, shift = 1 + level * _sign(drawn[:, 0:3]), level * _sign(drawn[:, 3:6])
    # Unmixing, scaling and mixing are one 3 x 3 matrix a patch.
    mix = np.linalg.inv(STAINS).astype(np.float32) @ (gain[:, :, None] * STAINS.astype(np.float32))
    changed = DENSITY[images.reshape(n, -1, 3)] @ mix + (shift @ STAINS.astype(np.float32))[:, None, :]
    return _bytes(256 * np.exp(-changed) - 1).reshape(n, height, width, 3)


def _hsv(images: Images, channel: int, change: Floats) -> Images:
    n, height, width, _ = images.shape
    hsv = cv2.cvtColor(images.reshape(n * height, width, 3).astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    planes = hsv.reshape(n, height, width, 3)
    planes[..., channel] = np.clip(planes[..., channel] + change[:, None, None], 0, 1)
    return _bytes(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)).reshape(images.shape)


def brightness(images: Images, level: float, drawn: Floats) -> Images:
    """Add to the value of HSV, or take from it."""
    return _hsv(images, 2, level * _sign(drawn[:, 0]))


def saturation(images: Images, level: float, drawn: Floats) -> Images:
    """Add to the saturation of HSV, or take from it."""
    return _hsv(images, 1, level * _sign(drawn[:, 0]))


def contrast(images: Images, level: float, drawn: Floats) -> Images:
    """Draw the pixels to the patch's mean colour, or away from it."""
    factor = (level ** _sign(drawn[:, 0]))[:, None, None, None]
    mean = images.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
    return _bytes((images - mean) * factor + mean)


def _each(change: Callable[[Images], NDArray[Any]], images: Images) -> Images:
    return np.stack([change(image) for image in images]).astype(np.uint8, copy=False)


def gaussian_blur(images: Images, level: float, _: Floats) -> Images:
    """Blur by a Gaussian of `level` px."""
    return _each(lambda image: cv2.GaussianBlur(image, (0, 0), level, borderType=cv2.BORDER_REFLECT), images)


def defocus(images: Images, level: float, _: Floats) -> Images:
    """Blur by a disc of `level` px."""
    kernel = disc(level)
    return _each(lambda image: cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT), images)


def disc(radius: float) -> Floats:
    """Return the kernel of a lens out of focus: a disc of `radius` px, its rim shared out, of sum 1."""
    fine, reach = 16, int(np.ceil(radius))
    axis = (np.arange(fine * (2 * reach + 1)) + 0.5) / fine - reach - 0.5
    inside = (axis[:, None] ** 2 + axis**2 <= radius**2).astype(np.float32)
    kernel = inside.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).mean(axis=(1, 3))
    return kernel / kernel.sum()


def jpeg(images: Images, level: float, _: Floats) -> Images:
    """Save as JPEG of quality `level` and read again."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(level)]

    def again(image: Images) -> NDArray[Any]:
        coded = cv2.imencode(".jpg", image[..., ::-1], quality)[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))[..., ::-1]

    return _each(again, images)


def pixelation(images: Images, level: float, _: Floats) -> Images:
    """Keep the share `level` of the pixels of a side, then repeat them."""
    height, width = images.shape[1:3]
    few = (max(1, round(width * level)), max(1, round(height * level)))

    def coarser(image: Images) -> NDArray[Any]:
        small = cv2.resize(image, few, interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)

    return _each(coarser, images)


def _distance(images: Images, drawn: Floats) -> Floats:
    """Distance (n, H, W) in px of each pixel to a point of the patch drawn by two numbers."""
    height, width = images.shape[1:3]
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)
    y, x = (drawn[:, 0] * height)[:, None, None], (drawn[:, 1] * width)[:, None, None]
    return np.sqrt((rows - y) ** 2 + (columns - x) ** 2)


def bubbles(images: Images, level: float, drawn: Floats) -> Images:
    """Lay an air bubble of radius `level` px over each patch: a dark rim, stray light within."""
    from_rim = level - _distance(images, drawn)[..., None]
    inside = 0.5 * np.clip(from_rim + 0.5, 0, 1)  # half of what is seen through air is stray light
    rim = 0.65 * np.clip(1.5 - np.abs(from_rim), 0, 1)  # the rim bends light away and is dark
    return _bytes((images * (1 - inside) + 235 * inside) * (1 - rim))


def dust(images: Images, level: float, drawn: Floats) -> Images:
    """Strew `level` dark specks over each patch."""
    light = np.ones(images.shape[:3], np.float32)
    for speck in range(int(level)):
        own = drawn[:, 4 * speck : 4 * speck + 4]
        radius, dark = (0.75 + own[:, 2])[:, None, None], (0.5 + 0.4 * own[:, 3])[:, None, None]
        light *= 1 - dark * np.clip(radius + 0.5 - _distance(images, own), 0, 1)
    return _bytes(images * light[..., None])
