"""Which patches a model can answer at all, and whether a patient's stain is like the one it learned from.

Haematoxylin and eosin both take more of the green light than of the red and blue, in every laboratory. A patch whose
pixels do not show that, be it glass, black, grey, ink or noise, holds no stained tissue, and no model trained on tissue
can say anything about it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cancernet.model.floor import Floor, colour_features

NO_TISSUE = "no stained tissue: blank glass, or no colours of haematoxylin and eosin"
MIN_DYE = 0.5  # grey levels by which green lies below the mean of red and blue, on average over a patch
MIN_DYED = 0.53  # share of the pixels in which it lies below at all; in noise it is a half
STAIN_PATCHES = 500  # of a patient or slide; its mean colours then stray by less than 0.05
STAIN_LIMIT = 1.25  # standard deviations; 194 IDC patients reach 1.21, a field of another laboratory 2.2
OTHER_STAIN = (
    "stained or scanned unlike the patches that the model learned from ({:.1f} standard deviations, limit {:g}): it "
    "may miss all tumour here, or see it everywhere"
)
CHUNK = 256  # patches looked at at once


class Stain(NamedTuple):
    """How far colours lie from those of the training patches, in standard deviations, and what to say of it."""

    distance: float
    alarm: str  # "" where they are alike


def judge(images: NDArray[np.uint8]) -> NDArray[np.str_]:
    """Return why each patch cannot be answered, or "" where it can.

    Args:
        images: uint8 RGB (N, H, W, 3).

    Returns:
        str (N,).

    Example:
        >>> import numpy as np
        >>> judge(np.zeros((1, 50, 50, 3), "uint8"))[0][:17]
        'no stained tissue'
    """
    said = np.full(len(images), "", dtype=f"<U{len(NO_TISSUE)}")
    for start in range(0, len(images), CHUNK):
        pixels = np.asarray(images[start : start + CHUNK]).astype(np.int16)
        dye = pixels[..., 0] + pixels[..., 2] - 2 * pixels[..., 1]
        flat = dye.reshape(len(dye), -1)
        bare = (flat.mean(axis=1) < 2 * MIN_DYE) | ((flat > 0).mean(axis=1) < MIN_DYED)
        said[start : start + CHUNK][bare] = NO_TISSUE
    return said


def stain_distance(floor: Floor, images: NDArray[np.uint8]) -> Stain:
    """Return how far the mean colours of a patient's or slide's patches lie from those of the training patches.

    Root mean square, over the colour statistics of the floor, of their mean in standard deviations of training patches.

    Args:
        floor: of the model.
        images: uint8 RGB (N, H, W, 3), N of 1 or more; at most STAIN_PATCHES, evenly spaced, are looked at.
    """
    some = np.unique(np.linspace(0, len(images) - 1, STAIN_PATCHES).astype(np.int64))
    return stain_of(floor, colour_features(images, some))


def stain_of(floor: Floor, features: NDArray[np.float32]) -> Stain:
    """Do what `stain_distance` does, from `colour_features` (N, 51) of the patches."""
    mean = floor.standardized(features.mean(axis=0, dtype=np.float64, keepdims=True))
    distance = float(np.sqrt(np.mean(mean**2)))
    alarm = OTHER_STAIN.format(distance, STAIN_LIMIT) if distance > STAIN_LIMIT else ""
    return Stain(distance, alarm)
