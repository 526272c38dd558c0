"""What a file is by its first bytes, and which sizes a patch has."""

from __future__ import annotations

import pytest

from cancernet.data.headers import BadImage, archive, check_size, kind_of


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff\xe0", "JPEG"), (b"II*\0", "TIFF"), (b"MM\0*", "TIFF"),
        (b"II+\0", "TIFF"), (b"MM\0+", "TIFF"),
    ],
)  # fmt: skip
def test_the_three_formats_are_told_by_their_first_bytes(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"hello, this is text", "not an image"),
        (b"GIF89a......", "unsupported format (GIF; use PNG, JPEG or TIFF)"),
        (b"BM" + bytes(60), "unsupported format (BMP; use PNG, JPEG or TIFF)"),
        (b"RIFF\x00\x00\x00\x00WEBP", "unsupported format (WebP; use PNG, JPEG or TIFF)"),
        (b"%PDF-1.4", "unsupported format (PDF; use PNG, JPEG or TIFF)"),
        (b"PK\x03\x04" + bytes(30), "unsupported format (zip; use PNG, JPEG or TIFF)"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(30), "unsupported format (7z; use PNG, JPEG or TIFF)"),
        (b"\0\0\0\x1cftypheic" + bytes(30), "unsupported format (HEIC; use PNG, JPEG or TIFF)"),
        (b"\0\0\0\x1cftypxxxx" + bytes(30), "not an image"),
        (bytes(1000), "not an image (begins with zeros)"),
        (b"\x89PN", "truncated"),
        (b"\xff\xd8", "truncated"),
        (b"II", "truncated"),
    ],
)
def test_the_reason_says_what_was_met(content: bytes, expected: str) -> None:
    with pytest.raises(BadImage) as caught:
        kind_of(content)
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("head", "kind"),
    [(b"Rar!\x1a\x07", "rar"), (b"\x1f\x8b\x08", "gzip"), (b"a" * 257 + b"ustar", "tar"), (b"PK\x03\x04", None)],
)
def test_archives_other_than_zips_are_named(head: bytes, kind: str | None) -> None:
    assert archive(head) == kind


@pytest.mark.parametrize(
    ("width", "height", "reason"), [(24, 50, "too small"), (50, 1, "too small"), (51, 50, "too large for a patch")]
)
def test_a_size_that_no_patch_has_is_refused(width: int, height: int, reason: str) -> None:
    with pytest.raises(BadImage, match=rf"{reason} \({width}x{height} px"):
        check_size(width, height)


@pytest.mark.parametrize(("width", "height"), [(25, 25), (50, 50), (25, 50)])
def test_a_patchs_sizes_pass(width: int, height: int) -> None:
    check_size(width, height)
