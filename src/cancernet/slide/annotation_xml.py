"""XML of three viewers: Aperio ImageScope, ASAP and Hamamatsu NDP.view (NDPA)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from cancernet.slide.annotation import Drawn, Frame, ellipse, rectangle, unreadable
from cancernet.slide.extra import need
from cancernet.slide.reader import reading
from cancernet.slide.scale import BadSlide
from cancernet.slide.xml import parse_xml

NM_PER_UM = 1000.0
POLYGON, RECTANGLE, ELLIPSE = "0", "1", "2"  # Aperio's Region/@Type
APERIO_OTHERS = {"3": "arrow", "4": "ruler", "5": "pin"}
ASAP_AREAS = ("Polygon", "Spline", "Rectangle")


def read_xml(content: bytes, path: Path, frame: Frame) -> Drawn:
    """Read the areas of a file; coordinates come out in full-resolution px from the corner of the scanned area.

    Raises:
        UserError: it is none of the three formats, or broken; or NDPA of a slide that is not Hamamatsu's.
    """
    try:
        root = parse_xml(content, "XML")
    except BadSlide as error:
        raise unreadable(path, f"{error}; export it anew") from error
    readers: dict[str, Callable[[Element, Frame], Drawn]] = {
        "Annotations": _aperio,
        "ASAP_Annotations": _asap,
        "annotations": _ndpa,
    }
    if root.tag not in readers:
        raise unreadable(path, f"XML that begins with <{root.tag[:40]}>, of neither ImageScope, ASAP nor NDP.view")
    try:
        return readers[root.tag](root, frame)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise unreadable(path, f"{str(error)[:200]}; export it anew") from error


def _aperio(root: Element, frame: Frame) -> Drawn:
    """Regions of layers; the class is the layer's name or description, or else the region's text."""
    drawn = Drawn()
    for layer in root.iter("Annotation"):
        said = [
            attribute.get("Value", "")
            for attribute in layer.iterfind("Attributes/Attribute")
            if attribute.get("Name", "").casefold() == "description"
        ]
        for region in layer.iterfind("Regions/Region"):
            kind = region.get("Type", POLYGON)
            if kind not in (POLYGON, RECTANGLE, ELLIPSE):
                drawn.skip(APERIO_OTHERS.get(kind, f"region of type {kind[:10]}"))
                continue
            points = _points(region.iterfind("Vertices/Vertex"), frame)
            if len(points):
                points = {POLYGON: np.asarray, RECTANGLE: rectangle, ELLIPSE: ellipse}[kind](points)  # type: ignore[operator]
            name = next(
                filter(None, (each.strip() for each in (layer.get("Name", ""), *said, region.get("Text", "")))), ""
            )
            drawn.add(name, [points], excluded=region.get("NegativeROA", "0") == "1")
    return drawn


def _asap(root: Element, frame: Frame) -> Drawn:
    """Annotations with a group, which is the class; corners in the order they state."""
    drawn = Drawn()
    for each in root.iter("Annotation"):
        if (kind := each.get("Type", "")) not in ASAP_AREAS:
            drawn.skip((kind or "annotation without a type").lower()[:40])
            continue
        corners = sorted(each.iterfind("Coordinates/Coordinate"), key=lambda corner: int(corner.get("Order", "0")))
        group = each.get("PartOfGroup", "").strip()
        drawn.add("" if group == "None" else group, [_points(corners, frame)])
    return drawn


def _ndpa(root: Element, frame: Frame) -> Drawn:
    """Closed freehand outlines and circles, in nm from the centre of the glass; the class is the title."""
    drawn, to_px = Drawn(), hamamatsu_plane(frame)
    for state in root.iter("ndpviewstate"):
        name = (state.findtext("title") or "").strip()
        unit = (state.findtext("coordformat") or "").strip()
        for each in state.iterfind("annotation"):
            kind = each.get("type", "")
            if kind not in ("freehand", "circle") or (each.findtext("closed") or "1").strip() != "1":
                drawn.skip(kind[:40] if kind not in ("freehand", "circle") else "open line")
                continue
            if unit != "nanometers":
                raise ValueError(f"coordinates in {unit[:20] or 'no unit'!r}, not in nanometers")
            if kind == "circle":
                x, y, radius = (float(each.findtext(tag) or "nan") for tag in ("x", "y", "radius"))
                points = ellipse([[x - radius, y - radius], [x + radius, y + radius]])
            else:
                found = [
                    [float(point.findtext("x") or "nan"), float(point.findtext("y") or "nan")]
                    for point in each.iterfind("pointlist/point")
                ]
                points = np.array(found, np.float64).reshape(-1, 2)
            drawn.add(name, [to_px(points)])
    return drawn


def hamamatsu_plane(frame: Frame) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return what turns nm from the centre of the glass (N, 2) into px of the scanned area.

    Raises:
        ValueError: the slide does not say where that centre lies, as no other than Hamamatsu's does.
        BadSlide: it cannot be opened.
    """
    openslide = need("openslide")
    try:
        with reading("cannot be read"), openslide.OpenSlide(str(frame.slide)) as slide:
            said, size = dict(slide.properties), slide.dimensions
        centre = [float(said[f"hamamatsu.{axis}OffsetFromSlideCentre"]) for axis in "XY"]
        mpp = [float(said[f"openslide.mpp-{axis}"]) for axis in "xy"]
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"NDPA counts from the centre of the glass, and {frame.slide.name} does not say where that is ({error})"
        ) from error
    return lambda points: nm_to_px(points, centre, mpp, size) - frame.origin


def nm_to_px(points: Any, centre: Any, mpp: Any, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return px (N, 2) of a slide's plane from nm about the centre of its glass.

    Args:
        points: (N, 2) x, y in nm.
        centre: x, y of the middle of the image, nm from the centre of the glass (`XOffsetFromSlideCentre`).
        mpp: um/px, x and y.
        size: width and height of the image, px.

    Example:
        >>> nm_to_px([[1_000_000, 0]], (500_000, 0), (0.5, 0.5), (4000, 2000)).tolist()
        [[3000.0, 1000.0]]
    """
    return (np.asarray(points, np.float64) - centre) / (np.asarray(mpp) * NM_PER_UM) + np.asarray(size) / 2


def _points(corners: Any, frame: Frame) -> NDArray[np.float64]:
    """Return the X and Y (N, 2) of elements in px of the slide's plane, as px of the scanned area."""
    found = [[float(corner.get(axis).replace(",", ".")) for axis in "XY"] for corner in corners]
    return np.array(found, np.float64).reshape(-1, 2) - frame.origin
