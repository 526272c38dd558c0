"""Draw an H&E-like breast section from random numbers: no real tissue is in it.

Tissue is drawn as two dye densities (haematoxylin, eosin) at twice the final resolution and turned into
colour by the Beer-Lambert law, so that stain varies between patients the way it does in a laboratory.
What separates the classes is meant to be nuclear size, shape and arrangement; colour is made a poor guide
by benign tissue that is just as blue (lobules, lymphocytes) and by tumours that are pale or scattered.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.data.tissue import (
    Canvas,
    Floats,
    Mask,
    collagen,
    fat_cells,
    lobules,
    lymphocytes,
    smooth_noise,
    stroma,
    tumour_nests,
)

SCALE = 2  # drawn at 2 um/px and reduced, so that nuclei of 2-3 px get soft edges

# optical density of each dye in R, G, B: the reference that goes with Macenko et al. 2009 (ISBI, 1107-1110)
HAEMATOXYLIN = (0.5626, 0.7201, 0.4062)
EOSIN = (0.2159, 0.8012, 0.5581)
DYE_SPREAD = 0.035  # deviation of a dye's colour between patients, as optical density
STRENGTH_SPREAD = (0.22, 0.26)  # deviation between patients of the log of each dye's strength
GRAIN = 2.0  # grey levels of camera noise


@dataclass(frozen=True)
class Section:
    """A drawn section at 4 um/px.

    Attributes:
        image: uint8 (h, w, 3), RGB.
        tissue: bool (h, w), where there is tissue.
        malignant: bool (h, w), where tumour was drawn.
    """

    image: NDArray[np.uint8]
    tissue: Mask
    malignant: Mask


def draw_section(rng: np.random.Generator, height: int, width: int, *, malignant_share: float) -> Section:
    """Draw one patient's section.

    Args:
        rng: source of every random choice; the same state draws the same section.
        height: px at 4 um/px.
        width: px at 4 um/px.
        malignant_share: share of the tissue (0-1) that is tumour.

    Returns:
        The section: image, tissue mask and the true extent of the tumour.
    """
    shape = (height * SCALE, width * SCALE)
    tissue = _outline(rng, shape)
    malignant = _tumour(rng, tissue, malignant_share)
    fat, membranes = fat_cells(rng, tissue, fewer_in=malignant)
    solid = tissue & ~fat

    canvas = Canvas(eosin=collagen(rng, tissue), haze=_haze(rng, tissue), nuclei=np.zeros(shape, np.uint8))
    stroma(rng, canvas, solid)
    lymphocytes(rng, canvas, solid)
    lobules(rng, canvas, solid & ~malignant)
    tumour_nests(rng, canvas, malignant & ~fat)
    canvas.eosin = np.where(fat, membranes * 0.45, canvas.eosin)
    canvas.haze = np.where(fat, membranes * 0.05, canvas.haze)
    canvas.nuclei[fat & (membranes < 0.25)] = 0

    blue = cv2.GaussianBlur(canvas.haze + canvas.nuclei.astype(np.float32) / 255, (0, 0), 0.9)
    image = stain(rng, _reduce(blue), _reduce(canvas.eosin))
    return Section(image, _reduce(tissue) > 0.5, _reduce(malignant) > 0.5)


def stain(rng: np.random.Generator, blue: Floats, pink: Floats) -> NDArray[np.uint8]:
    """Colour two dye densities by the Beer-Lambert law with one patient's dyes, strengths and glass.

    Args:
        rng: source of the patient's stain.
        blue: float32 (h, w), density of haematoxylin, 1 being one unit of optical density.
        pink: float32 (h, w), density of eosin.

    Returns:
        uint8 (h, w, 3), RGB.
    """
    dyes = np.array([HAEMATOXYLIN, EOSIN]) + rng.normal(0, DYE_SPREAD, (2, 3))
    dyes = np.clip(dyes, 0.03, None) / np.linalg.norm(dyes, axis=1, keepdims=True)
    dyes *= np.exp(rng.normal(0, STRENGTH_SPREAD))[:, None]
    glass = (rng.uniform(238, 247) + rng.normal(0, 1.0, 3)).astype(np.float32)
    colour = glass * np.exp(np.stack([blue, pink], axis=-1) @ -dyes.astype(np.float32))
    colour += GRAIN * rng.standard_normal(colour.shape, dtype=np.float32)
    return np.clip(colour, 0, 255).astype(np.uint8)


def _reduce(layer: NDArray) -> Floats:
    size = (layer.shape[1] // SCALE, layer.shape[0] // SCALE)
    return np.asarray(cv2.resize(layer.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)


def _distance(shape: tuple[int, int], cx: float, cy: float) -> Floats:
    """Return the distance of each pixel from (cx, cy), in half-widths and half-heights of the frame."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None] - np.float32(cy)
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :] - np.float32(cx)
    return np.hypot(x, y)


def _haze(rng: np.random.Generator, tissue: Mask) -> Floats:
    """Return the blue that tissue takes outside nuclei."""
    return np.asarray(tissue * np.clip(0.05 + 0.03 * smooth_noise(rng, tissue.shape, 40), 0, None), np.float32)


def _outline(rng: np.random.Generator, shape: tuple[int, int]) -> Mask:
    wobble = 0.10 * smooth_noise(rng, shape, 160) + 0.02 * smooth_noise(rng, shape, 20)
    return _distance(shape, 0, 0) + wobble < 1.12


def _tumour(rng: np.random.Generator, tissue: Mask, share: float) -> Mask:
    if share <= 0:
        return np.zeros_like(tissue)
    cx, cy = rng.uniform(-0.5, 0.5, 2)
    distance = _distance(tissue.shape, cx, cy)
    distance += 0.16 * smooth_noise(rng, tissue.shape, 120) + 0.04 * smooth_noise(rng, tissue.shape, 25)
    return tissue & (distance < np.quantile(distance[tissue][::37], share))
