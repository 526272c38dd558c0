"""PNG: checked to the last byte, then decoded from a copy that holds nothing but what was checked.

libpng tolerates much, and tells the screen rather than the caller. So the pixels are inflated here, within the size
that the header states, and handed on stored: that costs nothing, since inflating is most of the work, and text, colour
profiles, animations and other chunks, which can hold bombs of their own, never reach it.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from cancernet.data.headers import BadImage, check_size
from cancernet.data.picture import Picture

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")
_START = len(_SIGNATURE)
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6  # colour types
_CHANNELS = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
_DEPTHS = {_GREY: (1, 2, 4, 8, 16), _RGB: (8, 16), _PALETTE: (1, 2, 4, 8), _GREY_ALPHA: (8, 16), _RGBA: (8, 16)}
_TRANSPARENT = {_GREY: 2, _RGB: 6}  # bytes of the one transparent colour
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_LAST_FILTER = 4
_MOST_CHUNKS = 10_000  # a patch has four or five
_STORED = b"\x78\x01\x01"  # a zlib stream of one block, not compressed
_FRAMING = len(_STORED) + 8  # bytes of such a stream that are no pixels: with their number, twice, and a sum
_AFTER_HEADER = _START + 25  # bytes
_END = b"\0\0\0\0IEND" + zlib.crc32(b"IEND").to_bytes(4, "big")

# OpenCV before 4.11 cannot give RGB by itself.
_PLAIN = getattr(cv2, "IMREAD_COLOR_RGB", cv2.IMREAD_UNCHANGED)
if _PLAIN != cv2.IMREAD_UNCHANGED:
    _PLAIN |= cv2.IMREAD_IGNORE_ORIENTATION


class _Header(NamedTuple):
    width: int  # px
    height: int  # px
    depth: int  # bits per sample
    colour: int  # colour type
    interlaced: bool


def read_png(content: bytes) -> Picture:
    """Decode a PNG that begins with the signature.

    Raises:
        BadImage: truncated, damaged, not a patch's size, or of a kind that cannot be a patch.
    """
    header, palette, transparent, packed = _parts(content)
    rows = _inflate(packed, header)
    start = b"IDAT" + _STORED + struct.pack("<HH", len(rows), len(rows) ^ 0xFFFF)
    end = zlib.adler32(rows).to_bytes(4, "big")
    checksum = zlib.crc32(end, zlib.crc32(rows, zlib.crc32(start)))  # as `_chunk` would, without a copy
    parts = [content[:_AFTER_HEADER]]
    if palette:  # full, so that no pixel can point beyond it
        parts.append(_chunk(b"PLTE", palette.ljust(3 << header.depth, b"\0")))
    if transparent:
        parts.append(_chunk(b"tRNS", transparent))
    parts += ((len(rows) + _FRAMING).to_bytes(4, "big"), start, rows, end, checksum.to_bytes(4, "big"), _END)
    checked = b"".join(parts)
    plain = _PLAIN != cv2.IMREAD_UNCHANGED and header.colour == _RGB and header.depth == 8 and not transparent
    image = cv2.imdecode(np.frombuffer(checked, np.uint8), _PLAIN if plain else cv2.IMREAD_UNCHANGED)
    if image is None:
        raise BadImage("damaged (its PNG data cannot be decoded)")
    if not plain and image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return Picture(image)


def _parts(content: bytes) -> tuple[_Header, bytes, bytes, bytes]:
    """Return header, palette, transparent colours and compressed pixels, after checking all chunks."""
    header: _Header | None = None
    palette = transparent = b""
    packed: list[bytes] = []
    position, end = _START, len(content)
    for _ in range(_MOST_CHUNKS):
        if position + 12 > end:
            break
        length, kind = _CHUNK.unpack_from(content, position)
        following = position + 12 + length
        if following > end:
            break
        stated = content[following - 4 : following]
        if zlib.crc32(content[position + 4 : following - 4]).to_bytes(4, "big") != stated:
            raise BadImage("damaged (PNG checksum differs)")
        if (kind == b"IHDR") != (position == _START):
            raise BadImage("damaged (PNG without a header or with two)")
        if kind == b"IHDR":
            header = _header(content[position + 8 : following - 4])
        elif kind == b"IDAT":
            packed.append(content[position + 8 : following - 4])
        elif kind == b"PLTE":
            palette = content[position + 8 : following - 4]
        elif kind == b"tRNS":
            transparent = content[position + 8 : following - 4]
        elif kind == b"IEND" and header:
            return header, *_colours(header, palette, transparent), packed[0] if len(packed) == 1 else b"".join(packed)
        elif kind[:1].isupper():
            raise BadImage(f"unsupported format (PNG that needs {kind.decode('latin-1')!r}; save it as ordinary PNG)")
        position = following
    else:
        raise BadImage(f"damaged (PNG of more than {_MOST_CHUNKS:,} chunks)")
    raise BadImage("truncated")


@lru_cache(maxsize=64)  # most files have the same
def _header(data: bytes) -> _Header:
    if len(data) != 13:
        raise BadImage("damaged (PNG header of a wrong length)")
    width, height, depth, colour, packing, filtering, interlace = struct.unpack(">IIBBBBB", data)
    if depth not in _DEPTHS.get(colour, ()) or packing or filtering or interlace > 1:
        raise BadImage("damaged (PNG header with impossible values)")
    check_size(width, height)
    if colour == _GREY and depth < 8:
        raise BadImage(f"unsupported format (grey PNG of {depth} bit, a mask; save the picture with 8 bits)")
    return _Header(width, height, depth, colour, interlace == 1)


def _colours(header: _Header, palette: bytes, transparent: bytes) -> tuple[bytes, bytes]:
    """Return palette and transparent colours where the header's colours have a use for them."""
    if header.colour == _PALETTE:
        if not palette or len(palette) % 3 or len(palette) > 3 << header.depth or 3 * len(transparent) > len(palette):
            raise BadImage("damaged (PNG palette of a wrong length)")
        return palette, transparent
    if header.colour not in _TRANSPARENT:
        return b"", b""
    if len(transparent) not in (0, _TRANSPARENT[header.colour]):
        raise BadImage("damaged (PNG transparency of a wrong length)")
    if header.depth == 8 and any(transparent[::2]):  # each sample has two bytes, whatever the depth
        raise BadImage("damaged (PNG transparency of an impossible colour)")
    return b"", transparent


