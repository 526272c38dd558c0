"""An annotated area of a slide, as every format of annotations is read into, and where a slide's pixels lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cancernet.common.errors import UserError
from cancernet.slide.extra import need

WHAT = "the annotations"
ARC = 64  # sides to a quarter of an ellipse; the area is 0.01 % short


@dataclass(frozen=True)
class Annotation:
    """An area that somebody, or a program, outlined.

    Attributes:
        name: class as the file calls it; "" where it says none.
        shape: valid shapely Polygon or MultiPolygon, in full-resolution px from the corner of the scanned area.
        excluded: whether it takes area away from the others: Aperio's negative regions, QuPath's class `Ignore*`.
    """

    name: str
    shape: Any
    excluded: bool = False


@dataclass(frozen=True)
class Frame:
    """Where the pixels of a slide lie.

    Attributes:
        slide: its file.
        width: of the scanned area, full-resolution px.
        height: the same, downwards.
        origin: x, y of that area in the slide's plane, full-resolution px; 0, 0 where no bounds are stated.
    """

    slide: Path
    width: int
    height: int
    origin: tuple[int, int] = (0, 0)


@dataclass
class Drawn:
    """What a file holds, in its own coordinates: areas, and how many objects of each kind were left out."""

    found: list[Annotation] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, rings: Sequence[ArrayLike], *, excluded: bool = False) -> None:
        """Add a polygon of rings (N, 2) of x, y: the outline and its holes; one without an area is left out.

        Raises:
            ValueError: a coordinate that is no number.
        """
        shape = polygon(rings)
        if shape is None:
            self.skip("outline without an area")
        else:
            self.found.append(Annotation(name, shape, excluded))

    def skip(self, kind: str) -> None:
        """Count an object that is no area."""
        self.left_out[kind] = self.left_out.get(kind, 0) + 1


def polygon(rings: Sequence[ArrayLike]) -> Any:
    """Return a shapely Polygon, valid or not, of an outline and its holes; None where the outline has no three corners.

    Raises:
        ValueError: a coordinate that is no finite number.
    """
    shapely = need("shapely")
    points = [np.asarray(ring, np.float64)[:, :2] for ring in rings if len(np.shape(ring)) == 2]
    if not all(np.isfinite(ring).all() for ring in points):
        raise ValueError("a coordinate is no number")
    wide = [ring for ring in points if len(np.unique(ring, axis=0)) >= 3]
    if not points or not wide or wide[0] is not points[0]:
        return None
    return shapely.polygons(shapely.linearrings(wide[0]), [shapely.linearrings(hole) for hole in wide[1:]] or None)


def ellipse(points: ArrayLike) -> np.ndarray:
    """Return corners (N, 2) of the ellipse within the upright rectangle about some points (N, 2)."""
    low, high = np.min(points, axis=0), np.max(points, axis=0)
    angle = np.linspace(0, 2 * np.pi, 4 * ARC, endpoint=False)
    return (low + high) / 2 + (high - low) / 2 * np.column_stack([np.cos(angle), np.sin(angle)])


def rectangle(points: ArrayLike) -> np.ndarray:
    """Return the corners of what a file calls a rectangle: its points, or those between two opposite ones."""
    found = np.asarray(points, np.float64)
    if len(found) != 2:
        return found
    (left, top), (right, bottom) = found
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def areal(shape: Any) -> Any:
    """Return the polygons of a shape alone, without the lines and points that cutting and mending leave."""
    shapely = need("shapely")
    parts = shapely.get_parts(shape)
    while np.any(shapely.get_type_id(parts) > shapely.GeometryType.MULTIPOLYGON):
        parts = shapely.get_parts(parts)
    kinds = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    return union(part for part in parts if shapely.get_type_id(part) in kinds)


def union(shapes: Iterable[Any]) -> Any:
    """Return the union of shapes; an empty polygon of none."""
    shapely = need("shapely")
    listed = list(shapes)
    return listed[0] if len(listed) == 1 else shapely.union_all(listed) if listed else shapely.Polygon()


def unreadable(path: Path, why: object) -> UserError:
    """Return the error of a file of annotations that cannot be used."""
    return UserError(f"cannot read {WHAT} {path}: {why}")
