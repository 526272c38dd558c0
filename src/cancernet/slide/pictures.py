"""What a PNG or JPEG says of its scale. Nothing is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cancernet.slide.reader import reading
from cancernet.slide.scale import Found, Said, found_from

UM_A_METRE, UM_AN_INCH, UM_A_CENTIMETRE = 1e6, 25_400.0, 10_000.0
JFIF_UNITS = {1: ("an inch", UM_AN_INCH), 2: ("a centimetre", UM_A_CENTIMETRE)}
EXIF_UNITS = {2: ("an inch", UM_AN_INCH), 3: ("a centimetre", UM_A_CENTIMETRE)}
EXIF_X, EXIF_Y, EXIF_UNIT = 282, 283, 296  # tags


def png_scale(path: Path) -> Found:
    """Return what the pHYs chunk says; one whose unit is not the metre gives the shape of a pixel and no scale.

    Raises:
        BadSlide: damaged.
    """
    from PIL import PngImagePlugin

    with reading("damaged PNG"), PngImagePlugin.PngImageFile(path) as image:
        info = image.info
    if "dpi" in info:  # of px a metre alone; Pillow has multiplied by 0.0254
        return _found("PNG resolution (px a metre)", info["dpi"], UM_A_METRE * 0.0254)
    if "aspect" in info:
        return Found(doubts=(f"its PNG resolution of {info['aspect'][0]:g} has no unit",))
    return Found()


def jpeg_scale(path: Path) -> Found:
    """Return what the JFIF header says, or EXIF where there is none.

    Raises:
        BadSlide: damaged.
    """
    from PIL import JpegImagePlugin

    with reading("damaged JPEG"), JpegImagePlugin.JpegImageFile(path) as image:
        info, exif = image.info, image.getexif()
    if "jfif_density" in info:
        resolution, (name, um) = info["jfif_density"], JFIF_UNITS.get(info["jfif_unit"], ("", 0.0))
    else:
        resolution = [float(exif.get(tag) or 0) for tag in (EXIF_X, EXIF_Y)]
        name, um = EXIF_UNITS.get(exif.get(EXIF_UNIT, 1), ("", 0.0))
    if name:
        return _found(f"JPEG resolution (px {name})", resolution, um)
    x = resolution[0]
    return Found(doubts=(f"its JPEG resolution of {x:g} has no unit",)) if x > 1 else Found()


def _found(source: str, resolution: Sequence[float], um: float) -> Found:
    x, y = resolution
    return found_from([Said(um / x, um / y, source, printed=True)]) if x > 0 and y > 0 else Found()
