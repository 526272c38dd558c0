"""tiles.geojson and regions.geojson: what QuPath opens with File > Import objects from file.

GeoJSON (RFC 7946) in full-resolution px with QuPath's properties: objectType, classification with a colour,
measurements. Identifiers depend on slide and place alone: the same run writes the same file.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common.defaults import CLASS_NAMES
from cancernet.common.files import replacing
from cancernet.slide import place
from cancernet.slide.extra import need
from cancernet.slide.regions import Region
from cancernet.slide.section import Section

TILES, REGIONS = "tiles.geojson", "regions.geojson"
COLOURS = ([0, 114, 178], [213, 94, 0])  # RGB of benign, malignant: Okabe & Ito's blue and vermilion


def write_features(path: Path, features: Iterable[dict[str, Any]]) -> int:
    """Write a FeatureCollection a feature a line and return how many it has; memory stays flat."""
    count = 0
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for feature in features:
            file.write(("," if count else "") + "\n" + json.dumps(feature, allow_nan=False))
            count += 1
        file.write("\n]}\n")
    return count


def tile_features(
    slide: str,
    section: Section,
    alone: NDArray[np.float32],
    values: NDArray[np.float32],
    malignant: NDArray[np.bool_],
    step: int,
) -> Iterator[dict[str, Any]]:
    """Yield a tile for each cell that has a probability.

    Args:
        slide: its name.
        section: of the slide.
        alone: float32 (rows, columns), probability by itself, NaN where there is no patch.
        values: float32 (rows, columns), with neighbours, what the calls rest on.
        malignant: bool (rows, columns), the calls.
        step: px a cell.
    """
    for row, column in zip(*(part.tolist() for part in np.nonzero(np.isfinite(values))), strict=True):
        left, right = (place.number(v) for v in place.across(section, np.array([column, column + 1]) * step))
        top, bottom = (place.number(v) for v in place.down(section, np.array([row, row + 1]) * step))
        ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
        properties = {
            "objectType": "tile",
            "classification": _class(bool(malignant[row, column])),
            "measurements": {
                "prob_malignant": round(float(alone[row, column]), 6),
                "context_prob_malignant": round(float(values[row, column]), 6),
            },
        }
        yield _feature(f"{slide}/tile/{row}/{column}", {"type": "Polygon", "coordinates": [ring]}, properties)


def region_features(
    slide: str, section: Section, regions: Iterable[Region], step: int, mpp: float
) -> Iterator[dict[str, Any]]:
    """Yield an annotation for each malignant region, with its area.

    Args:
        slide: its name.
        section: of the slide.
        regions: in units of cells.
        step: px a cell.
        mpp: um/px of the section.
    """
    for i, region in enumerate(regions, 1):
        properties = {
            "objectType": "annotation",
            "name": f"malignant {i}",
            "classification": _class(True),
            "isLocked": True,
            "measurements": {
                "area_mm2": round(region_mm2(region, section, step, mpp), 6),
                "cells": region.cells,
                "mean_prob_malignant": round(region.mean, 6),
                "highest_prob_malignant": round(region.highest, 6),
            },
        }
        rings = [region.polygon.exterior, *region.polygon.interiors]
        coordinates = [_ring(np.asarray(ring.coords), section, step) for ring in rings]
        yield _feature(f"{slide}/region/{i}", {"type": "Polygon", "coordinates": coordinates}, properties)


def region_mm2(region: Region, section: Section, step: int, mpp: float) -> float:
    """Area of a region in mm2, cut at the section's edge."""
    limits = np.array([section.width, section.height])
    shape = need("shapely").transform(region.polygon, lambda cells: np.minimum(cells * step, limits))
    return place.square_mm(shape.area, mpp)


def _ring(corners: NDArray[Any], section: Section, step: int) -> list[list[int | float]]:
    x, y = place.across(section, corners[:, 0] * step), place.down(section, corners[:, 1] * step)
    return [[place.number(a), place.number(b)] for a, b in zip(x, y, strict=True)]


def _class(malignant: bool) -> dict[str, Any]:
    return {"name": CLASS_NAMES[malignant], "color": COLOURS[malignant]}


def _feature(key: str, geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"cancernet:{key}"))
    return {"type": "Feature", "id": identity, "geometry": geometry, "properties": properties}
