"""patches.csv: a row a patch, in the columns of WSInfer, in full-resolution px of the slide."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.files import replacing
from cancernet.context.smooth import Contextual
from cancernet.slide import place
from cancernet.slide.section import Section

NAME = "patches.csv"
# the first six as WSInfer 0.6 writes them (its readers take any column that begins with prob_)
COLUMNS = (
    *("minx", "miny", "width", "height", "prob_benign", "prob_malignant"),
    *("context_prob_malignant", "threshold", "decision"),
)


def write_patches(
    folder: Path,
    section: Section,
    x: NDArray[Any],
    y: NDArray[Any],
    probability: NDArray[Any],
    context: Contextual,
) -> None:
    """Write patches.csv.

    Args:
        folder: of the slide's results.
        section: of the slide.
        x: int (N,), left px of the patches in the section.
        y: int (N,), top px.
        probability: (N,), of malignant, of the patch alone.
        context: with its neighbours, which the decision rests on; the same where there are too few of them.
    """
    left, right = (place.across(section, x + add, of_slide=True) for add in (0, defaults.PATCH_SIZE))
    top, bottom = (place.down(section, y + add, of_slide=True) for add in (0, defaults.PATCH_SIZE))
    corners = np.stack([left, top, right - left, bottom - top], axis=1)
    with replacing(folder / NAME) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        parts = (corners, probability, context.probability, context.threshold, context.malignant)
        for box, alone, among, threshold, malignant in zip(*parts, strict=True):
            shares = (f"{value:.6g}" for value in (1 - alone, alone, among, threshold))
            corner = (place.number(value) for value in box)
            writer.writerow([*corner, *shares, defaults.CLASS_NAMES[int(malignant)]])
