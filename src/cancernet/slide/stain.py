"""Is a slide stained like the patches the model learned from? On another stain a map can miss every tumour."""

from __future__ import annotations

import numpy as np

from cancernet import defaults
from cancernet.bundle import Bundle
from cancernet.evaluation.floor import Floor, colour_features
from cancernet.slide.patches import Ints, cut
from cancernet.slide.section import Section


def stain_distance(bundle: Bundle, section: Section, x: Ints, y: Ints) -> float | None:
    """Return how far a slide's mean colours lie from those of the training patches.

    Root mean square, over the colour statistics of the floor, of the slide's mean in standard deviations of
    training patches. None for a bundle without a floor.

    Args:
        bundle: the model.
        section: of the slide.
        x: int (N,), left px of its patches; at most SLIDE_STAIN_PATCHES, evenly spaced, are looked at.
        y: int (N,), top px, rising.

    Raises:
        UserError: the bundle's floor cannot be read.
    """
    floor = bundle.manifest.get("floor")
    if not floor:
        return None
    colours = Floor.from_dict(floor["model"])
    some = np.unique(np.linspace(0, len(x) - 1, defaults.SLIDE_STAIN_PATCHES).astype(np.int64))
    features = [colour_features(images) for images in cut(section, x[some], y[some], 256)]
    mean = np.concatenate(features).mean(axis=0, dtype=np.float64)
    distance = (mean - np.array(colours.mean)) / np.array(colours.scale)
    return float(np.sqrt(np.mean(distance**2)))
