"""patches.csv in WSInfer's columns and valid GeoJSON for QuPath, in px that lead back to the cells."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest

from cancernet.common.output import Output
from cancernet.context.smooth import Contextual
from cancernet.slide.geometry import CellMap, find_regions
from cancernet.slide.section import Section
from cancernet.slide.tables import COLUMNS, PATCHES, region_features, tile_features, write_features, write_patches

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
MADE = CellMap(Section(Path("none"), 140, 90, 15.5, 16.0, (1000, 2000), 0), 50, 4.0, ALONE, VALUES, MALIGNANT)


CONTEXT = Contextual(np.array([0.5, 0.7, 0.9]), 0.6, np.array([True, False, True]), np.array([0, 1, -1], np.int8))


def rows_of(out: Output, *, origin: tuple[int, int] = (0, 0), factor: float = 16.0) -> pd.DataFrame:
    section = Section(Path("none"), 120, 100, factor, factor, origin, 0)
    x, y = np.array([0, 50, 100]), np.array([0, 0, 50])
    reasons = np.array(["", "", "no tissue: why, where"])
    write_patches(out, section, x, y, np.array([0.25, 1e-7, 0.999999]), CONTEXT, reasons)
    return pd.read_csv(out.folder / PATCHES, keep_default_na=False)


def test_columns_are_those_of_wsinfer_and_more(output: Output) -> None:
    assert tuple(rows_of(output).columns) == COLUMNS
    assert COLUMNS[:6] == ("minx", "miny", "width", "height", "prob_benign", "prob_malignant")


def test_coordinates_are_full_resolution_px_and_end_at_the_edge(output: Output) -> None:
    rows = rows_of(output)
    assert rows["minx"].tolist() == [0, 800, 1600]
    assert rows["miny"].tolist() == [0, 0, 800]
    assert rows["width"].tolist() == [800, 800, 320]  # 20 px of the section are left
    assert rows["height"].tolist() == [800, 800, 800]


def test_a_fractional_factor_is_kept(output: Output) -> None:
    rows = rows_of(output, factor=15.8731)
    assert rows["minx"][1] == pytest.approx(50 * 15.8731, abs=1e-3)


def test_a_scanned_area_is_placed_on_the_slide(output: Output) -> None:
    assert rows_of(output, origin=(3000, 70))[["minx", "miny"]].iloc[0].tolist() == [3000, 70]


def test_small_probabilities_survive_and_classes_add_up(output: Output) -> None:
    rows = rows_of(output)
    assert rows["prob_malignant"][1] == pytest.approx(1e-7)
    assert np.allclose(rows["prob_benign"] + rows["prob_malignant"], 1, atol=1e-6)
    assert rows["context_prob_malignant"].tolist() == [0.5, 0.7, 0.9]


def test_the_call_can_be_made_again_from_the_row_unless_a_reason_says_it_is_none(output: Output) -> None:
    rows = rows_of(output)
    assert rows["decision"].tolist() == ["benign", "malignant", "unsure"]
    assert rows["reason"].tolist() == ["", "", "no tissue: why, where"]
    again = rows["context_prob_malignant"] >= rows["threshold"]
    assert again[:2].tolist() == (rows["decision"] == "malignant")[:2].tolist()


def test_no_third_class_is_seen_by_readers_of_prob_columns(output: Output) -> None:
    names = [name for name in rows_of(output).columns if name.startswith("prob_")]
    assert names == ["prob_benign", "prob_malignant"]


def collection(out: Output, features: Iterable[dict]) -> dict:
    write_features(out, "x.geojson", features)
    found = json.loads((out.folder / "x.geojson").read_text("utf-8"))
    jsonschema.validate(found, COLLECTION)
    for feature in found["features"]:
        assert all(ring[0] == ring[-1] for ring in feature["geometry"]["coordinates"])
    return found


def test_tiles_are_valid_and_lead_back_to_their_cells(output: Output) -> None:
    found = collection(output, tile_features(MADE, "s"))
    back = np.full(VALUES.shape, np.nan, np.float32)
    for feature in found["features"]:
        left, top = np.min(feature["geometry"]["coordinates"][0], axis=0)
        column, row = left / 15.5 / 50, top / 16 / 50
        assert column == int(column)
        assert row == int(row)
        back[int(row), int(column)] = feature["properties"]["measurements"]["context_prob_malignant"]
    np.testing.assert_allclose(back, VALUES, atol=1e-6)


def test_tiles_end_at_the_sections_edge_and_say_their_class(output: Output) -> None:
    found = collection(output, tile_features(MADE, "s"))
    last = found["features"][-1]
    assert np.max(last["geometry"]["coordinates"][0], axis=0).tolist() == [140 * 15.5, 90 * 16]
    names = [feature["properties"]["classification"]["name"] for feature in found["features"]]
    assert names == ["malignant", "malignant", "malignant", "benign", "malignant"]
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
        tiles, areas = tile_features(made, mark), region_features(made, find_regions(made), mark)
        return [each["id"] for each in (*tiles, *areas)]

    finer = replace(MADE, step=25)
    rescaled = replace(MADE, section=replace(MADE.section, factor_x=16.5))
    assert ids("a") == ids("a")
    runs = [*ids("a"), *ids("b"), *ids("a", finer), *ids("a", rescaled)]
    assert len(set(runs)) == len(runs) == 4 * 7


def test_no_number_that_json_lacks_is_written(output: Output) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_features(output, "x.geojson", [{"value": float("nan")}])
    assert not list(output.folder.glob("*.geojson*"))
