"""GeoJSON as QuPath writes it, of several versions, and what is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.slide.annotation_geojson import read_geojson

RING = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
HOLE = [[2, 2], [4, 2], [4, 4], [2, 4], [2, 2]]
PLACE = Path("a.geojson")


def feature(kind: str = "Polygon", coordinates: object = None, **properties: object) -> dict:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": [RING] if coordinates is None else coordinates},
        "properties": {"objectType": "annotation", "classification": {"name": "Tumor"}, **properties},
    }


def read(whole: object):
    return read_geojson(json.dumps(whole).encode(), PLACE)


@pytest.mark.parametrize(
    "whole",
    [{"type": "FeatureCollection", "features": [feature()]}, [feature()], feature()],
    ids=["all", "list", "one"],
)
def test_a_collection_a_list_and_a_single_feature_are_read_alike(whole: object) -> None:
    [found] = read(whole).found
    assert (found.name, found.shape.area) == ("Tumor", 100)


def test_holes_and_several_parts_are_kept() -> None:
    assert read(feature(coordinates=[RING, HOLE])).found[0].shape.area == 96
    parts = read(feature("MultiPolygon", [[RING], [[[20, 0], [22, 0], [22, 2], [20, 2], [20, 0]]]])).found
    assert [each.shape.area for each in parts] == [100, 4]


def test_a_bare_geometry_has_no_class() -> None:
    [found] = read({"type": "Polygon", "coordinates": [RING]}).found
    assert found.name == ""


def test_points_and_lines_are_counted_and_left_out() -> None:
    drawn = read([feature("Point", [1, 2]), feature("LineString", RING), feature("MultiPoint", RING), feature()])
    assert drawn.left_out == {"Point": 1, "LineString": 1, "MultiPoint": 1}
    assert len(drawn.found) == 1


def test_cells_are_no_outlines_of_tissue_and_tiles_are() -> None:
    drawn = read([feature(objectType="cell"), feature(objectType="detection"), feature(objectType="tile")])
    assert drawn.left_out == {"cell": 1, "detection": 1}
    assert len(drawn.found) == 1


def test_the_type_in_the_id_of_older_versions_is_understood() -> None:
    old = feature()
    del old["properties"]["objectType"]
    assert read([{**old, "id": "PathDetectionObject"}, {**old, "id": "PathAnnotationObject"}]).left_out == {
        "detection": 1
    }


@pytest.mark.parametrize(
    ("classification", "name"),
    [
        ({"names": ["Tumor", "Positive"]}, "Tumor: Positive"),
        ({"names": ["Stroma"]}, "Stroma"),
        (None, ""),
        ("IDC", "IDC"),
    ],
)
def test_the_class_is_read_as_each_version_writes_it(classification: object, name: str) -> None:
    assert read(feature(classification=classification)).found[0].name == name


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"type": "Topology"}', "no GeoJSON"),
        (b"7", "no GeoJSON"),
        (b'[{"type": "Feature"}]', "feature 1"),
        (b'[{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[["a", 1]]]}}]', "feature 1"),
        (b'[{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[1], [2], [3]]]}}]', "feature 1"),
        (b'[{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[1, NaN]]]}}]', "no JSON"),
        (b"[3]", "feature 1"),
        (b'[{"geometry": {"type": "Polygon", "coordinates": 5}}]', "feature 1"),
    ],
)
def test_what_is_broken_is_one_line_that_says_where(content: bytes, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        read_geojson(content, PLACE)
    assert "a.geojson" in str(caught.value)
    assert "\n" not in str(caught.value)