@lru_cache(maxsize=64)
def _sizes(header: _Header) -> tuple[list[tuple[int, int]], int]:
    """Return bytes of a row and number of rows, of each pass, and the bytes of all."""
    bits = _CHANNELS[header.colour] * header.depth
    if header.interlaced:
        passes = [(-(-(header.width - x) // dx), -(-(header.height - y) // dy)) for x, y, dx, dy in _ADAM7]
    else:
        passes = [(header.width, header.height)]
    sizes = [(1 + (columns * bits + 7) // 8, rows) for columns, rows in passes if columns > 0 < rows]
    return sizes, sum(stride * rows for stride, rows in sizes)


def _inflate(packed: bytes, header: _Header) -> bytes:
    """Return the filtered rows of pixels, exactly as many bytes as the header states."""
    sizes, expected = _sizes(header)
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(packed, expected + 1)
    except zlib.error as error:
        raise BadImage(f"damaged (its PNG data do not unpack: {error})") from None
    if len(out) > expected:
        raise BadImage("damaged (PNG with more pixels than it states)")
    if len(out) < expected or not stream.eof:
        raise BadImage("damaged (its PNG data end early)")
    position = 0
    for stride, rows in sizes:
        if max(out[position : position + stride * rows : stride]) > _LAST_FILTER:
            raise BadImage("damaged (PNG row with an unknown filter)")
        position += stride * rows
    return out


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + zlib.crc32(body).to_bytes(4, "big")
