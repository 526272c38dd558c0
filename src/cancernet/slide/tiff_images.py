"""The images of a TIFF: which of them is the slide, its levels, and what the file says of its scale.

A TIFF may hold a label, a picture of the whole glass and several scans beside the slide, in any order, and state its
scale in five places. tifffile lists what there is; nothing is decoded here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from cancernet.slide.extra import need
from cancernet.slide.reader import reading
from cancernet.slide.scale import BadSlide, Found, Said, found_from
from cancernet.slide.xml import parse_xml

ASIDE = re.compile(r"\b(label|macro|thumbnail|overview|barcode|preview)\b", re.IGNORECASE)
SURE = 4.0  # times the px of the next largest image, from which on the largest is the slide
LISTED = 10  # images named in a message
MPP = re.compile(r"\bMPP\s*[=:]\s*([0-9.eE+-]+)")
POWER = re.compile(r"\bAppMag\s*[=:]\s*([0-9.]+)")
UM = {  # of a unit of length, in small letters
    "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "micrometre": 1.0,
    "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25_400.0, "in": 25_400.0,
}  # fmt: skip
UM_A_UNIT = {2: ("an inch", 25_400.0), 3: ("a centimetre", 10_000.0)}  # of TIFF's ResolutionUnit

Place = tuple[int, int | None]


@dataclass(frozen=True)
class Page:
    """One level of an image: the page of the file, its sub-image (None for the page itself), and the size in px."""

    page: int
    sub: int | None
    width: int
    height: int


@dataclass(frozen=True)
class TiffImage:
    """One image of a TIFF.

    Attributes:
        name: as the file has it; may be "".
        levels: finest first.
        aside: why it is no slide, or "".
        found: what the file says of its scale.
    """

    name: str
    levels: tuple[Page, ...]
    aside: str
    found: Found

    @property
    def pixels(self) -> int:
        """How many px it has at full resolution."""
        return self.levels[0].width * self.levels[0].height


def read_images(path: Path) -> list[TiffImage]:
    """Return the images of a TIFF in the order of the file; the planes of a stack are images each.

    Raises:
        BadSlide: damaged, or without an image.
        UserError: the extra is not installed.
    """
    library = need("tifffile")
    with reading("damaged TIFF"), library.TiffFile(path) as file:
        ome, places = _ome_images(file), _places(file)
        images = []
        for number, series in enumerate(file.series):
            described = ome[number] if number < len(ome) else None
            if set(series.axes) <= set("YXS"):
                pages = {places[level.pages[0].offset]: level.pages[0] for level in series.levels}
                images.append(_image(file, pages, series.name, described))
            else:
                for i, page in enumerate(series.pages):
                    images.append(_image(file, {places[page.offset]: page}, f"plane {i}", described))
    if not images:
        raise BadSlide("damaged TIFF (no image in it)")
    return images


def choose_image(images: Sequence[TiffImage], asked: int | None) -> TiffImage:
    """Return the image that is the slide: the one asked for, or the one that is larger than all others by far.

    Raises:
        BadSlide: there is none of that number, none is a slide, or it is not certain which; lists them.
    """
    if asked is not None:
        if asked >= len(images):
            raise BadSlide(f"no image {asked} in the file; {_listed(images)}")
        return images[asked]
    slides = sorted((image for image in images if not image.aside), key=lambda image: -image.pixels)
    if not slides:
        raise BadSlide(f"no slide in the file; {_listed(images)}; --series N takes one all the same")
    if len(slides) > 1 and slides[0].pixels < SURE * slides[1].pixels:
        raise BadSlide(f"which image is the slide is not certain; {_listed(images)}; say which with --series N")
    return slides[0]


def _listed(images: Sequence[TiffImage]) -> str:
    parts = []
    for i, image in enumerate(images[:LISTED]):
        said = ", ".join(part for part in (image.name, image.aside) if part)
        parts.append(f"{i} of {image.levels[0].width}x{image.levels[0].height} px" + (f" ({said})" if said else ""))
    more = f" and {len(images) - LISTED:,} more" if len(images) > LISTED else ""
    return "it holds " + ", ".join(parts) + more


def _image(file: Any, pages: dict[Place, Any], name: str, ome: Element | None) -> TiffImage:
    first = next(iter(pages.values())).keyframe
    text = _text(first.description)
    tag = first.tags.get("PageName")
    named = name or _text(tag.value if tag is not None else "")
    pictures = ASIDE.search(named) or ASIDE.match(text) or ASIDE.match(text.partition("\n")[2])
    aside = "no slide by its name" if pictures else ""
    levels = tuple(Page(*place, page.keyframe.imagewidth, page.keyframe.imagelength) for place, page in pages.items())
    return TiffImage(named, levels, aside, _scale(file, first, text, ome))


def _places(file: Any) -> dict[int, Place]:
    """Return the page and the sub-image in it (None for the page itself) at each offset of the file."""
    places: dict[int, Place] = {}
    for number, page in enumerate(file.pages):
        places[page.offset] = (number, None)
        places |= {offset: (number, sub) for sub, offset in enumerate(page.subifds or ())}
    return places


def _scale(file: Any, page: Any, text: str, ome: Element | None) -> Found:
    said, doubts = [], []
    if ome is not None:
        said += _ome_scale(ome)
    if (stated := MPP.search(text)) and (mpp := _number(stated[1])):
        said.append(Said(mpp, mpp, "MPP in the description"))
    x, y = (_ratio(page, f"{axis}Resolution") for axis in "XY")
    unit = str((file.imagej_metadata or {}).get("unit", "")).replace("\\u00B5", "µ").lower() if file.is_imagej else ""
    if x and y and unit in UM:
        said.append(Said(UM[unit] / x, UM[unit] / y, "ImageJ resolution"))
    elif x and y and (x, y) != (1, 1):
        tag = page.tags.get("ResolutionUnit")
        name, um = UM_A_UNIT.get(tag.value if tag is not None else 1, ("", 0.0))
        if um:
            said.append(Said(um / x, um / y, f"TIFF resolution (px {name})", printed=True))
        else:
            doubts.append(f"its TIFF resolution of {x:g} has no unit")
    power = POWER.search(text)
    return found_from(said, _number(power[1]) if power else None, doubts)


def _ome_images(file: Any) -> list[Element]:
    """Return the Image elements of OME-XML, in the order of tifffile's series."""
    if not file.is_ome or not file.ome_metadata:
        return []
    return [element for element in parse_xml(file.ome_metadata, "OME-XML") if element.tag.rpartition("}")[2] == "Image"]


def _ome_scale(image: Element) -> list[Said]:
    pixels = next((each for each in image if each.tag.rpartition("}")[2] == "Pixels"), None)
    if pixels is None:
        return []
    sizes = []
    for axis in "XY":
        um = UM.get(pixels.get(f"PhysicalSize{axis}Unit", "µm").lower())
        sizes.append(um and (_number(pixels.get(f"PhysicalSize{axis}", "")) or 0) * um)
    x, y = sizes
    return [Said(x, y, "OME PhysicalSizeX")] if x and y else []


def _ratio(page: Any, name: str) -> float | None:
    tag = page.tags.get(name)
    if tag is None:
        return None
    over, under = tag.value
    return over / under if under and over else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
