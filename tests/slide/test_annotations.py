"""Annotations of a slide: the right file, in the right place, of the right slide."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.slide.annotation import Frame
from cancernet.slide.annotations import UNCLASSIFIED, content_hash, find_annotations, read_annotations

FRAME = Frame(Path("a.svs"), 100, 80)
BOW = [[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]


def box(left: float, top: float, right: float, bottom: float) -> list:
    return [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]


def write(path: Path, *features: tuple[str, list]) -> Path:
    made = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {"classification": {"name": name}} if name else {},
        }
        for name, ring in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": made}))
    return path


def test_a_file_is_read_by_its_content_whatever_it_is_called(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", ("Tumor", box(0, 0, 10, 10)))
    found = read_annotations(path, FRAME)
    assert found.classes == {"Tumor": 1}
    assert found.sha256 == content_hash(path)
    (tmp_path / "x").write_text(
        '<?xml version="1.0"?><Annotations><Annotation Name="T"><Regions><Region><Vertices>'
        '<Vertex X="0" Y="0"/><Vertex X="9" Y="0"/><Vertex X="0" Y="9"/></Vertices></Region></Regions></Annotation>'
        "</Annotations>",
        encoding="utf-16",
    )
    assert read_annotations(tmp_path / "x", FRAME).classes == {"T": 1}
    mask = np.zeros((80, 100), np.uint8)
    mask[:10] = 7
    cv2.imwrite(str(tmp_path / "m.png"), mask)
    assert read_annotations(tmp_path / "m.png", FRAME).classes == {"7": 1}


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00\x01"])
def test_any_other_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match="cannot read the annotations"):
        read_annotations(tmp_path / "x", FRAME)


def test_qupath_counts_from_the_scanned_area_and_imagescope_from_the_plane(tmp_path: Path) -> None:
    frame = Frame(Path("a.mrxs"), 100, 80, (1000, 2000))
    json_found = read_annotations(write(tmp_path / "a.geojson", ("T", box(10, 20, 30, 40))), frame)
    corners = "".join(f'<Vertex X="{1000 + x}" Y="{2000 + y}"/>' for x, y in box(10, 20, 30, 40))
    (tmp_path / "a.xml").write_text(
        f'<Annotations><Annotation Name="T"><Regions><Region><Vertices>{corners}</Vertices></Region></Regions>'
        "</Annotation></Annotations>"
    )
    xml_found = read_annotations(tmp_path / "a.xml", frame)
    assert json_found.items[0].shape.equals(xml_found.items[0].shape)


def test_an_outline_that_crosses_itself_is_mended_and_told(tmp_path: Path) -> None:
    found = read_annotations(write(tmp_path / "a.geojson", ("Tumor", BOW)), FRAME)
    assert found.items[0].shape.is_valid
    assert found.items[0].shape.area == 50
    assert "1 outlines that cross themselves were mended" in found.notes[0]


def test_ignored_classes_take_area_away_from_all_others(tmp_path: Path) -> None:
    path = write(tmp_path / "a.geojson", ("Tumor", box(0, 0, 10, 10)), ("Ignore*", box(5, 0, 20, 10)))
    found = read_annotations(path, FRAME)
    assert found.classes == {"Tumor": 1}
    assert found.area_of({"Tumor"}).area == 50


def test_an_object_without_a_class_has_a_name_to_call_it_by(tmp_path: Path) -> None:
    found = read_annotations(write(tmp_path / "a.geojson", ("", box(0, 0, 10, 10))), FRAME)
    assert found.classes == {UNCLASSIFIED: 1}
    assert found.area_of({UNCLASSIFIED}).area == 100


def test_annotations_of_another_slide_are_refused_and_an_overhang_is_cut_off_and_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="another slide"):
        read_annotations(write(tmp_path / "a.geojson", ("Tumor", box(90, 0, 200, 10))), FRAME)
    found = read_annotations(write(tmp_path / "b.geojson", ("Tumor", box(60, 0, 110, 10))), FRAME)
    assert found.items[0].shape.bounds == (60, 0, 100, 10)
    assert "20%" in found.notes[0]


def test_a_file_without_an_area_says_what_it_has(tmp_path: Path) -> None:
    point = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 1]}, "properties": {}}
    (tmp_path / "a.geojson").write_text(json.dumps([point]))
    with pytest.raises(UserError, match=r"no area; a\.geojson: 1 of kind Point left out"):
        read_annotations(tmp_path / "a.geojson", FRAME)


@pytest.mark.parametrize("name", ["s.geojson", "s.svs.geojson", "s.xml", "s.svs.ndpa", "s_mask.png", "s.tif"])
def test_a_folder_is_searched_for_a_file_called_as_the_slide(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    (tmp_path / "other.geojson").touch()
    assert find_annotations(tmp_path, Path("slides/s.svs")) == tmp_path / name


def test_none_or_two_in_a_folder_are_refused_and_the_slide_is_none(tmp_path: Path) -> None:
    slide = tmp_path / "s.tif"
    slide.touch()
    with pytest.raises(UserError, match=r"no annotations called s\.geojson"):
        find_annotations(tmp_path, slide)
    (tmp_path / "s.xml").touch()
    (tmp_path / "s.geojson").touch()
    with pytest.raises(UserError, match="both"):
        find_annotations(tmp_path, slide)


def test_a_file_is_itself(tmp_path: Path) -> None:
    assert find_annotations(tmp_path / "any.xml", Path("s.svs")) == tmp_path / "any.xml"
