"""PNG and TIFF put together by hand, so that any part of them can be wrong."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray
from PIL import Image

LETTERS = {1: "B", 2: "B", 3: "H", 4: "I", 7: "B", 16: "Q"}  # TIFF types: letters of `struct`


def encoded(image: NDArray[Any] | Image.Image, form: str, mode: str | None = None, **options: object) -> bytes:
    """Encode an array or image with Pillow."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    out = io.BytesIO()
    image.convert(mode or image.mode).save(out, form, **options)
    return out.getvalue()


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """A chunk of a PNG with a right checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(
    width: int = 50,
    height: int = 50,
    depth: int = 8,
    colour: int = 2,
    packing: int = 0,
    filtering: int = 0,
    lace: int = 0,
) -> bytes:
    """The header's chunk of a PNG."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, packing, filtering, lace))


def png_rows(image: NDArray[Any], kind: int = 0) -> bytes:
    """The rows of pixels as a PNG has them, each after the number of its filter."""
    return b"".join(bytes([kind]) + row.tobytes() for row in image)


def png_file(
    packed: bytes | Iterable[bytes], header: bytes = b"", before: bytes = b"", end: bytes | None = None
) -> bytes:
    """A PNG of these parts: header, other chunks, packed pixels, end."""
    pixels = [packed] if isinstance(packed, bytes) else packed
    middle = b"".join(chunk(b"IDAT", each) for each in pixels)
    return b"\x89PNG\r\n\x1a\n" + (header or png_header()) + before + middle + (chunk(b"IEND") if end is None else end)


def interlaced(image: NDArray[Any]) -> bytes:
    """An interlaced PNG of an RGB image."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = b"".join(png_rows(image[y::dy, x::dx]) for x, y, dx, dy in passes)
    return png_file(zlib.compress(rows), png_header(image.shape[1], image.shape[0], lace=1))


def tiff_tags(image: NDArray[Any]) -> dict[int, tuple[int, list[int]]]:
    """The tags of an unpacked TIFF of one strip: tag: type and numbers; the strip begins after 8 bytes."""
    samples = 1 if image.ndim == 2 else image.shape[2]
    return {
        256: (3, [image.shape[1]]), 257: (3, [image.shape[0]]), 258: (3, [8 * image.itemsize] * samples), 259: (3, [1]),
        262: (3, [1 if samples < 3 else 2]), 273: (4, [8]), 277: (3, [samples]), 278: (3, [image.shape[0]]),
        279: (4, [image.nbytes]),
    }  # fmt: skip


def tiff_file(
    data: bytes, tags: Mapping[int, tuple[int, list[int]]] | list[tuple[int, tuple[int, list[int]]]], order: str = "<",
    *, count: int | None = None, following: int = 0, big: bool = False,
) -> bytes:  # fmt: skip
    """A TIFF of these parts: data after 8 bytes (16 in a BigTIFF), then the directory.

    Args:
        data: the strips or tiles.
        tags: tag: type and numbers; as a list a tag can stand twice.
        order: "<" or ">".
        count: of tags, as the file states it.
        following: where the next directory is stated to be.
        big: a BigTIFF.
    """
    entries = list(tags.items()) if isinstance(tags, Mapping) else tags
    offset, head, word = ("Q", "HHQ", "Q") if big else ("I", "HHI", "H")
    start = (16 if big else 8) + len(data) + len(data) % 2
    after = (
        start
        + struct.calcsize("=" + word)
        + len(entries) * struct.calcsize("=" + head + offset)
        + struct.calcsize(offset)
    )
    directory = struct.pack(order + word, len(entries) if count is None else count)
    values = b""
    for tag, (kind, numbers) in entries:
        packed = struct.pack(f"{order}{len(numbers)}{LETTERS.get(kind, 'B')}", *numbers)
        room = struct.calcsize(offset)
        if len(packed) > room:
            place = struct.pack(order + offset, after + len(values))
            values += packed
        else:
            place = packed.ljust(room, b"\0")
        directory += struct.pack(order + head, tag, kind, len(numbers)) + place
    first = {"<": b"II", ">": b"MM"}[order]
    first += struct.pack(order + "HHHQ", 43, 8, 0, start) if big else struct.pack(order + "HI", 42, start)
    return first + data + b"\0" * (len(data) % 2) + directory + struct.pack(order + offset, following) + values


def tiff_of(image: NDArray[Any], changes: Mapping[int, tuple[int, list[int]]] | None = None, **options: Any) -> bytes:
    """An unpacked TIFF of an image, with some of its tags changed; one changed to no numbers is left out."""
    tags = {**tiff_tags(image), **(changes or {})}
    return tiff_file(image.tobytes(), dict(sorted((tag, value) for tag, value in tags.items() if value[1])), **options)


def entropy_start(jpeg: bytes) -> int:
    """Where the compressed picture of a JPEG begins, after the header of its last scan."""
    start = jpeg.rfind(b"\xff\xda")
    return start + 2 + int.from_bytes(jpeg[start + 2 : start + 4], "big")
