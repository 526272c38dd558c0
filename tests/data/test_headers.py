"""Format, size and wholeness from the bytes alone."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cancernet.data.headers import BadImage, read_header

FORMATS = ["PNG", "JPEG", "TIFF"]


def encoded(form: str, width: int = 50, height: int = 40, **options: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form, **options)
    return out.getvalue()


def reason(content: bytes) -> str:
    with pytest.raises(BadImage) as caught:
        read_header(content)
    return str(caught.value)


@pytest.mark.parametrize("form", FORMATS)
def test_format_and_size_are_read(form: str) -> None:
    assert read_header(encoded(form, 37, 21))[:3] == (form, 37, 21)


@pytest.mark.parametrize("options", [{"progressive": True}, {"exif": b"Exif\0\0" + bytes(300)}, {"quality": 5}])
def test_all_kinds_of_jpeg_are_read(options: dict[str, object]) -> None:
    assert read_header(encoded("JPEG", **options))[:3] == ("JPEG", 50, 40)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits"])
def test_all_kinds_of_tiff_are_read(compression: str) -> None:
    assert read_header(encoded("TIFF", compression=compression))[:3] == ("TIFF", 50, 40)


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_file_cut_anywhere_is_never_whole(form: str, data: st.DataObject) -> None:
    content = encoded(form)
    end = data.draw(st.integers(0, len(content) - 2))
    assert reason(content[:end]) in {"empty", "truncated", "not an image"}


@pytest.mark.parametrize("form", FORMATS)
def test_half_a_file_is_called_truncated(form: str) -> None:
    content = encoded(form)
    assert reason(content[: len(content) // 2]) == "truncated"


def test_a_thumbnail_does_not_hide_that_a_jpeg_is_cut() -> None:
    content = encoded("JPEG", exif=b"Exif\0\0" + encoded("JPEG", 8, 8))
    assert reason(content[:-200]) == "truncated"


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_bytes_after_the_end_do_no_harm(form: str) -> None:
    assert read_header(encoded(form) + bytes(100))[:3] == (form, 50, 40)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_changed_byte_of_a_png_is_noticed(data: st.DataObject) -> None:
    content = bytearray(encoded("PNG", 10, 10))
    position = data.draw(st.integers(8, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadImage):
        read_header(bytes(content))


@settings(max_examples=200, deadline=None)
@given(start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*"]), rest=st.binary())
def test_no_bytes_at_all_are_a_crash(start: bytes, rest: bytes) -> None:
    with pytest.raises(BadImage):
        read_header(start + rest)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"hello, this is text", "not an image"),
        (b"GIF89a......", "unsupported format (GIF; use PNG, JPEG or TIFF)"),
        (b"BM" + bytes(60), "unsupported format (BMP; use PNG, JPEG or TIFF)"),
        (b"RIFF\x00\x00\x00\x00WEBP", "unsupported format (WebP; use PNG, JPEG or TIFF)"),
        (b"%PDF-1.4", "unsupported format (PDF; use PNG, JPEG or TIFF)"),
        (bytes(1000), "not an image (begins with zeros)"),
        (b"\x89PN", "truncated"),
        (b"\xff\xd8", "truncated"),
    ],
)
def test_the_reason_says_what_was_met(content: bytes, expected: str) -> None:
    assert reason(content) == expected


def test_only_eight_bit_rgb_without_transparency_is_plain() -> None:
    assert read_header(encoded("PNG")).plain
    assert not read_header(encoded("PNG", transparency=(1, 2, 3))).plain
    out = io.BytesIO()
    Image.new("RGBA", (5, 5)).save(out, "PNG")
    assert not read_header(out.getvalue()).plain


def test_a_cmyk_tiff_is_refused_because_it_would_be_read_as_transparent() -> None:
    out = io.BytesIO()
    Image.new("CMYK", (50, 50)).save(out, "TIFF")
    assert "CMYK" in reason(out.getvalue())


def test_a_tiff_whose_directory_points_nowhere_is_truncated() -> None:
    assert reason(b"II*\x00\xff\xff\xff\x7f") == "truncated"
