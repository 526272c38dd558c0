"""What is measured of a patch to tell one laboratory from another, and what becomes of it for a patient or slide.

A patient or slide is one observation here, whatever number of patches it has: patches of a patient are alike, so a
hundred of them say little more of a laboratory than ten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.model.colours import colour_statistics
from cancernet.model.decide import logit
from cancernet.model.judge import BLANK, CHUNK, DYE, NO_STAIN, Stain, squared_detail

BRIGHTNESS, SHARPNESS, TISSUE, UNSURE = "brightness", "sharpness", "tissue", "unsure"
SMALLEST = 1e-3  # squared grey levels; keeps the logarithm of an even patch finite

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A number of each patch whose mean over a patient or slide is compared.

    Attributes:
        name: of the number.
        title: in words, with its unit.
        unit: behind a number where the title is not there.
        scale: what a value is multiplied by where it is shown.
        digits: after the point, shown.
        tissue_only: whether patches without stained tissue are left out of it.
    """

    name: str
    title: str
    unit: str = ""
    scale: float = 1.0
    digits: int = 2
    tissue_only: bool = True


MEASURES = (
    Measure(BRIGHTNESS, "brightness of tissue, grey levels of 255", digits=0),
    Measure(SHARPNESS, "sharpness, curvature over slope (natural logarithm)"),
    Measure(TISSUE, "stained share of a patch, %", " %", scale=100, digits=0, tissue_only=False),
    Measure(UNSURE, "patches that cannot be judged, %", " %", scale=100, digits=1, tissue_only=False),
)


BY_NAME = {measure.name: measure for measure in MEASURES}


@dataclass(frozen=True)
class Numbers:
    """What was measured of some patches, in one order.

    Attributes:
        colours: float32 (N, 9), see `model.colours`.
        sharpness: float32 (N,), logarithm of squared curvature over squared slope of the green channel.
        tissue: float32 (N,), share of the pixels that are stained, 0 to 1.
    """

    colours: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    tissue: NDArray[np.float32]


def measure(images: NDArray[np.uint8]) -> Numbers:
    """Measure patches, uint8 RGB (N, H, W, 3)."""
    parts = [_chunk(np.asarray(images[start : start + CHUNK])) for start in range(0, len(images), CHUNK)]
    return joined(parts)


def joined(parts: Sequence[Numbers]) -> Numbers:
    """Return the numbers of several lots of patches as one."""
    return Numbers(
        np.concatenate([np.empty((0, 9), np.float32), *(part.colours for part in parts)]),
        np.concatenate([np.empty(0, np.float32), *(part.sharpness for part in parts)]),
        np.concatenate([np.empty(0, np.float32), *(part.tissue for part in parts)]),
    )


def _chunk(images: NDArray[np.uint8]) -> Numbers:
    red, green, blue = (images[..., channel].astype(np.int16) for channel in range(3))
    stained = (red + blue - 2 * green > 2 * DYE).mean(axis=(1, 2))
    curvature, slope = (each.mean(axis=(1, 2)) for each in squared_detail(green.astype(np.float32)))
    sharpness = np.log(np.maximum(curvature, SMALLEST) / np.maximum(slope, SMALLEST))
    return Numbers(colour_statistics(images), sharpness.astype(np.float32), stained.astype(np.float32))


@dataclass(frozen=True)
class Group:
    """A patient or slide: what is compared of it.

    Attributes:
        name: as it is shown.
        n: patches.
        n_tissue: of them with stained tissue.
        means: measure -> mean over its patches; NaN where there is none.
        colours: float64 (9,), mean statistics of its patches with tissue; NaN where there is none.
        stain: its distance from the colours that the model learned from.
        odds: float64 (M,), log odds of malignant of the patches that can be judged by themselves, each alone.
        reasons: reason -> how many patches cannot be judged for it.
    """

    name: str
    n: int
    n_tissue: int
    means: Mapping[str, float]
    colours: Floats
    stain: Stain
    odds: Floats
    reasons: Mapping[str, int]

    def counted(self, name: str) -> int:
        """Return how many patches the mean of a measure is of."""
        return self.n_tissue if BY_NAME[name].tissue_only else self.n


def summarise(
    name: str,
    numbers: Numbers,
    probability: NDArray[np.floating],
    seen: Sequence[str],
    settled: Sequence[str],
    stain: Stain,
) -> Group:
    """Make one patient or slide of its patches.

    Args:
        name: of it.
        numbers: of its N patches.
        probability: (N,) of malignant, each patch by itself.
        seen: (N,) why a patch cannot be judged by itself, or "".
        settled: (N,) the same with the stain of the whole taken in.
        stain: of the whole.
    """
    why, final = np.asarray(seen, dtype=object), np.asarray(settled, dtype=object)
    there = ~np.isin(why, (BLANK, NO_STAIN))
    colours = _mean(numbers.colours[there].astype(np.float64))
    means = {
        BRIGHTNESS: float(colours[:3].mean()),
        SHARPNESS: float(_mean(numbers.sharpness[there, None].astype(np.float64))[0]),
        TISSUE: float(_mean(numbers.tissue[:, None].astype(np.float64))[0]),
        UNSURE: float(np.mean(why != "")) if len(why) else float("nan"),
    }
    return Group(
        name,
        n=len(why),
        n_tissue=int(there.sum()),
        means=means,
        colours=colours,
        stain=stain,
        odds=logit(np.asarray(probability, np.float64)[why == ""]),
        reasons=dict(Counter(reason for reason in final.tolist() if reason).most_common()),
    )


def _mean(values: Floats) -> Floats:
    """Mean over the first axis, NaN where there is nothing."""
    return values.mean(axis=0) if len(values) else np.full(values.shape[1], np.nan)
