"""Restaining: a patch as another laboratory and another scanner would have shown it.

What a network learns from patches of a few laboratories it believes of their colours too, and on slides of others it
is at chance. Shaking the colours of each patch at random from where they are tells it little and costs accuracy at
home. So each patch is moved from what its *patient's* tissue has in common, the mean and spread of L*, a* and b*, to a
mean and spread drawn from as wide a range as laboratories span: what makes a patch differ from others of its patient
stays, and so does white glass.

Source: stain normalisation by mean and spread, Reinhard et al. 2001; drawn at random, Shen et al. 2022 (RandStainNA).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

TISSUE, GLASS = 88.0, 97.0  # L* up to which a pixel is tissue, and from which it is glass, which no dye stains
MIN_PIXELS = 500  # of tissue, to tell a patient's colours by; a fifth of a patch
MOST_PATCHES = 64  # of a patient that are looked at
# L*, a*, b*: what the targets are drawn around, and how widely; as the breast slides of TCGA's laboratories lie.
MEAN, MEAN_SD = (63.0, 25.0, -12.0), (9.0, 8.0, 8.0)
SPREAD, SPREAD_SD = (11.8, 8.0, 6.5), (2.8, 2.2, 1.8)
MIN_SPREAD = 2.0

Stains = NDArray[np.float32]  # (N, 6): mean of L*, a*, b*, then their standard deviations


def patient_stains(images: NDArray[np.uint8], rows: NDArray[np.int64], patient: NDArray[np.object_]) -> Stains:
    """Return the mean and spread of the colours of each patch's patient.

    Args:
        images: uint8 RGB (N, H, W, 3), in memory or memory-mapped.
        rows: int (M,), the patches.
        patient: (M,) whose each is; those of whom it is not known ("") count as one. A patient with hardly any tissue
            gets the mean of the others.

    Returns:
        float32 (M, 6).
    """
    names, code = np.unique(patient.astype(str), return_inverse=True)
    found = np.full((len(names), 6), np.nan, np.float32)
    for index in range(len(names)):
        of = rows[code == index]
        some = np.unique(np.linspace(0, len(of) - 1, min(len(of), MOST_PATCHES)).astype(int))
        found[index] = stain_of(images[of[some]])
    unknown = np.isnan(found[:, 0])
    found[unknown] = (MEAN + SPREAD) if unknown.all() else found[~unknown].mean(axis=0)
    return found[code]


def stain_of(images: NDArray[np.uint8]) -> Stains:
    """Return mean and spread of L*, a*, b* over the tissue of some patches together: float32 (6,), NaN without any."""
    lab = _lab(images).reshape(-1, 3)
    tissue = lab[lab[:, 0] < TISSUE]
    if len(tissue) < MIN_PIXELS:
        return np.full(6, np.nan, np.float32)
    return np.concatenate([tissue.mean(axis=0), tissue.std(axis=0)])


def draw_stains(rng: np.random.Generator, n: int) -> Stains:
    """Draw means and spreads as laboratories and scanners have them: float32 (n, 6)."""
    mean = rng.normal(MEAN, MEAN_SD, (n, 3))
    spread = np.maximum(rng.normal(SPREAD, SPREAD_SD, (n, 3)), MIN_SPREAD)
    return np.concatenate([mean, spread], axis=1).astype(np.float32)


def restained(images: NDArray[np.uint8], source: Stains, target: Stains) -> NDArray[np.uint8]:
    """Move each patch from one mean and spread of colours to another.

    Args:
        images: uint8 RGB (N, H, W, 3).
        source: float32 (N, 6), of what each patch is part of.
        target: float32 (N, 6).

    Returns:
        uint8 (N, H, W, 3); colours that no screen has are clipped.
    """
    scale = target[:, 3:] / np.maximum(source[:, 3:], MIN_SPREAD)
    offset = target[:, :3] - scale * source[:, :3]
    lab = _lab(images)
    stained = np.clip((GLASS - lab[..., :1]) / (GLASS - TISSUE), 0, 1)
    lab += stained * ((scale - 1)[:, None, None] * lab + offset[:, None, None])
    rgb = np.asarray(cv2.cvtColor(lab.reshape(-1, lab.shape[2], 3), cv2.COLOR_LAB2RGB))
    return np.clip(np.rint(rgb * 255), 0, 255).astype(np.uint8).reshape(images.shape)


def some_restained(
    images: NDArray[np.uint8], source: Stains, share: float, *, seed: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Restain about this share of a batch, each patch to a stain of its own; the others stay as they are.

    Args:
        images: uint8 RGB (N, H, W, 3).
        source: float32 (N, 6), of each patch's patient.
        share: 0 to 1.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.random(len(images)) < share
    target = draw_stains(rng, len(images))
    changed = images.copy()
    if chosen.any():
        changed[chosen] = restained(images[chosen], source[chosen], target[chosen])
    return changed


def _lab(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return CIE L*a*b*, float32 (N, H, W, 3)."""
    flat = np.ascontiguousarray(images).reshape(-1, images.shape[2], 3)
    found: NDArray[np.float32] = np.asarray(cv2.cvtColor(flat.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    return found.reshape(images.shape)
