"""Annotations of a slide, whatever program wrote them: which file, which format, which areas of which class."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cancernet.common.errors import UserError
from cancernet.common.files import real
from cancernet.common.limits import read_bytes
from cancernet.slide.annotation import WHAT, Annotation, Drawn, Frame, areal, union, unreadable
from cancernet.slide.annotation_geojson import read_geojson
from cancernet.slide.annotation_mask import is_picture, read_mask
from cancernet.slide.annotation_xml import read_xml
from cancernet.slide.extra import need

MOST_BYTES = 256_000_000  # of a file; a hundred thousand outlines in GeoJSON
ENDINGS = (".geojson", ".json", ".xml", ".ndpa", ".png", ".tif", ".tiff")
MASK = "_mask"  # what may stand between a slide's name and the ending of its mask
UNCLASSIFIED = "unclassified"  # how a class without a name is shown, and can be named
MIN_INSIDE = 0.5  # share of the annotated area that lies on the slide; with less they are of another
NEARLY_ALL = 0.99  # share above which an outline over the edge is no news


@dataclass(frozen=True)
class Annotations:
    """What a file says of a slide.

    Attributes:
        path: of the file.
        sha256: of its content, hex.
        items: the areas, cut at the edge of the scanned area.
        notes: sentences that a reader of the results has to know.
    """

    path: Path
    sha256: str
    items: tuple[Annotation, ...]
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> dict[str, int]:
        """How many areas each class has, that are not excluded; the class without a name is `UNCLASSIFIED`."""
        return dict(Counter(item.name or UNCLASSIFIED for item in self.items if not item.excluded))

    def area_of(self, names: set[str]) -> Any:
        """Return the union of the areas of classes, less what is excluded, as a shapely shape."""
        kept = union(item.shape for item in self.items if not item.excluded and (item.name or UNCLASSIFIED) in names)
        gone = union(item.shape for item in self.items if item.excluded)
        return kept if gone.is_empty else areal(kept.difference(gone))


def find_annotations(place: Path, slide: Path) -> Path:
    """Return the file of annotations of a slide: the one given, or in a folder the one called as the slide is.

    Args:
        place: file, or folder with NAME.geojson, .json, .xml, .ndpa, or a mask NAME.png or .tif or NAME_mask.png.
        slide: of whose name NAME is all, or all but the ending.

    Raises:
        UserError: there is none, or there are two.
    """
    place = place.expanduser()
    if not place.is_dir():
        return place
    names = dict.fromkeys(
        stem + end for stem in (slide.stem, slide.name, slide.stem + MASK, slide.name + MASK) for end in ENDINGS
    )
    here = {path.name for path in place.iterdir()}
    found = [place / name for name in names if name in here and real(place / name) != real(slide)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(f"{place}: both {found[0].name} and {found[1].name} are called as the slide is; keep one")
    raise UserError(f"{place}: holds no annotations called {slide.stem}.geojson, .xml, .ndpa or {slide.stem}{MASK}.png")


def content_hash(path: Path) -> str:
    """Return the SHA-256 (hex) of a file of annotations; raises UserError as `read_bytes`."""
    return hashlib.sha256(read_bytes(path, WHAT, MOST_BYTES)).hexdigest()


def read_annotations(path: Path, frame: Frame) -> Annotations:
    """Read the annotations of a slide, in full-resolution px from the corner of its scanned area.

    The content tells the format: GeoJSON (QuPath), XML (Aperio ImageScope, ASAP, Hamamatsu NDPA), or a mask. Outlines
    that cross themselves are mended, and counted.

    Args:
        path: the file.
        frame: of the slide.

    Raises:
        UserError: it cannot be read, has another format, holds no area, or hardly one on the slide.
    """
    content = read_bytes(path, WHAT, MOST_BYTES)
    drawn = _read(content, path, frame)
    notes = [f"{path.name}: {count:,} of kind {kind} left out" for kind, count in sorted(drawn.left_out.items())]
    sound, mended = _sound(drawn)
    if mended:
        notes.append(f"{path.name}: {mended:,} outlines that cross themselves were mended")
    items, inside = _on_slide(sound, frame)
    if not any(not item.excluded for item in sound):
        raise unreadable(path, "; ".join(["it holds no area", *notes]))
    if inside < MIN_INSIDE:
        raise unreadable(
            path,
            f"{1 - inside:.0%} of the annotated area lies outside of the slide ({frame.width}x{frame.height} px); are "
            "these the annotations of another slide, or of a reduced one?",
        )
    if inside < NEARLY_ALL:
        notes.append(f"{path.name}: {1 - inside:.0%} of the annotated area lies outside of the slide and was cut off")
    return Annotations(path, hashlib.sha256(content).hexdigest(), tuple(items), tuple(notes))


def _read(content: bytes, path: Path, frame: Frame) -> Drawn:
    if is_picture(content):
        return read_mask(path, content, frame)
    first = content.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe \t\r\n")[:1]
    if first == b"<":
        return read_xml(content, path, frame)
    if first in (b"{", b"["):
        return read_geojson(content, path)
    what = "empty" if not content else "neither GeoJSON, XML, nor a mask in PNG or TIFF; export it as one of these"
    raise unreadable(path, what)


def _sound(drawn: Drawn) -> tuple[list[Annotation], int]:
    """Return the areas valid, those of class Ignore* excluded, and how many had to be mended."""
    shapely = need("shapely")
    found, mended = [], 0
    for item in drawn.found:
        shape = item.shape
        if not shapely.is_valid(shape):
            shape, mended = areal(shapely.make_valid(shape)), mended + 1
        if shape.area > 0:
            found.append(replace(item, shape=shape, excluded=item.excluded or is_ignored(item.name)))
    return found, mended


def _on_slide(items: list[Annotation], frame: Frame) -> tuple[list[Annotation], float]:
    """Return what of the areas lies on the slide, and which share of their total area that is."""
    whole = need("shapely").box(0, 0, frame.width, frame.height)
    cut = [item if whole.contains(item.shape) else replace(item, shape=areal(item.shape & whole)) for item in items]
    total = sum(item.shape.area for item in items)
    kept = [item for item in cut if item.shape.area > 0]
    return kept, sum(item.shape.area for item in kept) / total if total else 0.0


def is_ignored(name: str) -> bool:
    """Whether a class says that its area is to be left out, as QuPath's `Ignore*` does.

    Example:
        >>> is_ignored("Ignore*"), is_ignored("Tumor")
        (True, False)
    """
    return name.casefold().rstrip("*") in ("ignore", "ignored")
