"""Patches as they look after a scanner or a converter has saved them with loss, drawn anew in each epoch."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

QUALITY = (40, 95)  # of JPEG, drawn evenly between; the audit's severities 1 to 5 are 80 to 40


def some_compressed(images: NDArray[np.uint8], share: float, *, seed: tuple[int, ...]) -> NDArray[np.uint8]:
    """Save about this share of a batch as JPEG, each patch in a quality of its own, and read it again.

    Args:
        images: uint8 RGB (N, H, W, 3); left as they are.
        share: 0 to 1.
        seed: of the draw.

    Returns:
        uint8 (N, H, W, 3).
    """
    rng = np.random.default_rng(seed)
    chosen = np.flatnonzero(rng.random(len(images)) < share)
    quality = rng.integers(*QUALITY, len(images), endpoint=True)
    changed = images.copy()
    for row in chosen:
        _, file = cv2.imencode(".jpg", images[row, ..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality[row])])
        changed[row] = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR))[..., ::-1]
    return changed
