"""PNG, JPEG and any image of a TIFF through libvips: in strips from top to bottom, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.slide.extra import need
from cancernet.slide.reader import Level, level_of, reading, refuse_larger
from cancernet.slide.scale import BadSlide, Found

# each loader is named: libvips would also hand PDF, SVG and more to libraries not meant for strangers' files
LOADERS = {"PNG": "pngload", "JPEG": "jpegload", "TIFF": "tiffload"}
MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",
    b"MM\x00+": "TIFF",
}
RGB_BANDS, MOST_BANDS = 3, 4  # channels: colour, and colour with alpha (or ink, in CMYK)
MAX_WHOLE_PIXELS = 250_000_000  # px; 750 MB, where a format cannot be decoded in strips

Source = dict[str, int]  # what a loader is told beside the file: the page and the sub-image of a level


def format_of(head: bytes) -> str:
    """Return which of LOADERS a file is for, from its first bytes; "" for none."""
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "")


class VipsReader:
    """An image read by libvips, in whole rows alone, from top to bottom; see `OpenSlideReader`.

    Args:
        path: the file.
        format_name: one of LOADERS.
        found: what the file says of its scale.
        levels: where each level lies in the file, finest first.
    """

    origin = (0, 0)

    def __init__(self, path: Path, format_name: str, found: Found, levels: Sequence[Source] = ({},)) -> None:
        library = need("pyvips")
        self._path, self._format, self._sources = path, format_name, levels
        self._regions: dict[int, Any] = {}
        images = [self._load(i) for i in range(len(levels))]
        refuse_larger(images[0].width, images[0].height)
        _refuse_whole(images[0], format_name)
        with reading(f"damaged {format_name}"):
            _rgb(images[0])  # pixels that cannot be read are told before any is
        self.kind = f"{format_name}, libvips {'.'.join(str(library.version(i)) for i in range(3))}"
        self.size = (images[0].width, images[0].height)
        self.levels: tuple[Level, ...] = tuple(
            level_of(self.size, (image.width, image.height), self.size) for image in images
        )
        self.found = found

    def _load(self, level: int) -> Any:
        """Open a level, whose pixels then come once, from top to bottom."""
        load = getattr(need("pyvips").Image, LOADERS[self._format])
        with reading(f"damaged {self._format}"):  # without `fail_on` what cannot be decoded is black
            return load(str(self._path), access="sequential", fail_on="error", revalidate=True, **self._sources[level])

    def read(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """As `OpenSlideReader.read`."""
        if level not in self._regions:
            with reading(f"damaged {self._format}"):
                self._regions[level] = need("pyvips").Region.new(_rgb(self._load(level)))
        with reading(f"damaged or cut short at about row {y}"):
            pixels = self._regions[level].fetch(x, y, width, height)
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)

    def close(self) -> None:
        """Let the file go."""
        self._regions.clear()


def _refuse_whole(image: Any, format_name: str) -> None:
    """Refuse a large image that libvips could not read in strips."""
    if image.get_typeof("interlaced") and image.get("interlaced"):
        why = (
            f" in a progressive or interlaced {format_name}, which has to be held in memory whole: save it "
            "anew without that"
        )
        refuse_larger(image.width, image.height, MAX_WHOLE_PIXELS, why)


def _rgb(image: Any) -> Any:
    """Return an image as 8-bit RGB over white: grey spread, 16 bits scaled, alpha laid over white."""
    if image.format not in ("uchar", "ushort"):
        raise BadSlide(f"unsupported pixels ({image.format}; save it with 8 or 16 bits)")
    if image.bands > MOST_BANDS or (image.interpretation == "multiband" and image.bands < RGB_BANDS):
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
