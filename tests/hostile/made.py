"""Patches that rows share: like tissue in colour and grain, so that nothing but what a row is about is odd of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

EOSIN, NUCLEUS = (225, 180, 205), (150, 100, 160)  # RGB
NUCLEI = 8
GRAIN = 5  # grey levels, standard deviation; a fifth of it in each channel by itself
DEPTH = 10 * np.array([0.15, 1, 0.7])  # grey levels that more eosin takes off R, G, B, on average


def tissue(seed: int = 0) -> np.ndarray:
    """A patch uint8 RGB (50, 50, 3): eosin, nuclei and grain."""
    random = np.random.default_rng(seed)
    image = EOSIN - np.abs(random.normal(0, 1, (50, 50, 1))) * DEPTH
    for x, y, radius in zip(*random.integers((0, 0, 3), (50, 50, 7), (NUCLEI, 3)).T.tolist(), strict=True):
        cv2.circle(image, (x, y), radius, NUCLEUS, -1)
    grain = random.normal(0, GRAIN, (50, 50, 1)) + random.normal(0, GRAIN / 5, (50, 50, 3))
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def write_tissue(path: Path, seed: int = 0) -> Path:
    """Write such a patch as PNG."""
    cv2.imwrite(str(path), tissue(seed)[..., ::-1])
    return path
