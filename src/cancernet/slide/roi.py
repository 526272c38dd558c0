"""A region of interest: the part of a slide that is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common.errors import UserError
from cancernet.slide.annotation import Frame
from cancernet.slide.annotations import content_hash, find_annotations, read_annotations
from cancernet.slide.cover import cover_patches
from cancernet.slide.extra import need
from cancernet.slide.section import Section
from cancernet.slide.tissue import BLOCK, Tissue

MIN_SHARE = 0.5  # of a patch that lies inside, from which it is judged
MANY_CORNERS = 20_000  # of an outline, above which it would only blacken a picture


@dataclass(frozen=True)
class Roi:
    """What was outlined to be judged.

    Attributes:
        path: of the annotations.
        sha256: of their content, hex.
        classes: what was taken, by name.
        shape: shapely polygons, full-resolution px from the section's corner.
        notes: sentences that a reader of the results has to know.
    """

    path: Path
    sha256: str
    classes: tuple[str, ...]
    shape: Any
    notes: tuple[str, ...] = ()

    def patches(self, section: Section, x: NDArray[Any], y: NDArray[Any], stride: int) -> NDArray[np.bool_]:
        """Return which patches (N,) at x, y (px) lie inside by at least half."""
        return cover_patches(self.shape, section, x, y, stride) >= MIN_SHARE

    def within(self, tissue: Tissue, section: Section) -> Tissue:
        """Return the tissue that lies inside: blocks whose middle does."""
        shapely = need("shapely")
        shapely.prepare(self.shape)
        y, x = ((np.arange(count) + 0.5) * BLOCK for count in tissue.mask.shape)
        middles = np.meshgrid(x * section.factor_x, y * section.factor_y)
        return replace(tissue, mask=tissue.mask & shapely.contains_xy(self.shape, *middles))

    def describe(self, section: Section, mpp: float) -> dict[str, Any]:
        """Return what a summary says of it, with its area in mm2."""
        area_px = self.shape.area / (section.factor_x * section.factor_y)
        return {
            "path": str(self.path),
            "sha256": self.sha256,
            "classes": list(self.classes),
            "mm2": round(area_px * (mpp / 1000) ** 2, 6),
        }

    def outline(self, section: Section) -> list[NDArray[np.float64]]:
        """Return its rings, each (N, 2) of x, y in px of the section; none where there are too many to draw."""
        parts = getattr(self.shape, "geoms", [self.shape])
        rings = [ring for part in parts if not part.is_empty for ring in (part.exterior, *part.interiors)]
        if sum(len(ring.coords) for ring in rings) > MANY_CORNERS:
            return []
        return [np.asarray(ring.coords)[:, :2] / (section.factor_x, section.factor_y) for ring in rings]


def roi_mark(place: Path | None, slide: Path, classes: Sequence[str]) -> dict[str, Any] | None:
    """Return what results depend on of a region of interest; None without one.

    Raises:
        UserError: there are no annotations of the slide, or they cannot be read.
    """
    if place is None:
        return None
    return {"sha256": content_hash(find_annotations(place, slide)), "classes": sorted(classes)}


def read_roi(place: Path, classes: Sequence[str], frame: Frame) -> Roi:
    """Read the region of interest of a slide: all areas, or those of some classes, less what is excluded.

    Args:
        place: file of annotations, or a folder of them; see `find_annotations`.
        classes: names to take; all by default.
        frame: of the slide.

    Raises:
        UserError: it cannot be read, has no such class, or nothing of it is left.
    """
    found = read_annotations(find_annotations(place, frame.slide), frame)
    asked = {name.casefold() for name in classes}
    names = {name for name in found.classes if not asked or name.casefold() in asked}
    absent = [name for name in classes if name.casefold() not in {each.casefold() for each in names}]
    if absent:
        seen = ", ".join(f"{name} ({count:,})" for name, count in found.classes.items())
        raise UserError(f"{found.path}: has no area of class {', '.join(absent)}; it has {seen or 'none on the slide'}")
    shape = found.area_of(names)
    if shape.is_empty:
        raise UserError(f"{found.path}: what it excludes covers all that it outlines on the slide; nothing is left")
    return Roi(found.path, found.sha256, tuple(sorted(names)), shape, found.notes)
