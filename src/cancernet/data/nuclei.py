"""Nuclei of the synthetic section: where they lie and what outline they have."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

PIXEL = 2.0  # um; the canvas is drawn at 2 um/px
CORNERS = 9  # of a nucleus' outline: enough to be round, few enough to be quick
SUBPIXEL = 4  # fractional bits of OpenCV's integer coordinates


@dataclass(frozen=True)
class NucleusShape:
    """A kind of nucleus.

    Attributes:
        long: half the long axis, um.
        short: half the short axis, um.
        spread: deviation of the size from one nucleus to the next, as a share of it.
        irregularity: deviation of the outline from an ellipse, as a share of the radius.
    """

    long: float
    short: float
    spread: float
    irregularity: float


def scatter(rng: np.random.Generator, where: NDArray[np.bool_], *, spacing: float, keep: float) -> NDArray[np.float64]:
    """Return points (n, 2) as x, y in px inside `where`: a jittered grid, so that cells seldom overlap.

    Args:
        rng: random source.
        where: bool (h, w), where points may lie.
        spacing: px between neighbours on average.
        keep: share of the grid's points kept, 0-1.
    """
    height, width = where.shape
    y, x = np.mgrid[0:height:spacing, 0:width:spacing]
    points = np.stack([x.ravel(), y.ravel()], axis=1) + rng.uniform(-0.45, 0.45, (x.size, 2)) * spacing
    points = points[rng.random(len(points)) < keep]
    column, row = np.floor(points).astype(int).T
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    points, column, row = points[inside], column[inside], row[inside]
    return points[where[row, column]]


def draw_nuclei(
    rng: np.random.Generator,
    layer: NDArray[np.uint8],
    centres: NDArray[np.float64],
    shape: NucleusShape,
    *,
    depth: float,
    uneven: float = 0.12,
) -> None:
    """Draw one nucleus at each centre into `layer`, in place.

    Args:
        rng: random source.
        layer: uint8 (h, w), density of haematoxylin; 255 is one unit of optical density.
        centres: (n, 2), x and y in px.
        shape: what kind of nucleus.
        depth: density of a nucleus, 0-255.
        uneven: deviation of that density from one nucleus to the next, as a share of it.
    """
    n = len(centres)
    size = np.clip(1 + shape.spread * rng.standard_normal(n), 0.5, 2.2)[:, None] / PIXEL
    turn = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    radius = size * np.clip(1 + shape.irregularity * rng.standard_normal((n, CORNERS)), 0.4, 1.8)
    u, v = radius * shape.long * np.cos(turn), radius * shape.short * np.sin(turn)
    tilt = rng.uniform(0, np.pi, n)[:, None]
    outline = np.stack([u * np.cos(tilt) - v * np.sin(tilt), u * np.sin(tilt) + v * np.cos(tilt)], axis=-1)
    corners = np.round((outline + centres[:, None, :]) * 2**SUBPIXEL).astype(np.int32)
    level = np.clip(depth * (1 + uneven * rng.standard_normal(n)), 0, 255).astype(int).tolist()
    for corner, value in zip(corners, level, strict=True):
        cv2.fillConvexPoly(layer, corner, value, cv2.LINE_AA, SUBPIXEL)
