"""TIFF: the first page, put together from its strips or tiles.

Each block has to unpack to all of its samples. libtiff, as OpenCV calls it, gives a picture where a block fails, and
the header it reads need not be the one that was checked: of a tag that stands twice, readers differ in which they take.
"""

from __future__ import annotations

import itertools
import math
import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cancernet.data import tiff_blocks
from cancernet.data.headers import BadImage, check_size
from cancernet.data.picture import Picture

# Tags
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIPS, _SAMPLES, _STRIP_ROWS, _STRIP_SIZES, _PLANAR, _PREDICTOR, _COLOURS = 273, 277, 278, 279, 284, 317, 320
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_SIZES, _EXTRA, _FORMAT, _JPEG_TABLES = 322, 323, 324, 325, 338, 339, 347
_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # types: letters of `struct`
_BYTES = (1, 7)  # types
_MOST_VALUES = 10_000  # of one tag; a patch has at most 2,500 tiles of one pixel in each of 4 planes
_MOST_TIMES, _OVERHEAD = 4, 65536  # the bytes of its pixels and bytes more, that a block may have

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_COLOURED = (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE)
_COLOUR_KINDS = {4: "mask", 5: "CMYK", 6: "YCbCr", 8: "CIELab", 9: "ICCLab", 10: "ITULab", 32803: "raw camera"}
_FORMATS = {2: "int", 3: "float", 5: "complex", 6: "complex"}
_MULTIPLIED, _ALPHA = 1, 2  # meanings of an extra sample


class _Layout(NamedTuple):
    """Where the samples are."""

    width: int  # px
    height: int  # px
    columns: int  # px of a block
    rows: int  # px of a block
    samples: int  # of a pixel in one block
    planes: int  # 1, or one for each sample
    kind: np.dtype[Any]  # of a sample, in the file's order of bytes
    tiled: bool  # blocks at the edge are whole
    blocks: list[tuple[int, int]]  # start and size in bytes, plane after plane


class _Tags:
    """The first directory of a TIFF or BigTIFF."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.order = "<" if content[:2] == b"II" else ">"
        big = content[2:4] in (b"+\0", b"\0+")
        self._offset, entries, self._entry = ("Q", "Q", "HHQ") if big else ("I", "H", "HHI")
        (start,) = self._at(self._offset, 8 if big else 4)
        (count,) = self._at(entries, start)
        start += struct.calcsize("=" + entries)
        size = struct.calcsize("=" + self._entry + self._offset)
        if start + count * size > len(content):
            raise BadImage("truncated")
        self._places: dict[int, int] = {}
        for i in range(count):
            (tag,) = self._at("H", start + size * i)
            if tag in self._places:
                raise BadImage(f"damaged (TIFF with tag {tag} twice)")
            self._places[tag] = start + size * i

    def _at(self, letters: str, position: int) -> tuple[Any, ...]:
        return struct.unpack_from(self.order + letters, self.content, position)

    def __contains__(self, tag: int) -> bool:
        return tag in self._places

    def numbers(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return the whole numbers of a tag."""
        if tag not in self._places:
            return default
        position = self._places[tag]
        _, kind, count = self._at(self._entry, position)
        letter = _NUMBERS.get(kind)
        if tag == _JPEG_TABLES:
            letter = "B" if kind in _BYTES else None
        if letter is None or not 0 < count <= _MOST_VALUES:
            raise BadImage(f"damaged (TIFF tag {tag} of an impossible type or length)")
        position += struct.calcsize("=" + self._entry)
        if count * struct.calcsize("=" + letter) > struct.calcsize("=" + self._offset):
            (position,) = self._at(self._offset, position)
        return self._at(f"{count}{letter}", position)

    def one(self, tag: int, default: int = 0) -> int:
        """Return the number of a tag that has one."""
        values = self.numbers(tag, (default,))
        if len(set(values)) != 1:
            raise BadImage(f"damaged (TIFF tag {tag} with several values)")
        return values[0]


def read_tiff(content: bytes) -> Picture:
    """Decode the first page of a TIFF.

    Raises:
        BadImage: truncated, damaged, not a patch's size, or of a kind that cannot be a patch.
    """
    try:
        tags = _Tags(content)
        layout = _layout(tags)
        pixels = _assemble(tags, layout)
        return _coloured(tags, pixels)
    except (struct.error, OverflowError):
        raise BadImage("truncated") from None


