"""How the samples of a TIFF's strip or tile are packed, each way unpacked in full or not at all."""

from __future__ import annotations

import zlib
from typing import Any

from numpy.typing import NDArray

from cancernet.data.headers import BadImage
from cancernet.data.jpeg import read_frame
from cancernet.data.jpeg import unpack as unpack_jpeg

PLAIN, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS = 1, 5, 7, 8, 32946, 32773
MOST_SIDE = 1024  # px of a block
KNOWN = {PLAIN, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS}
PREDICTED = {LZW, DEFLATE, OLD_DEFLATE}
OTHERS = {
    2: "CCITT", 3: "fax", 4: "fax", 6: "JPEG of the old kind", 33003: "JPEG 2000", 33005: "JPEG 2000",
    34712: "JPEG 2000", 34887: "LERC", 34925: "LZMA", 34933: "PNG", 34934: "JPEG XR", 50000: "Zstandard",
    50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip

_CLEAR, _END = 256, 257  # codes of LZW
_FIRST_WIDTH, _LAST_WIDTH = 9, 12  # bits of a code
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"  # and one byte: how the colours are mixed


def unpack(packing: int, data: bytes, size: int) -> bytes:
    """Return the first `size` bytes of a block.

    Raises:
        BadImage: it has fewer, or is damaged.
    """
    out = data if packing == PLAIN else _UNPACKERS[packing](data, size)
    if len(out) < size:
        raise BadImage("damaged (its TIFF data end early)")
    return out[:size]


def from_jpeg(tables: bytes, data: bytes, shape: tuple[int, int, int], *, unmixed: bool) -> NDArray[Any]:
    """Return the samples of a block that is a JPEG without its tables.

    Args:
        tables: a JPEG that holds them alone, or nothing.
        data: the block.
        shape: rows, columns and samples that it should have; it may have more rows.
        unmixed: whether its colours are red, green and blue.

    Raises:
        BadImage: it does not have them in full.
    """
    whole = b"\xff\xd8" + (_ADOBE + b"\0" if unmixed and shape[2] > 1 else b"") + tables[2:-2] + data[2:]
    frame = read_frame(whole)
    if frame.width != shape[1] or not shape[0] <= frame.height <= MOST_SIDE or frame.components != shape[2]:
        raise BadImage("damaged (TIFF and the JPEG in it differ in size)")
    return unpack_jpeg(whole, frame)[..., : shape[2]]


def _inflate(data: bytes, size: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(data, size + 1)
    except zlib.error as error:
        raise BadImage(f"damaged (its TIFF data do not unpack: {error})") from None
    return out if stream.eof or len(out) > size else b""


def _packbits(data: bytes, size: int) -> bytes:
    out = bytearray()
    position = 0
    while position < len(data) and len(out) < size:
        head = data[position]
        if head < 128:
            out += data[position + 1 : position + 2 + head]
            position += 2 + head
        elif head > 128:
            out += data[position + 1 : position + 2] * (257 - head)
            position += 2
        else:
            position += 1
    return bytes(out)


def _lzw(data: bytes, size: int) -> bytes:
    singles = [bytes([i]) for i in range(256)] + [b"", b""]  # the two last are commands
    table, width, out = singles[:], _FIRST_WIDTH, bytearray()
    previous = b""
    gathered = bits = 0
    for byte in data:
        gathered, bits = gathered << 8 | byte, bits + 8
        if bits < width:
            continue
        bits -= width
        code = gathered >> bits
        gathered &= (1 << bits) - 1
        if code == _CLEAR:
            table, width, previous = singles[:], _FIRST_WIDTH, b""
            continue
        if code == _END or len(out) >= size:
            break
        if code < len(table) and (previous or code < _CLEAR):
            entry = table[code]
        elif code == len(table) and previous:
            entry = previous + previous[:1]
        else:
            raise BadImage("damaged (its TIFF data do not unpack: code without a meaning)")
        out += entry
        if previous and len(table) < 1 << _LAST_WIDTH:
            table.append(previous + entry[:1])
            if len(table) + 1 >= 1 << width and width < _LAST_WIDTH:  # one code early, as all writers do
                width += 1
        previous = entry
    return bytes(out)


_UNPACKERS = {LZW: _lzw, DEFLATE: _inflate, OLD_DEFLATE: _inflate, PACKBITS: _packbits}
