"""Plain PNG, JPEG and TIFF of any size through libvips: in strips from top to bottom, so that memory stays flat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.slide.extra import need
from cancernet.slide.reader import Level, refuse_larger
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


class Plain:
    """An image read by libvips; see `cancernet.slide.reader.Reader`."""

    rows_only = True
    origin = (0, 0)

    def __init__(self, path: Path, head: bytes) -> None:
        self._library = need("pyvips")
        loader = next((name for magic, name in LOADERS.items() if head.startswith(magic)), None)
        if loader is None:
            raise BadSlide("not a slide that OpenSlide knows, nor a PNG, JPEG or TIFF")
        format_name = loader.removesuffix("load").upper()
        try:
            load = getattr(self._library.Image, loader)
            image = load(str(path), access="sequential", fail_on="error", revalidate=True)
            refuse_larger(image.width, image.height, defaults.SLIDE_MAX_PIXELS)
            if image.get_typeof("interlaced") and image.get("interlaced"):
                refuse_larger(
                    image.width,
                    image.height,
                    defaults.SLIDE_MAX_WHOLE_PIXELS,
                    f" in a progressive or interlaced {format_name}, which has to be held in memory whole: "
                    "save it anew without that",
                )
            self._region = self._library.Region.new(_rgb(image))
        except self._library.Error as error:
            raise BadSlide(f"damaged {format_name} ({_first_line(error)})") from error
        self.kind = f"{format_name}, libvips {'.'.join(str(self._library.version(i)) for i in range(3))}"
        self.size = (image.width, image.height)
        self.levels: tuple[Level, ...] = (Level(image.width, image.height, 1.0, 1.0),)
        mpp_x, mpp_y = (UM_PER_MM / res if res > 0 else None for res in (image.xres, image.yres))
        stated = believable(mpp_x) and believable(mpp_y)
        self.found = Found(mpp_x, mpp_y, f"{format_name} resolution") if stated else Found()

    def read(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """As the protocol says."""
        try:
            pixels = self._region.fetch(x, y, width, height)
        except self._library.Error as error:
            raise BadSlide(f"damaged or cut short at about row {y} ({_first_line(error)})") from error
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


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
