"""One way to read any slide: sizes, scale and pixels; which library does it is decided by the file's content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from cancernet.slide.extra import need
from cancernet.slide.scale import BadSlide, Found

HEAD = 16  # bytes that tell a PNG, a JPEG or a TIFF


@dataclass(frozen=True)
class Level:
    """One resolution of a slide: its size in its own px, and how many full-resolution px one of them covers."""

    width: int
    height: int
    down_x: float
    down_y: float


class Reader(Protocol):
    """An open slide.

    Attributes:
        kind: format and library, in words.
        origin: x, y of the scanned area in full-resolution px; not 0, 0 where a scanner states bounds.
        size: width, height of that area in full-resolution px.
        levels: finest first.
        found: what the file says of its scale.
        rows_only: whether it can only be read in whole rows, from top to bottom.
    """

    kind: str
    origin: tuple[int, int]
    size: tuple[int, int]
    levels: tuple[Level, ...]
    found: Found
    rows_only: bool

    def read(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """Return uint8 RGB (height, width, 3) of that part of a level, in its px; transparent is white.

        Raises:
            BadSlide: the file is damaged there.
        """

    def close(self) -> None:
        """Let the file go."""


def open_slide(path: Path, *, threads: int) -> Reader:
    """Open a slide or a plain image of any size.

    Formats of scanners and tiled pyramids go to OpenSlide; plain PNG, JPEG and TIFF to libvips, which reads
    them in strips. The name's ending does not matter, save where a format is a file and a folder (MRXS).

    Args:
        path: the file.
        threads: threads that decode.

    Raises:
        BadSlide: not there, a folder, empty, no image, damaged, or too large; says which.
        UserError: the extra is not installed.
    """
    from cancernet.slide.plain import Plain
    from cancernet.slide.pyramid import Pyramid

    if path.is_dir():
        raise BadSlide("a folder; name the slides in it (for example FOLDER/*.svs)")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError:
        raise BadSlide("no such file") from None
    except OSError as error:
        raise BadSlide(f"cannot be read: {error.strerror}") from error
    if not head:
        raise BadSlide("empty")
    vendor = need("openslide").OpenSlide.detect_format(str(path))
    if vendor is not None:
        return Pyramid(path, vendor, threads=threads)
    return Plain(path, head)


def refuse_larger(width: int, height: int, most: int, why: str = "") -> None:
    """Refuse an image of more than `most` px.

    Raises:
        BadSlide: it has more.
    """
    if width * height > most:
        raise BadSlide(f"too large ({width}x{height} px; at most {most / 1e6:,.0f} megapixels{why})")
