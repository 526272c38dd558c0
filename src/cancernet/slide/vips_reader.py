"""Plain PNG, JPEG and TIFF of any size through libvips: in strips from top to bottom, so that memory stays flat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.slide.extra import need
from cancernet.slide.reader import Level, reading, refuse_larger
from cancernet.slide.scale import BadSlide, Found, believable

# each by a loader that is named: libvips would also hand PDF, SVG and more to libraries not meant for strangers' files
LOADERS = {
    b"\x89PNG\r\n\x1a\n": "pngload",
    b"\xff\xd8\xff": "jpegload",
    b"II*\x00": "tiffload",
    b"MM\x00*": "tiffload",
    b"II+\x00": "tiffload",
    b"MM\x00+": "tiffload",
}
UM_PER_MM = 1000.0
MAX_WHOLE_PIXELS = 250_000_000  # px; 750 MB, where a format cannot be decoded in strips


class VipsReader:
    """An image read by libvips, in whole rows alone, from top to bottom; see `OpenSlideReader`."""

    origin = (0, 0)

    def __init__(self, path: Path, head: bytes) -> None:
        library = need("pyvips")
        loader = next((name for magic, name in LOADERS.items() if head.startswith(magic)), None)
        if loader is None:
            raise BadSlide("not a slide that OpenSlide knows, nor a PNG, JPEG or TIFF")
        format_name = loader.removesuffix("load").upper()
        with reading(f"damaged {format_name}"):
            load = getattr(library.Image, loader)
            image = load(str(path), access="sequential", fail_on="error", revalidate=True)
            refuse_larger(image.width, image.height)
            if image.get_typeof("interlaced") and image.get("interlaced"):
                why = (
                    f" in a progressive or interlaced {format_name}, which has to be held in memory whole: save it "
                    "anew without that"
                )
                refuse_larger(image.width, image.height, MAX_WHOLE_PIXELS, why)
            self._region = library.Region.new(_rgb(image))
        self.kind = f"{format_name}, libvips {'.'.join(str(library.version(i)) for i in range(3))}"
        self.size = (image.width, image.height)
        self.levels: tuple[Level, ...] = (Level(image.width, image.height, 1.0, 1.0),)
        mpp_x, mpp_y = (UM_PER_MM / res if res > 0 else None for res in (image.xres, image.yres))
        stated = believable(mpp_x) and believable(mpp_y)
        self.found = Found(mpp_x, mpp_y, f"{format_name} resolution") if stated else Found()

    def read(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """As `OpenSlideReader.read`."""
        with reading(f"damaged or cut short at about row {y}"):
            pixels = self._region.fetch(x, y, width, height)
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)

    def close(self) -> None:
        """Let the file go."""
        del self._region


def _rgb(image: Any) -> Any:
    """Return an image as 8-bit RGB over white: grey spread, 16 bits scaled, alpha laid over white."""
    if image.format not in ("uchar", "ushort"):
        raise BadSlide(f"unsupported pixels ({image.format}; save it with 8 or 16 bits)")
    if image.interpretation == "multiband" and image.bands not in (3, 4):
        raise BadSlide(f"unsupported pixels ({image.bands} channels; save it as RGB)")
    if image.interpretation == "multiband":
        image = image.copy(interpretation="srgb" if image.format == "uchar" else "rgb16")
    if image.interpretation != "srgb":
        image = image.colourspace("srgb")
    if image.hasalpha():
        image = image.flatten(background=255)
    if image.bands != 3:
        raise BadSlide(f"unsupported pixels ({image.bands} channels; save it as RGB)")
    return image.cast("uchar")
