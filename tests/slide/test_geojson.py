"""What QuPath opens: valid GeoJSON with its properties, and coordinates that lead back to the cells."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from cancernet.slide import geojson
from cancernet.slide.geojson import region_features, tile_features, write_features
from cancernet.slide.regions import find_regions
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
                        "name": {"enum": ["benign", "malignant"]},
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


@pytest.fixture
def section() -> Section:
    return Section(Path("none"), 140, 90, 15.5, 16.0, (1000, 2000), 0)


def written(path: Path, features) -> dict:
    count = write_features(path, features)
    found = json.loads(path.read_text("utf-8"))
    jsonschema.validate(found, COLLECTION)
    assert len(found["features"]) == count
    for feature in found["features"]:
        assert all(ring[0] == ring[-1] for ring in feature["geometry"]["coordinates"])
    return found


def test_tiles_are_valid_and_lead_back_to_their_cells(section: Section, tmp_path: Path) -> None:
    found = written(tmp_path / "t.geojson", tile_features("s", section, ALONE, VALUES, MALIGNANT, 50))
    back = np.full(VALUES.shape, np.nan, np.float32)
    for feature in found["features"]:
        left, top = np.min(feature["geometry"]["coordinates"][0], axis=0)
        column, row = left / 15.5 / 50, top / 16 / 50
        assert column == int(column)
        assert row == int(row)
        back[int(row), int(column)] = feature["properties"]["measurements"]["context_prob_malignant"]
    np.testing.assert_allclose(back, VALUES, atol=1e-6)


def test_tiles_end_at_the_sections_edge_and_say_their_class(section: Section, tmp_path: Path) -> None:
    found = written(tmp_path / "t.geojson", tile_features("s", section, ALONE, VALUES, MALIGNANT, 50))
    last = found["features"][-1]
    assert np.max(last["geometry"]["coordinates"][0], axis=0).tolist() == [140 * 15.5, 90 * 16]
    names = [feature["properties"]["classification"]["name"] for feature in found["features"]]
    assert names == ["malignant", "malignant", "malignant", "benign", "malignant"]
    assert {feature["properties"]["objectType"] for feature in found["features"]} == {"tile"}


def test_regions_are_valid_annotations_with_their_area(section: Section, tmp_path: Path) -> None:
    regions = find_regions(VALUES, MALIGNANT)
    found = written(tmp_path / "r.geojson", region_features("s", section, regions, 50, 4.0))
    large, small = found["features"]
    assert large["properties"]["objectType"] == "annotation"
    # three cells: two of 50x50 px above, one cut to 50x40 below; 16e-6 mm2 a px
    assert large["properties"]["measurements"]["area_mm2"] == pytest.approx((5000 + 2000) * 16e-6)
    assert small["properties"]["measurements"]["area_mm2"] == pytest.approx(40 * 40 * 16e-6)
    corners = {tuple(corner) for corner in large["geometry"]["coordinates"][0]}
    assert corners == {(0, 0), (1550, 0), (1550, 800), (775, 800), (775, 1440), (0, 1440)}


def test_a_hole_is_a_ring_of_its_own(section: Section, tmp_path: Path) -> None:
    mask = np.ones((3, 3), bool)
    mask[1, 1] = False
    regions = find_regions(np.where(mask, 0.9, 0.1).astype(np.float32), mask)
    found = written(tmp_path / "r.geojson", region_features("s", section, regions, 10, 4.0))
    outer, hole = found["features"][0]["geometry"]["coordinates"]
    assert len(outer) == len(hole) == 5
    assert found["features"][0]["properties"]["measurements"]["area_mm2"] == pytest.approx(800 * 16e-6)


def test_none_is_a_valid_empty_collection(tmp_path: Path) -> None:
    assert written(tmp_path / "r.geojson", [])["features"] == []


def test_identifiers_differ_by_place_and_slide_and_not_by_run(section: Section) -> None:
    def ids(name: str) -> list[str]:
        return [each["id"] for each in tile_features(name, section, ALONE, VALUES, MALIGNANT, 50)]

    assert ids("a") == ids("a")
    assert len({*ids("a"), *ids("b")}) == 10


def test_no_number_that_json_lacks_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_features(tmp_path / "x.geojson", [{"value": float("nan")}])
    assert list(tmp_path.iterdir()) == []
    assert geojson.TILES.endswith(".geojson")
