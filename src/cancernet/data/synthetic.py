"""Draw an H&E-like breast section from random numbers: no real tissue is in it, and none is imitated in detail.

Tissue is drawn as two dye densities (haematoxylin, eosin) at twice the final resolution and turned into
colour by the Beer-Lambert law, so that stain varies between patients the way it does in a laboratory.
What separates the classes is meant to be nuclear size, shape and arrangement; colour is made a poor guide
by benign tissue that is just as blue (lobules, lymphocytes) and tumours that are pale (scirrhous).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.data.nuclei import NucleusShape, draw_nuclei, scatter

Array = NDArray[np.float32]

SCALE = 2  # drawn at 2 um/px and reduced, so that nuclei of 2-4 px get soft edges

# Ruifrok & Johnston 2001 (Anal Quant Cytol Histol 23:291): optical density of each dye in R, G, B
HAEMATOXYLIN = (0.65, 0.70, 0.29)
EOSIN = (0.07, 0.99, 0.11)

# long and short radius in um, spread of size, irregularity of outline
STROMAL = NucleusShape(long=5.5, short=1.6, spread=0.25, irregularity=0.05)
LYMPHOCYTE = NucleusShape(long=3.4, short=3.1, spread=0.12, irregularity=0.03)
EPITHELIAL = NucleusShape(long=4.6, short=3.4, spread=0.12, irregularity=0.05)
MALIGNANT = NucleusShape(long=7.6, short=5.4, spread=0.32, irregularity=0.22)


@dataclass(frozen=True)
class Section:
    """A drawn section at 4 um/px.

    Attributes:
        image: uint8 (h, w, 3), RGB.
        tissue: bool (h, w), where there is tissue.
        malignant: bool (h, w), where tumour was drawn.
    """

    image: NDArray[np.uint8]
    tissue: NDArray[np.bool_]
    malignant: NDArray[np.bool_]


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], grain: float) -> Array:
    """Return float32 noise of `shape` (h, w), mean 0 and deviation 1, smooth over about `grain` px."""
    height, width = shape
    coarse = rng.standard_normal((int(height / grain) + 4, int(width / grain) + 4)).astype(np.float32)
    full = (int(coarse.shape[1] * grain), int(coarse.shape[0] * grain))
    noise = cv2.resize(coarse, full, interpolation=cv2.INTER_CUBIC)[:height, :width]
    return (noise - noise.mean()) / (noise.std() + 1e-6)


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
    tissue = _tissue(rng, shape)
    malignant = _tumour(rng, tissue, malignant_share)
    fat = tissue & (
        smooth_noise(rng, shape, 90) + 0.5 * smooth_noise(rng, shape, 30) - 1.3 * malignant
        > rng.uniform(0.3, 1.2)
    )
    fibre = _fibres(rng, shape)

    eosin = tissue * np.clip(rng.uniform(0.28, 0.42) + 0.12 * fibre, 0.02, None)
    eosin *= 1 - 0.9 * np.clip(-fibre - rng.uniform(1.1, 1.8), 0, 1)  # cracks between fibre bundles
    haze = tissue * np.clip(0.05 + 0.03 * smooth_noise(rng, shape, 40), 0, None)  # blue outside nuclei
    nuclei = np.zeros(shape, np.uint8)

    solid = tissue & ~fat
    draw_nuclei(rng, nuclei, scatter(rng, solid, spacing=8, keep=rng.uniform(0.2, 0.5)), STROMAL, depth=150)
    eosin, haze = _lymphocytes(rng, nuclei, solid, eosin, haze)
    eosin, haze = _lobules(rng, nuclei, solid & ~malignant, eosin, haze)
    eosin, haze = _nests(rng, nuclei, malignant & ~fat, eosin, haze)
    membranes = _fat_cells(rng, shape)
    eosin = np.where(fat, membranes * 0.4, eosin)
    haze = np.where(fat, membranes * 0.04, haze)
    nuclei[fat & (membranes < 0.25)] = 0

    blue = cv2.GaussianBlur(haze + nuclei.astype(np.float32) / 255, (0, 0), 0.9)
    image = _stain(rng, _reduce(blue), _reduce(eosin))
    return Section(image, _reduce(tissue) > 0.5, _reduce(malignant) > 0.5)


def _reduce(layer: NDArray) -> Array:
    size = (layer.shape[1] // SCALE, layer.shape[0] // SCALE)
    return cv2.resize(layer.astype(np.float32), size, interpolation=cv2.INTER_AREA)


def _tissue(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.bool_]:
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j].astype(np.float32)
    return np.hypot(x, y) + 0.10 * smooth_noise(rng, shape, 160) + 0.02 * smooth_noise(rng, shape, 20) < 1.12


def _tumour(rng: np.random.Generator, tissue: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    if share <= 0:
        return np.zeros_like(tissue)
    y, x = np.mgrid[-1 : 1 : tissue.shape[0] * 1j, -1 : 1 : tissue.shape[1] * 1j].astype(np.float32)
    cx, cy = rng.uniform(-0.5, 0.5, 2)
    distance = np.hypot(x - cx, y - cy) + 0.16 * smooth_noise(rng, tissue.shape, 120)
    distance += 0.04 * smooth_noise(rng, tissue.shape, 25)
    return tissue & (distance < np.quantile(distance[tissue][::37], share))


def _fibres(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Return wavy collagen: noise stretched along one direction, then bent by a slow displacement."""
    height, width = shape
    streaks = np.zeros((512, 512), np.float32)
    for length, breadth, weight in ((90, 9, 0.6), (45, 3.5, 0.5)):
        coarse = rng.standard_normal((int(512 / breadth), int(512 / length))).astype(np.float32)
        streaks += weight * cv2.resize(coarse, (512, 512), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    along = x * cosine + y * sine + 50 * smooth_noise(rng, shape, 110)
    across = y * cosine - x * sine + 45 * smooth_noise(rng, shape, 110) + 5 * smooth_noise(rng, shape, 22)
    fibre = cv2.remap(streaks, along, across, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return fibre / (fibre.std() + 1e-6)


def _fat_cells(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Return membrane density (0-1) of closely packed round cells: the edges of a Voronoi diagram."""
    seeds = np.full(shape, 255, np.uint8)
    centres = scatter(rng, np.ones(shape, bool), spacing=rng.uniform(18, 30), keep=1.0).astype(int)
    seeds[centres[:, 1], centres[:, 0]] = 0
    _, owner = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5)
    owner = owner.astype(np.float32)
    edge = cv2.morphologyEx(owner, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0
    return cv2.GaussianBlur(edge.astype(np.float32), (0, 0), 0.8)


def _lymphocytes(
    rng: np.random.Generator, nuclei: NDArray[np.uint8], where: NDArray[np.bool_], eosin: Array, haze: Array
) -> tuple[Array, Array]:
    """Scatter small round dark nuclei in clouds: blue, and not malignant."""
    cloud = where & (smooth_noise(rng, nuclei.shape, 70) > rng.uniform(1.0, 2.2))
    draw_nuclei(
        rng, nuclei, scatter(rng, cloud, spacing=5, keep=rng.uniform(0.4, 0.8)), LYMPHOCYTE, depth=230
    )
    return np.where(cloud, eosin * 0.7, eosin), np.where(cloud, haze + 0.05, haze)


def _lobules(
    rng: np.random.Generator, nuclei: NDArray[np.uint8], where: NDArray[np.bool_], eosin: Array, haze: Array
) -> tuple[Array, Array]:
    """Draw ducts and lobules: small round glands, nuclei in one or two orderly rings about a lumen."""
    spots = scatter(rng, where, spacing=110, keep=rng.uniform(0.35, 0.95))
    body, lumen = np.zeros(nuclei.shape, np.uint8), np.zeros(nuclei.shape, np.uint8)
    ring: list[NDArray] = []
    for spot in spots:
        count = int(rng.integers(1, 16))
        radius = rng.uniform(12, 30) if count < 3 else rng.uniform(7, 11)
        centres = spot + rng.normal(0, radius * 0.95 * np.sqrt(count - 0.9), (count, 2))
        for centre in centres:
            x, y = int(centre[0]), int(centre[1])
            if not (0 <= x < nuclei.shape[1] and 0 <= y < nuclei.shape[0] and where[y, x]):
                continue
            cv2.circle(body, (x, y), int(radius + 2), 1, -1)
            cv2.circle(lumen, (x, y), int(max(radius - 6, 1)), 1, -1)
            for r in (radius, radius - 4):
                turn = np.linspace(
                    0, 2 * np.pi, int(max(2 * np.pi * r / 4.5, 5)), endpoint=False
                ) + rng.uniform(0, 6)
                ring.append(centre + (r - 1) * np.stack([np.cos(turn), np.sin(turn)], axis=1))
    lumen[body == 0] = 0
    eosin = np.where(body > 0, 0.20, eosin).astype(np.float32)
    haze = np.where(body > 0, 0.16, haze).astype(np.float32)
    nuclei[body > 0] = 0
    if ring:
        draw_nuclei(rng, nuclei, np.concatenate(ring), EPITHELIAL, depth=205)
    return np.where(lumen > 0, 0.06, eosin), np.where(lumen > 0, 0.02, haze)


def _nests(
    rng: np.random.Generator, nuclei: NDArray[np.uint8], where: NDArray[np.bool_], eosin: Array, haze: Array
) -> tuple[Array, Array]:
    """Draw tumour: irregular nests, cords or sheets of large uneven nuclei without lumens."""
    pattern = smooth_noise(rng, nuclei.shape, rng.uniform(14, 34)) + 0.4 * smooth_noise(rng, nuclei.shape, 8)
    nest = where & (pattern > rng.uniform(-1.2, 0.7))  # from sheets to scattered cords
    pale = rng.uniform(0.0, 1.0)
    draw_nuclei(
        rng,
        nuclei,
        scatter(rng, nest, spacing=8.0, keep=rng.uniform(0.7, 0.95)),
        MALIGNANT,
        depth=205 - 70 * pale,
        uneven=0.3,
    )
    blue = 0.17 - 0.08 * pale
    return np.where(nest, 0.7 * eosin, eosin), np.where(nest, haze + blue, haze)


def _stain(rng: np.random.Generator, blue: Array, pink: Array) -> NDArray[np.uint8]:
    """Colour dye densities by Beer-Lambert with this patient's dyes, strengths and glass."""
    dyes = np.array([HAEMATOXYLIN, EOSIN]) + rng.normal(0, 0.045, (2, 3))
    dyes = np.clip(dyes, 0.03, None) / np.linalg.norm(dyes, axis=1, keepdims=True)
    strength = np.exp(rng.normal(0, (0.24, 0.28)))
    glass = rng.uniform(238, 247) + rng.normal(0, 1.0, 3)
    density = np.stack([blue * strength[0] * 1.15, pink * strength[1] * 0.95], axis=-1)
    colour = glass * np.exp(-density @ dyes)
    return np.clip(colour + rng.normal(0, 2.0, colour.shape), 0, 255).astype(np.uint8)
