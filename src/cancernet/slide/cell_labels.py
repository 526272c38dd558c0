"""From annotated areas to the labels of patches: by the share of a patch that lies in the areas of a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.slide.annotation import areal
from cancernet.slide.annotation_classes import BENIGN, FRAME, IGNORED, MALIGNANT, LabelRule
from cancernet.slide.annotations import Annotations
from cancernet.slide.cover import cover
from cancernet.slide.extra import need
from cancernet.slide.section import Section

NONE = -1  # label of a patch that gets none
SLACK = 1e-4  # of a patch; coordinates are written with two or three decimals
MOSTLY = 0.5  # share of a patch
LABELLED, UNANNOTATED, BORDER, IGNORED_AREA, BOTH = "", "not annotated", "border", "ignored", "annotated as both"


@dataclass(frozen=True)
class Areas:
    """The annotated areas of a slide, apart: no two overlap. Shapely shapes, full-resolution px from the corner.

    Attributes:
        malignant: what is malignant alone.
        benign: what is benign alone.
        both: what is outlined as both; it says nothing.
        ignored: what is to be left out.
        frame: within which somebody looked; empty where nobody says.
    """

    malignant: Any
    benign: Any
    both: Any
    ignored: Any
    frame: Any


@dataclass(frozen=True)
class CellLabels:
    """The labels of a section's patches, (rows, columns), a patch every 50 px.

    Attributes:
        label: int8, 0 benign, 1 malignant, -1 for none.
        malignant: share of each patch in malignant areas.
        benign: share in benign ones; of tissue outside of all outlines too, where that is benign.
        outlined: bool, whether at least half of a patch lies in what somebody outlined as one of the two.
        why: str, why a patch has no label; "" where it has one.
    """

    label: NDArray[np.int8]
    malignant: NDArray[np.float64]
    benign: NDArray[np.float64]
    outlined: NDArray[np.bool_]
    why: NDArray[Any]


def areas_of(found: Annotations, meaning: Mapping[str, int]) -> Areas:
    """Sort the areas by what their classes stand for."""
    shapely = need("shapely")
    by = {
        what: found.area_of({name for name, means in meaning.items() if means == what})
        for what in (BENIGN, MALIGNANT, IGNORED, FRAME)
    }
    excluded = shapely.union_all([item.shape for item in found.items if item.excluded])
    ignored = areal(by[IGNORED] | excluded)
    benign, malignant = (areal(by[what].difference(ignored)) for what in (BENIGN, MALIGNANT))
    both = areal(benign & malignant)
    if both.is_empty:
        return Areas(malignant, benign, both, ignored, by[FRAME])
    return Areas(areal(malignant.difference(both)), areal(benign.difference(both)), both, ignored, by[FRAME])


def label_cells(areas: Areas, section: Section, step: int, rule: LabelRule) -> CellLabels:
    """Label the patches of a section.

    Args:
        areas: of the slide.
        section: of the slide.
        step: px, side of a patch.
        rule: how.
    """
    malignant, benign, both, ignored = (
        cover(shape, section, step) for shape in (areas.malignant, areas.benign, areas.both, areas.ignored)
    )
    outlined = malignant + benign + both >= MOSTLY - SLACK
    if rule.rest == "benign":
        looked_at = 1.0 if areas.frame.is_empty else cover(areas.frame, section, step)
        benign = np.clip(looked_at - malignant - both - ignored, 0, 1)
    least = rule.share - SLACK
    label = np.full(malignant.shape, NONE, np.int8)
    label[(malignant >= least) & (malignant > benign)] = MALIGNANT
    label[(benign >= least) & (benign > malignant)] = BENIGN
    label[np.abs(malignant - benign) <= SLACK] = NONE  # as much of one as of the other
    if rule.border == "keep":
        between = (label == NONE) & (malignant + benign >= least) & (np.abs(malignant - benign) > SLACK)
        label[between] = np.where(malignant > benign, MALIGNANT, BENIGN)[between]
    why = np.full(label.shape, LABELLED, object)
    none = label == NONE
    rest = 1 - malignant - benign - both - ignored
    parts = np.stack([rest, malignant + benign, ignored, both])
    words = np.array([UNANNOTATED, BORDER, IGNORED_AREA, BOTH], object)
    why[none] = words[np.argmax(parts, axis=0)][none]
    return CellLabels(label, malignant, benign, outlined, why)
