"""What an image file's own structure says, before any pixel is decoded: format, size, whole or cut short.

Decoders differ in what they do with a damaged file (some return the part they could read), so this is
settled here, for all of them alike.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

_PNG = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")
_OTHERS = {  # known to be images or documents, so that the reason can name them
    b"GIF8": "GIF", b"BM": "BMP", b"RIFF": "WebP", b"%PDF": "PDF", b"PK\x03\x04": "zip",
    b"\x00\x00\x00\x0cjP": "JPEG 2000", b"8BPS": "PSD",
}  # fmt: skip
_CMYK = 5  # TIFF: photometric interpretation "separated"
# TIFF tags
_WIDTH, _HEIGHT, _PHOTOMETRIC, _STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES = 256, 257, 262, 273, 279, 324, 325


class Header(NamedTuple):
    """What is known before decoding."""

    format: str  # "PNG", "JPEG" or "TIFF"
    width: int  # px
    height: int  # px
    plain: bool = False  # three channels of 8 bits and nothing else: the common case, decoded faster


class BadImage(Exception):  # noqa: N818 - the name says what was met, not what went wrong here
    """A file that cannot be used as a patch; its text is the reason that the quarantine list gives."""


def read_header(content: bytes) -> Header:
    """Return format and size (px) of a PNG, JPEG or TIFF that is whole.

    Raises:
        BadImage: empty, not an image, another format, truncated, or damaged.
    """
    if content[:8] == _PNG:
        return _png(content)
    if content[:3] == b"\xff\xd8\xff":
        return _jpeg(content)
    if content[:4] in (b"II*\x00", b"MM\x00*"):
        return _tiff(content)
    if not content:
        raise BadImage("empty")
    for magic, name in _OTHERS.items():
        if content.startswith(magic):
            raise BadImage(f"unsupported format ({name}; use PNG, JPEG or TIFF)")
    if not any(content[:64]):
        raise BadImage("not an image (begins with zeros)")
    if _PNG.startswith(content) or content[:2] == b"\xff\xd8":
        raise BadImage("truncated")
    raise BadImage("not an image")


def _png(content: bytes) -> Header:
    if len(content) < 33:
        raise BadImage("truncated")
    if content[12:16] != b"IHDR":
        raise BadImage("damaged (PNG without a header)")
    width, height = struct.unpack_from(">II", content, 16)
    position, end = 8, len(content)
    plain = content[24:26] == b"\x08\x02"  # bit depth, colour type
    while position + 12 <= end:
        length, kind = _CHUNK.unpack_from(content, position)
        following = position + 12 + length
        if following > end:
            raise BadImage("truncated")
        stated = content[following - 4 : following]
        if zlib.crc32(content[position + 4 : following - 4]).to_bytes(4, "big") != stated:
            raise BadImage("damaged (PNG checksum differs)")
        if kind == b"IEND":
            return Header("PNG", width, height, plain)
        if kind == b"tRNS":
            plain = False
        position = following
    raise BadImage("truncated")


def _jpeg(content: bytes) -> Header:
    position, end = 2, len(content)
    width = height = 0
    while position + 4 <= end:
        if content[position] != 0xFF:
            raise BadImage("damaged (JPEG without a marker)")
        marker = content[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker == 0xDA:  # the picture itself; a thumbnail's end marker can only come before it
            if content.find(b"\xff\xd9", position) < 0:
                raise BadImage("truncated")
            if not width or not height:
                raise BadImage("damaged (JPEG without a size)")
            return Header("JPEG", width, height)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and position + 9 <= end:
            height, width = struct.unpack_from(">HH", content, position + 5)
        position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    raise BadImage("truncated")


def _tiff(content: bytes) -> Header:
    order = "<" if content[:2] == b"II" else ">"
    try:
        (position,) = struct.unpack_from(order + "I", content, 4)
        (count,) = struct.unpack_from(order + "H", content, position)
        tags = {}
        for i in range(count):
            tag, values = _tiff_values(content, order, position + 2 + 12 * i)
            tags[tag] = values
    except struct.error:
        raise BadImage("truncated") from None
    width, height = (tags.get(tag, (0,))[0] for tag in (_WIDTH, _HEIGHT))
    if width < 1 or height < 1:
        raise BadImage("damaged (TIFF without a size)")
    for starts, sizes in ((_STRIPS, _STRIP_SIZES), (_TILES, _TILE_SIZES)):
        ends = (a + b for a, b in zip(tags.get(starts, ()), tags.get(sizes, ()), strict=False))
        if any(end > len(content) for end in ends):
            raise BadImage("truncated")
    if tags.get(_PHOTOMETRIC, (2,))[0] == _CMYK:
        raise BadImage("unsupported format (CMYK TIFF; save it as RGB)")
    return Header("TIFF", width, height)


def _tiff_values(content: bytes, order: str, position: int) -> tuple[int, tuple[int, ...]]:
    """Return one tag and its whole numbers; () for a type that is none of interest here."""
    tag, kind, count = struct.unpack_from(order + "HHI", content, position)
    letter = {3: "H", 4: "I"}.get(kind)
    if letter is None:
        return tag, ()
    if count * struct.calcsize(letter) > len(content):
        raise BadImage("truncated")
    values = struct.Struct(f"{order}{count}{letter}")
    start = position + 8
    if values.size > 4:
        (start,) = struct.unpack_from(order + "I", content, start)
    return tag, values.unpack_from(content, start)
