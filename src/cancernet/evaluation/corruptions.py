"""Corruptions of H&E patches, as laboratories, scanners and file formats make them, in five severities.

What a slide has in common (stain, exposure, colour) is drawn once a slide; where a bubble or speck lies
is drawn for each patch. A draw does not depend on the severity, so a patch gets worse step by step.
Lengths are taken from the sources in um where they state a scale, because blur that ruins a cell at
0.25 um/px is nothing at 4 um/px.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.evaluation import distortions
from cancernet.evaluation.distortions import DRAWS, Floats, Images


@dataclass(frozen=True)
class Corruption:
    """One corruption: how, its level at severity 1 to 5, what a level is, what it stands for, where it is from."""

    change: Callable[[Images, float, Floats], Images]
    levels: tuple[float, float, float, float, float]
    unit: str
    says: str
    source: str
    by_slide: bool = False  # whether all patches of a slide share one draw


SEVERITIES = (1, 2, 3, 4, 5)
# "Benchmarking the robustness of deep neural networks to common corruptions in digital pathology"
ZHANG = "Zhang et al. 2022, MICCAI"
HENDRYCKS = "Hendrycks & Dietterich 2019, CIFAR-10-C"
MEDMNIST_C = "Di Salvo et al. 2024, MedMNIST-C, PathMNIST"
CORRUPTIONS = {
    "stain": Corruption(
        distortions.stain, (0.05, 0.10, 0.15, 0.20, 0.30),
        "relative gain and absolute shift of each stain's optical density, either way",
        "another laboratory's staining",
        "Tellez et al. 2019: 0.05 is their light, 0.2 their strong variation",
        by_slide=True,
    ),
    "brightness": Corruption(
        distortions.brightness, (0.05, 0.10, 0.15, 0.20, 0.25),
        "added to or taken from the value (HSV, 0-1)",
        "another exposure",
        ZHANG,
        by_slide=True,
    ),
    "contrast": Corruption(
        distortions.contrast, (0.80, 0.70, 0.60, 0.55, 0.50),
        "factor on the distance to the patch's mean colour, or its inverse",
        "another scanner's tone curve, a thinner or thicker section",
        MEDMNIST_C,
        by_slide=True,
    ),
    "saturation": Corruption(
        distortions.saturation, (0.05, 0.10, 0.15, 0.20, 0.25),
        "added to or taken from the saturation (HSV, 0-1)",
        "faded stain, another colour profile",
        ZHANG,
        by_slide=True,
    ),
    "gaussian blur": Corruption(
        distortions.gaussian_blur, (0.4, 0.6, 0.7, 0.8, 1.0),
        "sigma in px of 4 um",
        "a soft lens, smoothing on saving",
        HENDRYCKS,
    ),
    "defocus": Corruption(
        distortions.defocus, (0.75, 1.0, 1.25, 1.5, 1.75),
        "radius of the disc in px of 4 um",
        "out of focus",
        ZHANG + ": 3 to 7 um",
    ),
    "jpeg": Corruption(distortions.jpeg, (80, 65, 58, 50, 40), "JPEG quality", "saved again with loss", HENDRYCKS),
    "pixelation": Corruption(
        distortions.pixelation, (0.95, 0.90, 0.85, 0.75, 0.65),
        "share of the pixels of a side kept", "a coarser scan", HENDRYCKS
    ),
    "bubbles": Corruption(
        distortions.bubbles, (5, 8, 11, 14, 18),
        "radius in px of 4 um", "air under the cover slip", "kind: " + ZHANG + "; sizes: own"
    ),
    "dust": Corruption(
        distortions.dust, (1, 2, 4, 8, 12),
        "dark specks of 6 to 14 um", "dirt on the slide", "kind: " + MEDMNIST_C + "; sizes: own"
    ),
}  # fmt: skip
CHUNK = 250  # patches in float at once, 7.5 MB


def corrupt(
    images: Images, name: str, severity: int, *, seed: int = defaults.SEED, slide: ArrayLike | None = None
) -> Images:
    """Return corrupted copies of patches.

    Args:
        images: uint8 RGB (N, H, W, 3), 4 um/px; left as they are.
        name: of `CORRUPTIONS`.
        severity: 1 to 5.
        seed: of the draws; the same seed, patches and slides give the same copies.
        slide: (N,) name of each patch's slide or patient; its stain, exposure and colour shift together.
            Each patch is its own slide by default.

    Returns:
        uint8 (N, H, W, 3).

    Raises:
        UserError: an unknown corruption or severity.
        ValueError: another shape or dtype.
    """
    if name not in CORRUPTIONS:
        raise UserError(f"there is no corruption {name!r}; there are {', '.join(CORRUPTIONS)}")
    if severity not in SEVERITIES:
        raise UserError(f"severity {severity}: must be 1 to 5")
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ValueError(f"patches must be (N, H, W, 3) uint8, not {images.shape} {images.dtype}")
    corruption = CORRUPTIONS[name]
    drawn = _draws(len(images), name, seed, slide if corruption.by_slide else None)
    level = corruption.levels[severity - 1]
    made = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        made[part] = corruption.change(np.ascontiguousarray(images[part]), level, drawn[part])
    return made


def _draws(n: int, name: str, seed: int, slide: ArrayLike | None) -> Floats:
    """Uniform numbers (n, DRAWS), by row, or by the name of its slide where given."""
    key = [seed % 2**32, zlib.crc32(name.encode())]
    if slide is None:
        return np.random.default_rng(key).random((n, DRAWS), dtype=np.float32)
    slides, code = np.unique(np.asarray(slide).astype(str), return_inverse=True)
    rows = [np.random.default_rng([*key, zlib.crc32(each.encode())]).random(DRAWS, np.float32) for each in slides]
    return np.stack(rows)[code] if rows else np.empty((0, DRAWS), np.float32)
