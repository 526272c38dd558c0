"""The kinds of tissue of the synthetic section, each painted onto a canvas of dye densities at 2 um/px."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.data.nuclei import NucleusShape, draw_nuclei, scatter

Floats: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]

# half the long and the short axis in um, spread of size, irregularity of outline
STROMAL = NucleusShape(long=5.0, short=1.5, spread=0.25, irregularity=0.05)
LYMPHOCYTE = NucleusShape(long=3.2, short=2.9, spread=0.12, irregularity=0.03)
EPITHELIAL = NucleusShape(long=4.0, short=3.0, spread=0.12, irregularity=0.05)
MALIGNANT = NucleusShape(long=6.4, short=4.6, spread=0.32, irregularity=0.20)


@dataclass
class Canvas:
    """What has been painted so far; the painters below change it in place.

    Attributes:
        eosin: float32 (h, w), density of eosin.
        haze: float32 (h, w), density of haematoxylin outside nuclei.
        nuclei: uint8 (h, w), density of haematoxylin in nuclei; 255 is one unit of optical density.
    """

    eosin: Floats
    haze: Floats
    nuclei: NDArray[np.uint8]


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], grain: float) -> Floats:
    """Return float32 noise of `shape` (h, w), mean 0 and deviation 1, smooth over about `grain` px."""
    height, width = shape
    coarse = rng.standard_normal((int(height / grain) + 4, int(width / grain) + 4), dtype=np.float32)
    full = (int(coarse.shape[1] * grain), int(coarse.shape[0] * grain))
    noise = cv2.resize(coarse, full, interpolation=cv2.INTER_CUBIC)[:height, :width]
    some = noise[::5, ::5]
    return (noise - some.mean()) / (some.std() + np.float32(1e-6))


def collagen(rng: np.random.Generator, tissue: Mask) -> Floats:
    """Return eosin of wavy collagen: stretched noise bent by a slow displacement, with cracks in it."""
    height, width = tissue.shape
    streaks = np.zeros((512, 512), np.float32)
    for length, breadth, weight in ((90, 9, 0.5), (40, 3.5, 0.5), (18, 2, 0.35)):
        coarse = rng.standard_normal((512 // int(breadth), 512 // length), dtype=np.float32)
        streaks += np.float32(weight) * cv2.resize(coarse, (512, 512), interpolation=cv2.INTER_CUBIC)
    streaks /= streaks.std()
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
    angle = rng.uniform(0, np.pi)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    bend, fine = smooth_noise(rng, tissue.shape, 110), smooth_noise(rng, tissue.shape, 22)
    along = x * cosine + y * sine + 50 * smooth_noise(rng, tissue.shape, 110)
    across = y * cosine - x * sine + 45 * bend + 5 * fine
    fibre = cv2.remap(streaks, along, across, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    level = rng.uniform(0.34, 0.48) + 0.05 * smooth_noise(rng, tissue.shape, 60)
    cracks = 1 - 0.9 * np.clip(-fibre - rng.uniform(1.1, 1.9), 0, 1)
    return (tissue * np.clip(level + 0.09 * fibre, 0.02, None) * cracks).astype(np.float32)


def fat_cells(rng: np.random.Generator, tissue: Mask, *, fewer_in: Mask) -> tuple[Mask, Floats]:
    """Return where fat cells lie (bool) and the density of their membranes (float32, 0-1).

    The cells are those of a Voronoi diagram whose centre falls in fat, so that fat ends in round
    scallops and single cells lie in the stroma about it.
    """
    shape = tissue.shape
    fatty = smooth_noise(rng, shape, 90) + 0.6 * smooth_noise(rng, shape, 24) - 0.8 * fewer_in
    fatty = fatty > rng.uniform(0.2, 1.3)
    centres = scatter(rng, np.ones(shape, bool), spacing=rng.uniform(17, 25), keep=1.0).astype(int)
    seeds = np.full(shape, 255, np.uint8)
    seeds[centres[:, 1], centres[:, 0]] = 0
    _, owner = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    is_fat = np.zeros(owner.max() + 1, bool)
    is_fat[owner[centres[:, 1], centres[:, 0]]] = fatty[centres[:, 1], centres[:, 0]]
    edge = np.zeros(shape, np.float32)
    edge[1:, 1:] = (owner[1:, 1:] != owner[:-1, 1:]) | (owner[1:, 1:] != owner[1:, :-1])
    return tissue & is_fat[owner], np.asarray(cv2.GaussianBlur(edge, (0, 0), 0.8), np.float32)


def stroma(rng: np.random.Generator, canvas: Canvas, where: Mask) -> None:
    """Paint the thin nuclei of fibroblasts: few in most places, many in cellular stroma."""
    sparse, cellular = rng.uniform(0.12, 0.3), rng.uniform(0.4, 0.8)
    dense = where & (smooth_noise(rng, where.shape, 80) > rng.uniform(0.2, 1.7))
    draw_nuclei(rng, canvas.nuclei, scatter(rng, where, spacing=7, keep=sparse), STROMAL, depth=150)
    draw_nuclei(rng, canvas.nuclei, scatter(rng, dense, spacing=6, keep=cellular), STROMAL, depth=165)
    canvas.haze += np.float32(0.05) * dense


def lymphocytes(rng: np.random.Generator, canvas: Canvas, where: Mask) -> None:
    """Paint clouds of small round dark nuclei: very blue, and not malignant."""
    cloud = where & (smooth_noise(rng, where.shape, 60) > rng.uniform(0.95, 2.1))
    points = scatter(rng, cloud, spacing=4.6, keep=rng.uniform(0.4, 0.85))
    draw_nuclei(rng, canvas.nuclei, points, LYMPHOCYTE, depth=225)
    canvas.eosin[cloud] *= 0.65
    canvas.haze[cloud] += 0.06


def lobules(rng: np.random.Generator, canvas: Canvas, where: Mask) -> None:
    """Paint ducts and lobules: small round glands, nuclei in two orderly rings about a lumen."""
    height, width = where.shape
    body, lumen = np.zeros(where.shape, np.uint8), np.zeros(where.shape, np.uint8)
    rings: list[NDArray] = []
    for spot in scatter(rng, where, spacing=rng.uniform(80, 130), keep=rng.uniform(0.4, 0.95)):
        count = int(rng.integers(1, 24))
        big = rng.uniform(11, 26) if count < 3 else rng.uniform(5.5, 9)
        for centre in spot + rng.normal(0, big * 0.9 * np.sqrt(count - 0.9), (count, 2)):
            x, y = int(centre[0]), int(centre[1])
            if not (0 <= x < width and 0 <= y < height and where[y, x]):
                continue
            radius = big * rng.uniform(0.8, 1.2)
            cv2.circle(body, (x, y), int(radius + 1.5), 1, -1)
            cv2.circle(lumen, (x, y), int(max(radius - 5.5, 0)), 1, -1)
            for r in (radius - 0.5, radius - 3.5):
                turn = np.linspace(0, 2 * np.pi, max(int(2 * np.pi * r / 4), 4), endpoint=False)
                rings.append(centre + r * np.stack([np.cos(turn), np.sin(turn)], axis=1))
    gland, hollow = body > 0, lumen > 0
    canvas.eosin[gland], canvas.haze[gland], canvas.nuclei[gland] = 0.22, 0.15, 0
    if rings:
        draw_nuclei(rng, canvas.nuclei, np.concatenate(rings), EPITHELIAL, depth=rng.uniform(165, 215))
    canvas.eosin[hollow], canvas.haze[hollow] = 0.07, 0.02


def tumour_nests(rng: np.random.Generator, canvas: Canvas, where: Mask) -> None:
    """Paint tumour: irregular nests, cords or sheets of large uneven nuclei without lumens."""
    grain = rng.uniform(10, 30)
    pattern = smooth_noise(rng, where.shape, grain) + 0.5 * smooth_noise(rng, where.shape, 7)
    nest = where & (pattern > rng.uniform(-0.9, 0.65))  # from sheets to scattered cords
    pale = rng.uniform(0, 1)  # open chromatin
    points = scatter(rng, nest, spacing=6.6, keep=rng.uniform(0.6, 0.95))
    draw_nuclei(rng, canvas.nuclei, points, MALIGNANT, depth=190 - 65 * pale, uneven=0.3)
    canvas.eosin[nest] *= 0.75
    canvas.haze[nest] += 0.13 - 0.07 * pale
