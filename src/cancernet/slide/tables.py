"""The tables of a slide: patches.csv for any program, tiles.geojson and regions.geojson for QuPath.

patches.csv has the columns of WSInfer. The GeoJSON (RFC 7946) is in full-resolution px with QuPath's properties:
objectType, classification with a colour, measurements. Its identifiers follow from slide, model, stride and place: the
same run writes the same file, and no two places share one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common.defaults import CLASS_NAMES, PATCH_SIZE
from cancernet.common.files import CsvWriter
from cancernet.common.output import Output
from cancernet.context.smooth import Contextual
from cancernet.model.decide import words
from cancernet.slide.geometry import CellMap, Region, number, on_slide
from cancernet.slide.section import Section

PATCHES, TILES, REGIONS = "patches.csv", "tiles.geojson", "regions.geojson"
# the first six as WSInfer 0.6 writes them (its readers take any column that begins with prob_)
COLUMNS = (
    *("minx", "miny", "width", "height", "prob_benign", "prob_malignant"),
    *("context_prob_malignant", "threshold", "decision", "reason"),
)
SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])  # corners of a cell, column and row
COLOURS = ([0, 114, 178], [213, 94, 0])  # RGB of benign, malignant: Okabe & Ito's blue and vermilion

Feature = dict[str, Any]


def write_patches(
    out: Output,
    section: Section,
    x: NDArray[Any],
    y: NDArray[Any],
    probability: NDArray[Any],
    context: Contextual,
    reasons: NDArray[Any],
) -> None:
    """Write patches.csv, a row a patch.

    Args:
        out: folder of the slide's results.
        section: of the slide.
        x: int (N,), left px of the patches in the section.
        y: int (N,), top px.
        probability: (N,), of malignant, of the patch alone.
        context: with its surroundings, which the decision rests on; the same where there are too few patches.
        reasons: str (N,), why a patch is unsure.
    """
    left, top = on_slide(section, x, y, of_slide=True)
    right, bottom = on_slide(section, x + PATCH_SIZE, y + PATCH_SIZE, of_slide=True)
    corners = np.stack([left, top, right - left, bottom - top], axis=1)
    with out.writing(PATCHES) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = CsvWriter(file)
        writer.writerow(COLUMNS)
        parts = (corners, probability, context.probability, words(context.decision), reasons)
        for box, alone, among, *said in zip(*parts, strict=True):
            shares = (f"{value:.6g}" for value in (1 - alone, alone, among, context.threshold))
            writer.writerow([*(number(value) for value in box), *shares, *said])


def write_features(out: Output, name: str, features: Iterable[Feature]) -> None:
    """Write a FeatureCollection, a feature a line; memory stays flat."""
    with out.writing(name) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for i, feature in enumerate(features):
            file.write(("," if i else "") + "\n" + json.dumps(feature, allow_nan=False))
        file.write("\n]}\n")


def tile_features(made: CellMap, mark: str) -> Iterator[Feature]:
    """Yield a tile for each cell that has a probability.

    Args:
        made: the map.
        mark: what the identifiers depend on beside the place: slide, model, stride.
    """
    for row, column in zip(*(part.tolist() for part in np.nonzero(np.isfinite(made.values))), strict=True):
        measured = {
            "prob_malignant": round(float(made.alone[row, column]), 6),
            "context_prob_malignant": round(float(made.values[row, column]), 6),
        }
        malignant = bool(made.malignant[row, column])
        ring = _ring(made.section, np.add(SQUARE, (column, row)), made.step)
        yield _feature(mark, "tile", [ring], malignant, measured)


def region_features(made: CellMap, regions: Iterable[Region], mark: str) -> Iterator[Feature]:
    """Yield an annotation for each malignant region, with its area; the arguments are those of `tile_features`."""
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
        yield _feature(mark, "annotation", coordinates, True, measured, **more)


def _ring(section: Section, corners: NDArray[Any], step: int) -> list[list[int | float]]:
    """Return corners (N, 2), column and row of cells, as positions on the slide."""
    x, y = on_slide(section, corners[:, 0] * step, corners[:, 1] * step)
    return [[number(a), number(b)] for a, b in zip(x, y, strict=True)]


def _feature(
    mark: str, kind: str, coordinates: list[Any], malignant: bool, measured: dict[str, float], **more: object
) -> Feature:
    key = f"cancernet:{mark}/{kind}/{json.dumps(coordinates)}"
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, key)),
        "geometry": {"type": "Polygon", "coordinates": coordinates},
        "properties": {
            "objectType": kind,
            **more,
            "classification": {"name": CLASS_NAMES[malignant], "color": COLOURS[malignant]},
            "measurements": measured,
        },
    }
