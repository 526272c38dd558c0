"""tiles.geojson and regions.geojson: a map as objects for QuPath.

RFC 7946 in full-resolution px of what QuPath shows of a slide, with QuPath's properties: objectType, classification
with a colour, name, measurements. Classes are those that QuPath knows by itself: Tumor, Other, and Ignore* for what was
not judged, whose name says why; QuPath leaves that out of what it measures. Identifiers follow from slide, scale,
model, stride and place: the same run writes the same file, and no two places share one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common.output import Output
from cancernet.slide.geometry import CellMap, Region, Unjudged, number, on_slide
from cancernet.slide.section import Section

TILES, REGIONS = "tiles.geojson", "regions.geojson"
ALONE, AMONG = "prob_malignant", "context_prob_malignant"  # measurements of a tile
DECIMALS = 9  # of a probability; fewer could round it over the threshold
SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])  # corners of a cell, column and row
TUMOR, OTHER, IGNORE = "Tumor", "Other", "Ignore*"
COLOURS = {TUMOR: [213, 94, 0], OTHER: [0, 114, 178], IGNORE: [140, 140, 140]}  # RGB; Okabe & Ito's vermilion and blue

Feature = dict[str, Any]


def write_features(out: Output, name: str, features: Iterable[Feature]) -> None:
    """Write a FeatureCollection, a feature a line; memory stays flat."""
    with out.writing(name) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for i, feature in enumerate(features):
            file.write(("," if i else "") + "\n" + json.dumps(feature, allow_nan=False))
        file.write("\n]}\n")


def tile_features(made: CellMap, unjudged: Unjudged, mark: str) -> Iterator[Feature]:
    """Yield a tile for each cell that has a probability, and then for each that has tissue and none.

    Args:
        made: the map.
        unjudged: the cells without an answer.
        mark: what the identifiers depend on beside the place: slide, scale, model, stride.
    """
    for row, column in zip(*(part.tolist() for part in np.nonzero(np.isfinite(made.values))), strict=True):
        measured = {
            ALONE: round(float(made.alone[row, column]), DECIMALS),
            AMONG: round(float(made.values[row, column]), DECIMALS),
        }
        called = TUMOR if made.malignant[row, column] else OTHER
        yield _feature(mark, "tile", [_cell(made, row, column)], called, measured)
    for row, column in zip(*(part.tolist() for part in np.nonzero(unjudged.mask)), strict=True):
        reason = unjudged.reasons[unjudged.index[row, column] - 1]
        yield _feature(mark, "tile", [_cell(made, row, column)], IGNORE, {}, name=f"not judged: {reason}")


def region_features(made: CellMap, regions: Iterable[Region], mark: str) -> Iterator[Feature]:
    """Yield a locked annotation for each malignant region, largest first, with its area.

    Args:
        made: the map.
        regions: from `find_regions`.
        mark: as for `tile_features`.
    """
    for i, region in enumerate(regions, 1):
        measured = {
            "area_mm2": round(region.mm2, 6),
            "cells": region.cells,
            "mean_prob_malignant": round(region.mean, 6),
            "highest_prob_malignant": round(region.highest, 6),
        }
        rings = [region.polygon.exterior, *region.polygon.interiors]
        coordinates = [_ring(made.section, np.asarray(ring.coords), made.step) for ring in rings]
        more = {"name": f"malignant {i}", "isLocked": True}
        yield _feature(mark, "annotation", coordinates, TUMOR, measured, **more)


def _cell(made: CellMap, row: int, column: int) -> list[list[int | float]]:
    return _ring(made.section, np.add(SQUARE, (column, row)), made.step)


def _ring(section: Section, corners: NDArray[Any], step: int) -> list[list[int | float]]:
    """Return corners (N, 2), column and row of cells, as positions on the slide."""
    x, y = on_slide(section, corners[:, 0] * step, corners[:, 1] * step)
    return [[number(a), number(b)] for a, b in zip(x, y, strict=True)]


def _feature(
    mark: str, kind: str, coordinates: list[Any], called: str, measured: dict[str, float], **more: object
) -> Feature:
    key = f"cancernet:{mark}/{kind}/{json.dumps(coordinates)}"
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, key)),
        "geometry": {"type": "Polygon", "coordinates": coordinates},
        "properties": {
            "objectType": kind,
            **more,
            "classification": {"name": called, "color": COLOURS[called]},
            "measurements": measured,
        },
    }
