"""Tiles that a TIFF leaves out, or was cut off before: readers give them without a word, as nothing or as black."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from cancernet.slide.extra import need
from cancernet.slide.reader import reading
from cancernet.slide.scale import BadSlide
from cancernet.slide.vips_reader import format_of

HEAD = 4  # bytes that tell a TIFF
# OpenSlide makes what a reduced level lacks, and what covers a tile that the finest lacks, from the finer levels
FROM_FINEST = ("aperio",)
BY_DESIGN = {"philips": "Philips leaves tiles of bare glass out by design"}


def absent_tiles(path: Path, size: tuple[int, int]) -> tuple[int, int]:
    """Return how many tiles of an image of a TIFF have no data in the file, and how many it has.

    Args:
        path: the file.
        size: width, height of the image or level, px. Scanners pad it to whole tiles and readers cut it; of several
            pages of the nearest size the one that lacks most counts.

    Returns:
        Absent tiles, and all; 0, 0 where no tiled page has that size.

    Raises:
        BadSlide: tifffile cannot read the file.
        UserError: the extra is not installed.
    """
    library = need("tifffile")
    found: list[tuple[int, int, int]] = []  # px away from the size, minus absent, all
    with reading("damaged TIFF"), library.TiffFile(path) as file:
        for page in [each for whole in file.pages for each in (whole, *(whole.pages or ()))]:
            if not page.is_tiled:
                continue
            off = abs(page.imagewidth - size[0]), abs(page.imagelength - size[1])
            if off[0] < page.tilewidth and off[1] < page.tilelength:
                counts = page.databytecounts
                found.append((sum(off), -sum(not count for count in counts), len(counts)))
    _, lacking, tiles = min(found, default=(0, 0, 0))
    return -lacking, tiles


def refuse_cut_short(path: Path) -> None:
    """Refuse a TIFF that lists pixels beyond its end, as a copy that was broken off does.

    Of tiles that are packed by deflate libvips 8.18 makes black then, and says nothing.

    Args:
        path: the file; of any format. One that tifffile cannot read is left to who reads it.

    Raises:
        BadSlide: it was cut short.
        UserError: the extra is not installed.
    """
    if not _is_tiff(path):
        return
    library, size = need("tifffile"), path.stat().st_size
    beyond = parts = 0
    with suppress(BadSlide), reading("damaged TIFF"), library.TiffFile(path) as file:
        for page in [each for whole in file.pages for each in (whole, *(whole.pages or ()))]:
            ends = [start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=False) if count]
            parts += len(ends)
            beyond += sum(end > size for end in ends)
    if beyond:
        raise BadSlide(f"cut short: {beyond:,} of its {parts:,} tiles or strips lie beyond its end; copy it anew")


def absence(path: Path, size: tuple[int, int], kind: str, *, full: tuple[int, int]) -> list[str]:
    """Return what a reader of the results ought to know of tiles that are absent.

    Args:
        path: the file; of any format.
        size: width, height of the level that is read, px.
        kind: of the file, as `OpenSlideReader` has it.
        full: width, height of the finest level.
    """
    vendor = kind.partition(",")[0]
    if not _is_tiff(path):
        return []
    try:
        absent, tiles = absent_tiles(path, full if vendor in FROM_FINEST else size)
    except BadSlide as error:
        return [f"whether tiles are absent from the file cannot be told: {error}"]
    if not absent:
        return []
    design = BY_DESIGN.get(vendor)
    why = f" ({design})" if design else ""
    return [f"{absent:,} of {tiles:,} tiles are absent from the file and count as glass{why}"]


def _is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return format_of(file.read(HEAD)) == "TIFF"