def _layout(tags: _Tags) -> _Layout:
    """Return where the samples are, after refusing what cannot be a patch."""
    width, height = tags.one(_WIDTH), tags.one(_HEIGHT)
    if not width or not height:
        raise BadImage("damaged (TIFF without a size)")
    check_size(width, height)
    bits, samples = tags.one(_BITS, 1), tags.one(_SAMPLES, 1)
    _refuse_kinds(tags, bits, samples)
    separate = tags.one(_PLANAR, 1) == 2 and samples > 1
    if _TILES in tags:
        columns, rows = tags.one(_TILE_WIDTH), tags.one(_TILE_HEIGHT)
        starts, sizes = tags.numbers(_TILES), tags.numbers(_TILE_SIZES)
        if not 0 < columns <= tiff_blocks.MOST_SIDE or not 0 < rows <= tiff_blocks.MOST_SIDE:
            raise BadImage(f"damaged (TIFF tiles of {columns}x{rows} px)")
    else:
        columns, rows = width, min(tags.one(_STRIP_ROWS, height), height)
        starts, sizes = tags.numbers(_STRIPS), tags.numbers(_STRIP_SIZES)
        if not rows:
            raise BadImage("damaged (TIFF strips without rows)")
    planes = samples if separate else 1
    wanted = -(-width // columns) * -(-height // rows) * planes
    if len(starts) < wanted or len(sizes) < wanted:
        raise BadImage("damaged (TIFF of which strips or tiles are missing)")
    blocks = list(zip(starts[:wanted], sizes[:wanted], strict=True))
    if any(start + size > len(tags.content) for start, size in blocks):
        raise BadImage("truncated")
    kind = np.dtype(np.uint8) if bits == 8 else np.dtype(tags.order + "u2")
    return _Layout(width, height, columns, rows, 1 if separate else samples, planes, kind, _TILES in tags, blocks)


def _refuse_kinds(tags: _Tags, bits: int, samples: int) -> None:
    """Refuse by name what cannot be read as colours of 8 or 16 bits."""
    form, colours = tags.one(_FORMAT, 1), tags.one(_PHOTOMETRIC, _BLACK_IS_ZERO)
    packing, predictor = tags.one(_COMPRESSION, tiff_blocks.PLAIN), tags.one(_PREDICTOR, 1)
    packed = packing == tiff_blocks.JPEG
    method = tiff_blocks.OTHERS.get(packing, f"method {packing}")
    kind = _COLOUR_KINDS.get(colours, f"colours of kind {colours}")
    channels = {_RGB: (3, 4), _YCBCR: (3,), _PALETTE: (1,)}.get(colours, (1, 2, 3, 4))
    rules = (
        (form in _FORMATS, f"{_FORMATS.get(form)}{bits} samples; save it with 8 bits"),
        (bits == 1, "1 bit a sample, a mask; save the picture with 8 bits"),
        (bits not in (8, 16), f"{bits} bits a sample; save it with 8 bits"),
        (packing not in tiff_blocks.KNOWN, f"TIFF compressed with {method}; save it with LZW or none"),
        (colours not in _COLOURED and not (colours == _YCBCR and packed), f"{kind} TIFF; save it as RGB"),
        (samples not in channels, f"TIFF of {samples} channels; save it as RGB"),
        (bits == 16 and (packed or colours == _PALETTE), "TIFF with JPEG or a palette of 16 bits; save it as RGB"),
        (tags.one(_FILL_ORDER, 1) != 1, "TIFF with reversed bits; save it as PNG"),
        (predictor not in (1, 2), "TIFF with a rare predictor; save it as PNG"),
    )
    for met, reason in rules:
        if met:
            raise BadImage(f"unsupported format ({reason})")


def _assemble(tags: _Tags, layout: _Layout) -> NDArray[Any]:
    """Return the samples (height, width, samples), unpacked block after block."""
    out = np.empty((layout.planes, layout.height, layout.width, layout.samples), layout.kind.newbyteorder("="))
    packing, predicted = tags.one(_COMPRESSION, tiff_blocks.PLAIN), tags.one(_PREDICTOR, 1) == 2
    tables, unmixed = bytes(tags.numbers(_JPEG_TABLES)), tags.one(_PHOTOMETRIC, _BLACK_IS_ZERO) != _YCBCR
    corners = itertools.product(
        range(layout.planes), range(0, layout.height, layout.rows), range(0, layout.width, layout.columns)
    )
    for (plane, y, x), (start, size) in zip(corners, layout.blocks, strict=True):
        area = out[plane, y : y + layout.rows, x : x + layout.columns]
        shape = (layout.rows if layout.tiled else len(area), layout.columns, layout.samples)
        data, wanted = tags.content[start : start + size], math.prod(shape) * layout.kind.itemsize
        if size > _MOST_TIMES * wanted + _OVERHEAD:  # a strip may be told of many times, each to be unpacked
            raise BadImage("damaged (TIFF strip of more data than any pixels need)")
        if packing == tiff_blocks.JPEG:
            area[:] = tiff_blocks.from_jpeg(tables, data, shape, unmixed=unmixed)[: area.shape[0], : area.shape[1]]
            continue
        block = np.frombuffer(tiff_blocks.unpack(packing, data, wanted), layout.kind)
        area[:] = block.reshape(shape)[: area.shape[0], : area.shape[1]]
        if predicted and packing in tiff_blocks.PREDICTED:
            np.cumsum(area, axis=1, dtype=area.dtype, out=area)
    return out[0] if layout.planes == 1 else np.ascontiguousarray(np.moveaxis(out[..., 0], 0, -1))


def _coloured(tags: _Tags, pixels: NDArray[Any]) -> Picture:
    """Return grey, RGB or RGBA of samples (h, w, n)."""
    colours, extra = tags.one(_PHOTOMETRIC, _BLACK_IS_ZERO), tags.numbers(_EXTRA)
    if colours == _PALETTE:
        table: NDArray[Any] = np.array(tags.numbers(_COLOURS), np.uint16)
        if len(table) != 3 * 256:
            raise BadImage("damaged (TIFF palette of a wrong length)")
        table = table >> 8 if table.max() > 255 else table  # some writers do not scale them to 16 bits
        return Picture(table.reshape(3, 256).T.astype(np.uint8)[pixels[..., 0]])
    main = 3 if pixels.shape[2] >= 3 else 1  # some writers call three channels grey
    if colours == _WHITE_IS_ZERO:
        pixels = np.dstack([np.iinfo(pixels.dtype).max - pixels[..., :main], pixels[..., main:]])
    if pixels.shape[2] == main:
        return Picture(pixels[..., 0] if main == 1 else pixels)
    if extra[:1] not in ((_MULTIPLIED,), (_ALPHA,)) and pixels[..., main].min() < np.iinfo(pixels.dtype).max:
        raise BadImage("unsupported format (TIFF with one channel more that is no transparency; save it as RGB)")
    colour = np.repeat(pixels[..., :1], 3, axis=2) if main == 1 else pixels[..., :3]
    return Picture(np.dstack([colour, pixels[..., main]]), extra[:1] == (_MULTIPLIED,))
