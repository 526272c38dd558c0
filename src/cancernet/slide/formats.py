"""Which library reads a slide: decided by the file's content."""

from __future__ import annotations

from pathlib import Path

from cancernet.data.source import irregular
from cancernet.slide.extra import need
from cancernet.slide.openslide_reader import OpenSlideReader
from cancernet.slide.reader import reading
from cancernet.slide.scale import BadSlide
from cancernet.slide.vips_reader import VipsReader

Reader = OpenSlideReader | VipsReader
HEAD = 16  # bytes that tell a PNG, a JPEG or a TIFF


def open_slide(path: Path, *, threads: int) -> Reader:
    """Open a slide or a plain image of any size.

    Formats of scanners and tiled pyramids go to OpenSlide; plain PNG, JPEG and TIFF to libvips, which reads them in
    strips. The name's ending does not matter, save where a format is a file and a folder (MRXS).

    Args:
        path: the file.
        threads: threads that decode.

    Raises:
        BadSlide: not there, a folder, empty, no image, damaged, or too large; says which.
        UserError: the extra is not installed.
    """
    if path.is_dir():
        raise BadSlide("a folder; name the slides in it (for example FOLDER/*.svs)")
    openslide = need("openslide")
    with reading("cannot be read"):
        if what := irregular(path.stat().st_mode):  # to open a pipe is to wait for ever
            raise BadSlide(f"{what}, not a file")
        with path.open("rb") as file:
            head = file.read(HEAD)
        vendor = openslide.OpenSlide.detect_format(str(path)) if head else None
    if not head:
        raise BadSlide("empty")
    if vendor is not None:
        return OpenSlideReader(path, vendor, threads=threads)
    return VipsReader(path, head)
