"""Three patches to try at once, drawn by a program: no real tissue is in them, and no answer on them means anything."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from cancernet.common.defaults import PATCH_SIZE
from cancernet.data.synthetic import draw_section

SIDE = 150  # px of the section that a patch is cut from; drawn in a tenth of a second


class Sample(NamedTuple):
    """A patch to draw: which section it is cut from, at which px of it, and how much it is blurred (px)."""

    seed: int
    malignant_share: float
    x: int
    y: int
    blur: float = 0.0


SAMPLES = (  # a tumour; tissue without one; the same out of focus, which the model must not judge
    Sample(1, 0.5, 25, 50),
    Sample(0, 0.0, 75, 75),
    Sample(0, 0.0, 75, 75, blur=3.0),
)


@lru_cache(maxsize=len(SAMPLES))
def draw(number: int) -> bytes:
    """Return a sample as PNG, 50x50 px at 4 um/px.

    Args:
        number: from 1 on.

    Raises:
        IndexError: there is none of that number.
    """
    if not 1 <= number <= len(SAMPLES):
        raise IndexError(number)
    sample = SAMPLES[number - 1]
    section = draw_section(np.random.default_rng(sample.seed), SIDE, SIDE, malignant_share=sample.malignant_share)
    image = cv2.GaussianBlur(section.image, (0, 0), sample.blur) if sample.blur else section.image
    patch = image[sample.y : sample.y + PATCH_SIZE, sample.x : sample.x + PATCH_SIZE]
    return cv2.imencode(".png", patch[..., ::-1])[1].tobytes()
