"""A writer of TIFF and BigTIFF that keeps tags as they are told, right or wrong, as scanners do."""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from slide.vendors.scene import Image, jpeg, padded

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SLONG, FLOAT = 1, 2, 3, 4, 5, 7, 9, 11
LETTERS = {BYTE: "B", SHORT: "H", LONG: "I", RATIONAL: "I", SLONG: "i", FLOAT: "f", UNDEFINED: "B"}
SUBFILE, DESCRIPTION, SOFTWARE, X_RESOLUTION, Y_RESOLUTION, UNIT, XMP = 254, 270, 305, 282, 283, 296, 700
CENTIMETRE = 3
YCBCR, JPEG = 6, 7

Tags = dict[int, tuple[int, object]]


@dataclass
class Page:
    """A directory: its tags, and its tiles or strips as they are to stand in the file; b"" is absent."""

    tags: Tags
    chunks: list[bytes]
    tiled: bool = True
    reduced: bool = field(default=False)


def resolution(mpp: float) -> Tags:
    """Return the tags of a resolution in px a centimetre."""
    value = [round(10_000 / mpp * 100), 100]
    return {X_RESOLUTION: (RATIONAL, value), Y_RESOLUTION: (RATIONAL, value), UNIT: (SHORT, [CENTIMETRE])}


def page(
    image: Image,
    tile: int = 256,
    *,
    tags: Tags | None = None,
    reduced: bool = False,
    absent: Collection[int] = (),
    size: tuple[int, int] | None = None,
) -> Page:
    """Return a page of JPEG tiles.

    Args:
        image: uint8 RGB.
        tile: px, side of a tile.
        tags: more of them, or others.
        reduced: whether it is marked as a smaller copy.
        absent: numbers of the tiles that are left out.
        size: width and height that it states; those of the image by default.
    """
    width, height = size or (image.shape[1], image.shape[0])
    across, down = -(-width // tile), -(-height // tile)
    whole = padded(image, across * tile, down * tile)
    chunks = [
        b"" if row * across + column in absent else _tile(whole, row, column, tile)
        for row in range(down)
        for column in range(across)
    ]
    own = _own(width, height) | {322: (SHORT, [tile]), 323: (SHORT, [tile])}
    return Page(own | ({SUBFILE: (LONG, [1])} if reduced else {}) | (tags or {}), chunks)


def strip(image: Image, *, tags: Tags | None = None, restart: int = 0) -> Page:
    """Return a page that is one JPEG."""
    height, width = image.shape[:2]
    return Page(_own(width, height) | {278: (LONG, [height])} | (tags or {}), [jpeg(image, restart=restart)], False)


def _own(width: int, height: int) -> Tags:
    return {
        **{256: (LONG, [width]), 257: (LONG, [height]), 258: (SHORT, [8, 8, 8]), 259: (SHORT, [JPEG])},
        **{262: (SHORT, [YCBCR]), 277: (SHORT, [3]), 284: (SHORT, [1]), 530: (SHORT, [1, 1])},
    }


def _tile(whole: Image, row: int, column: int, side: int) -> bytes:
    return jpeg(whole[row * side : (row + 1) * side, column * side : (column + 1) * side])


def write_tiff(path: Path, pages: list[Page], *, big: bool = False) -> Path:
    """Write the pages as one little-endian file."""
    word, count, entry, inline = ("Q", "Q", "HHQ", 8) if big else ("I", "H", "HHI", 4)
    out = bytearray(b"II+\0\x08\0\0\0" if big else b"II*\0")
    link = len(out)
    out += struct.pack("<" + word, 0)
    for each in pages:
        starts = []
        for chunk in each.chunks:
            starts.append(len(out) if chunk else 0)
            out += chunk + b"\0" * (len(chunk) % 2)
        offsets, sizes = (324, 325) if each.tiled else (273, 279)
        lengths = [len(chunk) for chunk in each.chunks]
        tags = each.tags | {offsets: (LONG, starts), sizes: (LONG, lengths)}
        entries = []
        for tag, (kind, values) in sorted(tags.items()):
            number, data = _packed(kind, values)
            if len(data) > inline:
                out += b"\0" * (len(out) % 2)
                place = len(out)
                out += data
                data = struct.pack("<" + word, place)
            entries.append(struct.pack("<" + entry, tag, kind, number) + data.ljust(inline, b"\0"))
        out += b"\0" * (len(out) % 2)
        struct.pack_into("<" + word, out, link, len(out))
        out += struct.pack("<" + count, len(entries)) + b"".join(entries)
        link = len(out)
        out += struct.pack("<" + word, 0)
    path.write_bytes(out)
    return path


def _packed(kind: int, values: object) -> tuple[int, bytes]:
    if isinstance(values, str):
        values = values.encode() + b"\0"
    if isinstance(values, bytes):
        return len(values), values
    data = struct.pack(f"<{len(values)}{LETTERS[kind]}", *values)
    return len(values) // (2 if kind == RATIONAL else 1), data
