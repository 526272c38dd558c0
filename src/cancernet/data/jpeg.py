"""JPEG: decoded in full or not at all.

libjpeg fills what is missing with grey and only warns, and OpenCV passes that on as a picture. libjpeg-turbo's own
interface (simplejpeg) makes an error of any warning: data that end early, codes that do not exist, bytes that are left
over. What no decoder can notice is a flipped bit after which the rest still decodes to the same number of blocks.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import simplejpeg
from numpy.typing import NDArray

from cancernet.data.headers import BadImage, check_size
from cancernet.data.picture import Picture

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # ends data; 00 is an escaped FF, D0 to D7 restart
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a length
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = 0xC2
_KINDS = {0xC3: "lossless"} | dict.fromkeys(range(0xC5, 0xC8), "hierarchical")
_KINDS |= dict.fromkeys(range(0xC9, 0xD0), "arithmetic")
_MOST_SCANS = 200  # a usual encoder writes 10; each is a pass over the whole picture
_MOST_SEGMENTS = 10_000  # and fill bytes; a profile or a thumbnail has some
_COEFFICIENTS = 64  # of a block


class Frame(NamedTuple):
    """What the header of the picture itself says."""

    width: int  # px
    height: int  # px
    components: int


def read_jpeg(content: bytes) -> Picture:
    """Decode a JPEG that begins with its start marker to RGB.

    Raises:
        BadImage: truncated, damaged, not a patch's size, or of a kind that cannot be a patch.
    """
    frame = read_frame(content)
    check_size(frame.width, frame.height)
    return Picture(unpack(content, frame))


def read_frame(content: bytes) -> Frame:
    """Return size and kind of a JPEG, after a walk through all of its segments.

    Raises:
        BadImage: it has no header, is of a kind that cannot be decoded, or lacks whole scans, which is no error to
            libjpeg where a JPEG is progressive.
    """
    frame: Frame | None = None
    missing: dict[int, list[int]] = {}  # component: for each coefficient, the bits that are still to come
    scans = 0
    for marker, start, stop in _segments(content):
        if marker in _FRAMES:
            frame = _frame(marker, content[start:stop])
            if marker == _PROGRESSIVE:
                missing = {content[i]: [_COEFFICIENTS] * _COEFFICIENTS for i in range(start + 6, stop - 2, 3)}
        elif marker == _SOS:
            scans += 1
            if stop - start < 4:
                raise BadImage("damaged (JPEG segment of an impossible length)")
            if scans > _MOST_SCANS:
                raise BadImage(f"damaged (JPEG of more than {_MOST_SCANS} scans)")
            first, last, bits = content[stop - 3 : stop]
            for component in content[start + 1 : start + 1 + 2 * content[start] : 2]:
                missing.get(component, [0])[first : last + 1] = [bits & 15] * (last + 1 - first)
    if not frame or not scans:
        raise BadImage("damaged (JPEG without a size)")
    if any(any(bits) for bits in missing.values()):
        raise BadImage("damaged (its JPEG data end early)")
    return frame


def _frame(marker: int, data: bytes) -> Frame:
    if len(data) < 6:
        raise BadImage("damaged (JPEG without a size)")
    bits, height, width, components = struct.unpack_from(">BHHB", data)
    if marker in _KINDS:
        raise BadImage(f"unsupported format ({_KINDS[marker]} JPEG; save it as PNG)")
    if bits != 8:
        raise BadImage(f"unsupported format ({bits}-bit JPEG; save it with 8 bits)")
    if components == 4:
        raise BadImage("unsupported format (CMYK JPEG; save it as RGB)")
    if components not in (1, 3):
        raise BadImage(f"unsupported format (JPEG of {components} channels; save it as RGB)")
    if not height:
        raise BadImage("unsupported format (JPEG that states its height at its end; save it again)")
    return Frame(width, height, components)


def unpack(content: bytes, frame: Frame) -> NDArray[Any]:
    """Return the pixels, uint8 RGB (height, width, 3).

    Raises:
        BadImage: they are not there in full.
    """
    try:
        if simplejpeg.decode_jpeg_header(content)[:2] != (frame.height, frame.width):  # as the decoder will see it
            raise BadImage("damaged (JPEG that states two sizes)")
        return simplejpeg.decode_jpeg(content, "RGB", strict=True)
    except KeyError:  # simplejpeg's word for a subsampling it has no name for
        raise BadImage("unsupported format (JPEG with a rare subsampling of its colours; save it as PNG)") from None
    except ValueError as error:
        early = "premature end" in str(error).lower()
        raise BadImage(f"damaged (its JPEG data {'end early' if early else 'do not decode in full'})") from None


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of each segment's data; what follows a scan's header is passed over.

    Raises:
        BadImage: the file ends before its end marker, or something else stands where a marker should.
    """
    position, end = 2, len(content)
    for _ in range(_MOST_SEGMENTS):
        if position + 4 > end:
            break
        if content[position] != 0xFF:
            raise BadImage("damaged (JPEG without a marker)")
        marker = content[position + 1]
        if marker == _EOI:
            return
        if marker == 0xFF or marker in _ALONE:  # a fill byte
            position += 1 if marker == 0xFF else 2
            continue
        start, stop = position + 4, position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        if stop > end:
            break
        if stop < start or marker == _SOI:
            raise BadImage("damaged (JPEG segment of an impossible length)")
        yield marker, start, stop
        position = stop
        if marker == _SOS:
            found = _MARKER.search(content, stop)
            if not found:
                break
            position = found.start()
    else:
        raise BadImage(f"damaged (JPEG of more than {_MOST_SEGMENTS:,} segments)")
    if content[position : position + 2] != b"\xff\xd9":
        raise BadImage("truncated")
