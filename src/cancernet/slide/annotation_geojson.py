"""GeoJSON as QuPath writes it: features with a geometry, an object type and a classification.

Source: QuPath's PathObjectTypeAdapters and ROITypeAdapters; RFC 7946.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from cancernet.slide.annotation import Drawn, unreadable

GEOMETRIES = ("Polygon", "MultiPolygon")
# QuPath before 0.3 put the type into the id; what has none is an annotation, as QuPath reads it.
LEGACY = {
    "PathAnnotationObject": "annotation",
    "PathTileObject": "tile",
    "PathDetectionObject": "detection",
    "PathCellObject": "cell",
    "TMACoreObject": "tmaCore",
    "PathRootObject": "root",
}
NO_AREAS = ("detection", "cell", "tmaCore", "tma_core", "root")  # nuclei, cells and frames: no outline of a tissue


def read_geojson(content: bytes, path: Path) -> Drawn:
    """Read the areas of a FeatureCollection, a list of features, one feature or a bare geometry.

    Coordinates are full-resolution px from the corner of the scanned area: QuPath crops a slide to its bounds.

    Raises:
        UserError: it is no such file, or a geometry in it is broken.
    """
    try:
        whole = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise unreadable(path, f"no JSON ({str(error)[:200]}); export it anew as GeoJSON") from error
    drawn = Drawn()
    for number, feature in enumerate(_features(whole, path), 1):
        try:
            _add(feature, drawn)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            raise unreadable(path, f"feature {number}: {str(error)[:200]}; export it anew") from error
    return drawn


def _features(whole: Any, path: Path) -> list[Any]:
    if isinstance(whole, list):
        return whole
    kind = whole.get("type") if isinstance(whole, dict) else None
    if kind == "FeatureCollection" and isinstance(whole.get("features"), list):
        return list(whole["features"])
    if kind == "Feature":
        return [whole]
    if kind in (*GEOMETRIES, "GeometryCollection"):
        return [{"type": "Feature", "geometry": whole}]
    raise unreadable(path, "JSON, but no GeoJSON: neither a FeatureCollection nor a Feature")


def _add(feature: Any, drawn: Drawn) -> None:
    properties = feature.get("properties") or {}
    kind = object_type(feature, properties)
    if kind in NO_AREAS:
        drawn.skip(kind)
        return
    _add_geometry(feature["geometry"], class_name(properties), drawn)


def _add_geometry(geometry: Any, name: str, drawn: Drawn) -> None:
    kind = "nothing" if geometry is None else geometry["type"]
    if kind == "GeometryCollection":
        for part in geometry["geometries"]:
            if part["type"] == "GeometryCollection":
                raise ValueError("a GeometryCollection within another")
            _add_geometry(part, name, drawn)
    elif kind not in GEOMETRIES:
        drawn.skip(str(kind)[:40])
    else:
        for rings in [geometry["coordinates"]] if kind == "Polygon" else geometry["coordinates"]:
            drawn.add(name, [[point[:2] for point in ring] for ring in rings])


def object_type(feature: dict[str, Any], properties: dict[str, Any]) -> str:
    """Return what QuPath takes a feature for; "annotation" where nothing is said.

    Example:
        >>> object_type({}, {"objectType": "tile"}), object_type({"id": "PathCellObject"}, {})
        ('tile', 'cell')
    """
    said = properties.get("objectType") or properties.get("object_type")
    return LEGACY.get(str(said or feature.get("id")), str(said or "annotation"))


def class_name(properties: dict[str, Any]) -> str:
    """Return the class of an object, "" where it has none; of a derived one all parts, as QuPath shows it.

    Example:
        >>> class_name({"classification": {"names": ["Tumor", "Positive"]}}), class_name({})
        ('Tumor: Positive', '')
    """
    said = properties.get("classification")
    if isinstance(said, dict):
        names = said.get("names")
        said = ": ".join(map(str, names)) if isinstance(names, list) else said.get("name")
    return str(said or "").strip()
