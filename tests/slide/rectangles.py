"""Annotations as QuPath exports them, drawn by a program."""

from __future__ import annotations

import json
from pathlib import Path


def write(path: Path, *areas: tuple[str, tuple[int, int, int, int]]) -> Path:
    """Write GeoJSON of rectangles: class, and left, top, right, bottom in full-resolution px."""
    features = []
    for name, (left, top, right, bottom) in areas:
        ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "geometry": geometry, "properties": {"classification": {"name": name}}})
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path
