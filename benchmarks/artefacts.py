"""Faults of a slide, made on a section at 4 um/px by simple physics: what lies over tissue adds its optical density.

Each takes a source of chance, an image, where to (column, row) and how strong, and returns the spoilt image and where
it is spoilt. A fold's second layer is the tissue beside it turned over; a defocus is a Gaussian blur that grows
over its rim; ink absorbs; a bubble scatters light out at its rim and holds less of the stained medium within.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

WHITE = 245.0  # grey level of glass
GRAIN = 1.5  # grey levels of noise of an even field
SOFT = 1.0  # px; edge of a fold, a stroke, a rim
# optical density in R, G, B of a full stroke of marker; carmine has the hue of eosin
INKS = {
    "black": (1.1, 1.1, 1.1),
    "blue": (1.1, 0.7, 0.2),
    "green": (1.0, 0.35, 0.8),
    "red": (0.06, 0.9, 0.8),
    "carmine": (0.1, 0.8, 0.5),
}


@dataclass(frozen=True)
class Spoilt:
    """An image with a fault.

    Attributes:
        image: uint8 (H, W, 3) RGB.
        where: bool (H, W), where the fault is.
    """

    image: NDArray[np.uint8]
    where: NDArray[np.bool_]


def density(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the optical density (H, W, 3)."""
    return -np.log10(np.maximum(image.astype(np.float32), 1) / WHITE)


def picture(od: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the image (H, W, 3) of an optical density."""
    return np.clip(WHITE * 10.0**-od + 0.5, 0, 255).astype(np.uint8)


def fold(
    rng: np.random.Generator, image: NDArray[np.uint8], at: tuple[int, int], width: float, layers: float = 2.0
) -> Spoilt:
    """Fold a strip, `width` px wide and 6 to 12 times as long, gently curved; 1 + x layers add x of a second one."""
    along, across = _axes(rng, image, at)
    length = width * rng.uniform(6, 12)
    across = across + 0.6 * width * np.sin(along / length * 4)
    inside = _soft(width / 2 - np.abs(across)) * _soft(length / 2 - np.abs(along))
    down, right = np.gradient(across)
    angle = np.arctan2(down, right)
    shift = (width - 2 * across) * (np.abs(across) < width)  # the tissue beside, turned over the strip's edge
    rows, columns = np.indices(across.shape, dtype=np.float32)
    x, y = columns + np.cos(angle) * shift, rows + np.sin(angle) * shift
    od = density(image)
    over = cv2.remap(od, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return Spoilt(picture(od + (layers - 1) * inside[..., None] * over), inside > 0.5)


def defocus(image: NDArray[np.uint8], at: tuple[int, int], radius: float, sigma: float) -> Spoilt:
    """Blur a disk; sigma (px) is reached a fifth of the radius within the rim."""
    rows, columns = np.indices(image.shape[:2], dtype=np.float32)
    distance = np.hypot(columns - at[0], rows - at[1])
    share = np.clip((radius - distance) / (0.2 * radius), 0, 1)[..., None]
    half, whole = (cv2.GaussianBlur(image, (0, 0), each).astype(np.float32) for each in (sigma / 2, sigma))
    soft = np.where(share < 0.5, image + (half - image) * 2 * share, half + (whole - half) * (2 * share - 1))
    return Spoilt(np.clip(soft + 0.5, 0, 255).astype(np.uint8), share[..., 0] >= 1)


def pen(
    rng: np.random.Generator, image: NDArray[np.uint8], at: tuple[int, int], width: float, ink: str, strength: float
) -> Spoilt:
    """Draw a stroke, `width` px wide and 4 to 8 times as long, a little uneven; strength 1 is a full one."""
    along, across = _axes(rng, image, at)
    length = width * rng.uniform(4, 8)
    across = across + 0.5 * width * np.sin(along / length * 5)
    inside = _soft(width / 2 - np.abs(across)) * _soft(length / 2 - np.abs(along))
    small = rng.normal(1, 0.15, (image.shape[0] // 25 + 2, image.shape[1] // 25 + 2)).astype(np.float32)
    uneven = cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    added = (strength * inside * np.maximum(uneven, 0))[..., None] * np.array(INKS[ink])
    return Spoilt(picture(density(image) + added), inside > 0.5)


def bubble(
    image: NDArray[np.uint8], at: tuple[int, int], radius: float, rim: float, *, thick: float = 6.0, gap: float = 0.0
) -> Spoilt:
    """Lay a bubble: within, the picture is enlarged a little and paler.

    Its rim is `thick` px wide, of density `rim`, and invisible over a share `gap` of the round.
    """
    rows, columns = np.indices(image.shape[:2], dtype=np.float32)
    dx, dy = columns - at[0], rows - at[1]
    distance = np.hypot(dx, dy)
    near = np.where(distance < radius, 0.93, 1.0).astype(np.float32)
    seen = cv2.remap(density(image), at[0] + dx * near, at[1] + dy * near, cv2.INTER_LINEAR)
    inside = _soft(radius - distance)[..., None]
    there = np.abs(np.arctan2(dy, dx)) >= gap * np.pi
    dark = (rim * there * np.exp(-(((distance - radius) / (thick / 2)) ** 2)))[..., None]
    return Spoilt(picture(seen * (1 - 0.2 * inside) + dark), distance < radius + thick / 2)


def off_glass(
    rng: np.random.Generator, image: NDArray[np.uint8], at: tuple[int, int], grey: float, veil: bool
) -> Spoilt:
    """Cover all beyond a straight edge through a place: with an even grey level, or with a shade that lets through."""
    _, across = _axes(rng, image, at)
    beyond = _soft(across)[..., None]
    edge = 0.5 * np.exp(-((across / 3) ** 2))[..., None]
    if veil:
        od = density(image) + beyond * -np.log10(grey / WHITE) + edge
        return Spoilt(picture(od), across > 0)
    even = grey + rng.normal(0, GRAIN, image.shape)
    return Spoilt(np.clip(image * (1 - beyond) + even * beyond, 0, 255).astype(np.uint8), across > 0)


def _axes(
    rng: np.random.Generator, image: NDArray[np.uint8], at: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return px along and across a line through a place in a direction left to chance."""
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.indices(image.shape[:2], dtype=np.float32)
    dx, dy = columns - at[0], rows - at[1]
    return dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)


def _soft(inward: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return 1 well within, 0 well without, by px from the edge inwards."""
    return 1 / (1 + np.exp(np.clip(-2 * inward / SOFT, -50, 50)))
