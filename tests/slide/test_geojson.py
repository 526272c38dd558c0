"""GeoJSON for QuPath: valid, in px that lead back to the cells, in classes that QuPath knows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from cancernet.common.output import Output
from cancernet.slide.geojson import region_features, tile_features, write_features
from cancernet.slide.geometry import CellMap, Unjudged, find_regions
from cancernet.slide.section import Section

POSITION = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
RING = {"type": "array", "items": POSITION, "minItems": 4}
FEATURE = {
    "type": "object",
    "required": ["type", "id", "geometry", "properties"],
    "properties": {
        "type": {"const": "Feature"},
        "id": {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
        "geometry": {
            "type": "object",
            "required": ["type", "coordinates"],
            "additionalProperties": False,
            "properties": {
                "type": {"const": "Polygon"},
                "coordinates": {"type": "array", "items": RING, "minItems": 1},
            },
        },
        "properties": {
            "type": "object",
            "required": ["objectType", "classification", "measurements"],
            "additionalProperties": False,
            "properties": {
                "objectType": {"enum": ["annotation", "detection", "tile"]},
                "name": {"type": "string"},
                "isLocked": {"type": "boolean"},
                "classification": {
                    "type": "object",
                    "required": ["name", "color"],
                    "properties": {
                        "name": {"enum": ["Tumor", "Other", "Ignore*"]},
                        "color": {
                            "type": "array",
                            "items": {"type": "integer", "minimum": 0, "maximum": 255},
                            "minItems": 3,
                            "maxItems": 3,
                        },
                    },
                },
                "measurements": {"type": "object", "additionalProperties": {"type": "number"}},
            },
        },
    },
}
COLLECTION = {  # RFC 7946 section 3.3, and QuPath's PathObject
    "type": "object",
    "required": ["type", "features"],
    "additionalProperties": False,
    "properties": {"type": {"const": "FeatureCollection"}, "features": {"type": "array", "items": FEATURE}},
}
VALUES = np.array([[0.9, 0.8, np.nan], [0.9, 0.1, 0.95]], np.float32)
MALIGNANT = VALUES >= 0.5
ALONE = VALUES / 2  # what a patch is by itself
MADE = CellMap(Section(Path("none"), 140, 90, 15.5, 16.0, (1000, 2000), 0), 50, 4.0, ALONE, VALUES, MALIGNANT)
ALL = Unjudged(np.zeros(VALUES.shape, int), ())  # every cell with tissue has an answer
ONE = Unjudged(np.array([[0, 0, 1], [0, 0, 0]]), ("fold",))


def collection(out: Output, features: Iterable[dict]) -> dict:
    write_features(out, "x.geojson", features)
    found = json.loads((out.folder / "x.geojson").read_text("utf-8"))
    jsonschema.validate(found, COLLECTION)
    for feature in found["features"]:
        assert all(ring[0] == ring[-1] for ring in feature["geometry"]["coordinates"])
    return found


def test_tiles_are_valid_and_lead_back_to_their_cells(output: Output) -> None:
    found = collection(output, tile_features(MADE, ALL, "s"))
    back = np.full(VALUES.shape, np.nan, np.float32)
    for feature in found["features"]:
        left, top = np.min(feature["geometry"]["coordinates"][0], axis=0)
        column, row = left / 15.5 / 50, top / 16 / 50
        assert column == int(column)
        assert row == int(row)
        back[int(row), int(column)] = feature["properties"]["measurements"]["context_prob_malignant"]
    np.testing.assert_allclose(back, VALUES, atol=1e-6)


def test_tiles_end_at_the_sections_edge_and_say_their_class(output: Output) -> None:
    found = collection(output, tile_features(MADE, ALL, "s"))
    last = found["features"][-1]
    assert np.max(last["geometry"]["coordinates"][0], axis=0).tolist() == [140 * 15.5, 90 * 16]
    names = [feature["properties"]["classification"]["name"] for feature in found["features"]]
    assert names == ["Tumor", "Tumor", "Tumor", "Other", "Tumor"]
    assert {feature["properties"]["objectType"] for feature in found["features"]} == {"tile"}


def test_regions_are_valid_annotations_with_their_area(output: Output) -> None:
    found = collection(output, region_features(MADE, find_regions(MADE), "s"))
    large, small = found["features"]
    assert large["properties"]["objectType"] == "annotation"
    # three cells: two of 50x50 px above, one cut to 50x40 below; 16e-6 mm2 a px
    assert large["properties"]["measurements"]["area_mm2"] == pytest.approx((5000 + 2000) * 16e-6)
    assert small["properties"]["measurements"]["area_mm2"] == pytest.approx(40 * 40 * 16e-6)
    corners = {tuple(corner) for corner in large["geometry"]["coordinates"][0]}
    assert corners == {(0, 0), (1550, 0), (1550, 800), (775, 800), (775, 1440), (0, 1440)}


def test_a_hole_is_a_ring_of_its_own(output: Output) -> None:
    mask = np.ones((3, 3), bool)
    mask[1, 1] = False
    values = np.where(mask, 0.9, 0.1).astype(np.float32)
    made = CellMap(MADE.section, 10, 4.0, values, values, mask)
    found = collection(output, region_features(made, find_regions(made), "s"))
    outer, hole = found["features"][0]["geometry"]["coordinates"]
    assert len(outer) == len(hole) == 5
    assert found["features"][0]["properties"]["measurements"]["area_mm2"] == pytest.approx(800 * 16e-6)


def test_none_is_a_valid_empty_collection(output: Output) -> None:
    assert collection(output, [])["features"] == []


def test_identifiers_differ_by_place_slide_model_and_stride_and_not_by_run() -> None:
    def ids(mark: str, made: CellMap = MADE) -> list[str]:
        tiles, areas = tile_features(made, ONE, mark), region_features(made, find_regions(made), mark)
        return [each["id"] for each in (*tiles, *areas)]

    finer = replace(MADE, step=25)
    rescaled = replace(MADE, section=replace(MADE.section, factor_x=16.5))
    assert ids("a") == ids("a")
    runs = [*ids("a"), *ids("b"), *ids("a", finer), *ids("a", rescaled)]
    assert len(set(runs)) == len(runs) == 4 * 8


def test_no_number_that_json_lacks_is_written(output: Output) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_features(output, "x.geojson", [{"value": float("nan")}])
    assert not list(output.folder.glob("*.geojson*"))


def test_what_was_not_judged_is_seen_and_never_benign(output: Output) -> None:
    found = collection(output, tile_features(MADE, ONE, "s"))
    *judged, open_ = found["features"]
    assert len(judged) == 5
    assert open_["properties"]["classification"]["name"] == "Ignore*"
    assert open_["properties"]["name"] == "not judged: fold"
    assert open_["properties"]["measurements"] == {}
    assert np.min(open_["geometry"]["coordinates"][0], axis=0).tolist() == [100 * 15.5, 0]


def test_no_probability_is_rounded_over_the_threshold(output: Output) -> None:
    values = np.array([[np.float32(0.1041354)]])
    made = CellMap(MADE.section, 50, 4.0, values, values, values >= 0.10413541)
    [tile] = collection(output, tile_features(made, Unjudged(np.zeros((1, 1), int), ()), "s"))["features"]
    measured = tile["properties"]["measurements"]["context_prob_malignant"]
    assert (measured >= 0.10413541) == bool(made.malignant[0, 0])
