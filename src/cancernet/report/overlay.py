"""A patch in grey under the colours of its evidence, as pixels."""

from __future__ import annotations

import cv2
import matplotlib
import numpy as np
from matplotlib.colors import Colormap, Normalize

COLOURS = "PuOr_r"  # orange against purple: told apart by the colour-blind; white between is no evidence
DARKEST = 0.4  # of a black pixel under the colours, so that they show on dark nuclei too
DOTS = 9  # px between dots of the line around what speaks for benign
STEPS = 60  # of colour: the eye sees no bands, and the PNG takes a third
LEAST_SPAN = 1.0  # log odds; a flat map is not blown up to look like one that is not


def colour_map() -> Colormap:
    """Return the colours: purple for benign, white, orange for malignant."""
    return matplotlib.colormaps[COLOURS]


def span_of(evidence: np.ndarray, neutral: float) -> float:
    """Return the distance from `neutral` at which colours are full: 19 of 20 cells of (..., h, w) lie within."""
    return max(LEAST_SPAN, float(np.quantile(np.abs(evidence - neutral), 0.95)))


def scale(neutral: float, span: float) -> Normalize:
    """Return the norm of the colours: `neutral` is white, log odds `span` away from it full colour."""
    return Normalize(neutral - span, neutral + span)


def enlarged(patch: np.ndarray, side: int) -> np.ndarray:
    """Return a patch as uint8 (side, side, 3), its pixels as squares: nothing is made up, and a PNG stays small."""
    return cv2.resize(patch, (side, side), interpolation=cv2.INTER_NEAREST)


def tinted(patch: np.ndarray, evidence: np.ndarray, *, neutral: float, span: float, side: int) -> np.ndarray:
    """Lay the colours of evidence over a patch in grey.

    In black and white, a line surrounds what speaks for malignant by more than half the span, and a row of dots what
    speaks for benign as much.

    Args:
        patch: uint8 RGB (50, 50, 3).
        evidence: float32 (h, w) in log odds, one value a cell of the patch.
        neutral: log odds that are white.
        span: log odds from there to full colour.
        side: of the picture, px.

    Returns:
        uint8 (side, side, 3).
    """
    grey = cv2.cvtColor(enlarged(patch, side), cv2.COLOR_RGB2GRAY) / 255
    field = cv2.resize(np.asarray(evidence, "float32"), (side, side), interpolation=cv2.INTER_LINEAR)
    share = np.round(scale(neutral, span)(field) * STEPS) / STEPS
    colours = colour_map()(share)[..., :3]
    picture = np.ascontiguousarray(
        np.round(255 * colours * (DARKEST + (1 - DARKEST) * grey[..., None])).astype("uint8")
    )
    width = max(1, side // 200)
    for sign in (1, -1):
        strong = (sign * (field - neutral) >= span / 2).astype("uint8")
        outlines, _ = cv2.findContours(strong, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        if sign == 1:
            cv2.drawContours(picture, outlines, -1, (0, 0, 0), width)
            continue
        for x, y in (point for outline in outlines for point in outline[::DOTS, 0]):
            cv2.circle(picture, (int(x), int(y)), width, (0, 0, 0), -1)
    return picture
