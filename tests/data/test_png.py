"""PNG: what is sound decodes to its pixels, and nothing else does."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancernet.data.headers import BadImage
from cancernet.data.png import read_png
from hostile.files import chunk, encoded, interlaced, png_file, png_header, png_rows
from hostile.made import tissue

IMAGE = tissue()
ROWS = png_rows(IMAGE)
PACKED = zlib.compress(ROWS)


def reason(content: bytes) -> str:
    with pytest.raises(BadImage) as caught:
        read_png(content)
    return str(caught.value)


def test_a_plain_png_is_its_pixels() -> None:
    np.testing.assert_array_equal(read_png(png_file(PACKED)).pixels, IMAGE)


def test_an_interlaced_png_is_its_pixels() -> None:
    np.testing.assert_array_equal(read_png(interlaced(IMAGE)).pixels, IMAGE)


def test_pixels_in_many_pieces_are_put_together() -> None:
    pieces = [PACKED[i : i + 7] for i in range(0, len(PACKED), 7)]
    np.testing.assert_array_equal(read_png(png_file(pieces)).pixels, IMAGE)


@pytest.mark.parametrize(
    "beside",
    [
        chunk(b"tIME", bytes(7)),
        chunk(b"gAMA", struct.pack(">I", 45455)),
        chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(99))),
        chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000))),
        chunk(b"eXIf", b"junk"),
        chunk(b"PLTE", b"12345"),
        chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", struct.pack(">6IHHBB", *[0, 50, 50], *[0] * 7)),
    ],
)
def test_chunks_beside_the_picture_change_nothing_and_say_nothing(beside: bytes, capfd: pytest.CaptureFixture) -> None:
    np.testing.assert_array_equal(read_png(png_file(PACKED, before=beside)).pixels, IMAGE)
    assert capfd.readouterr() == ("", "")


def test_chunks_without_end_are_refused() -> None:
    assert "more than 10,000 chunks" in reason(png_file(PACKED, before=chunk(b"tEXt") * 20_000))


def test_sixteen_bits_are_kept() -> None:
    wide = IMAGE.astype(np.uint16) * 257
    content = png_file(zlib.compress(png_rows(wide.astype(">u2"))), png_header(depth=16))
    np.testing.assert_array_equal(read_png(content).pixels, wide)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (png_file(PACKED[: len(PACKED) // 2]), "damaged (its PNG data end early)"),
        (png_file(PACKED[:-4]), "damaged (its PNG data end early)"),
        (png_file(zlib.compress(ROWS[:-151])), "damaged (its PNG data end early)"),
        (png_file([]), "damaged (its PNG data end early)"),
        (png_file(zlib.compress(ROWS * 2)), "damaged (PNG with more pixels than it states)"),
        (png_file(PACKED[:-4] + b"abcd"), "do not unpack"),
        (png_file(zlib.compress(png_rows(IMAGE, 5))), "damaged (PNG row with an unknown filter)"),
        (png_file(PACKED, before=png_header(5000, 5000)), "damaged (PNG without a header or with two)"),
        (png_file(PACKED, header=chunk(b"IDAT")), "damaged (PNG without a header or with two)"),
        (png_file(PACKED, header=chunk(b"IHDR", bytes(9))), "damaged (PNG header of a wrong length)"),
        (png_file(PACKED, png_header(depth=3)), "damaged (PNG header with impossible values)"),
        (png_file(PACKED, png_header(packing=1)), "damaged (PNG header with impossible values)"),
        (png_file(PACKED, png_header(lace=2)), "damaged (PNG header with impossible values)"),
        (png_file(PACKED, png_header(60_000, 60_000)), "too large for a patch (60000x60000 px; at most 50 a side)"),
        (png_file(PACKED, png_header(depth=1, colour=0)), "unsupported format (grey PNG of 1 bit, a mask"),
        (png_file(PACKED, png_header(colour=3)), "damaged (PNG palette of a wrong length)"),
        (png_file(PACKED, before=chunk(b"tRNS", b"12345")), "damaged (PNG transparency of a wrong length)"),
        (png_file(PACKED, before=chunk(b"tRNS", b"\1" * 6)), "damaged (PNG transparency of an impossible colour)"),
        (png_file(PACKED, before=chunk(b"CgBI", b"")), "unsupported format (PNG that needs 'CgBI'"),
        (png_file(PACKED, end=b""), "truncated"),
        (png_file(PACKED)[:20], "truncated"),
    ],
)
def test_what_is_not_sound_is_refused_by_name_and_in_silence(
    content: bytes, expected: str, capfd: pytest.CaptureFixture
) -> None:
    assert expected in reason(content)
    assert capfd.readouterr() == ("", "")


def test_a_pixel_beyond_the_palette_is_no_word_on_the_screen(capfd: pytest.CaptureFixture) -> None:
    palette = chunk(b"PLTE", bytes(range(30)))
    read_png(png_file(zlib.compress(png_rows(IMAGE[..., 0])), png_header(colour=3), palette))
    assert capfd.readouterr() == ("", "")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_changed_byte_of_a_png_is_noticed(data: st.DataObject) -> None:
    content = bytearray(encoded(IMAGE[:25, :25], "PNG"))
    position = data.draw(st.integers(8, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadImage):
        read_png(bytes(content))


@settings(max_examples=200, deadline=None)
@given(packed=st.binary(max_size=200), header=st.binary(min_size=13, max_size=13), beside=st.binary(max_size=50))
def test_no_parts_at_all_are_a_crash(packed: bytes, header: bytes, beside: bytes) -> None:
    with pytest.raises(BadImage):
        read_png(png_file(packed, chunk(b"IHDR", header), chunk(b"tEXt", beside)))
