"""Bytes to RGB, against Pillow as the oracle, and patches to one size."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from cancernet.common import defaults
from cancernet.data.decode import BadImage, decode, fit_patch

PIXELS = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_lossless_modes_decode_as_pillow_decodes_them(mode: str, form: str) -> None:
    image = Image.fromarray(PIXELS).convert(mode)
    got = decode(encoded(image, form))
    assert got.dtype == np.uint8
    assert got.flags.c_contiguous
    np.testing.assert_array_equal(got, np.asarray(image.convert("RGB")))


def test_a_jpeg_decodes_nearly_as_pillow_decodes_it() -> None:
    smooth = cv2.GaussianBlur(PIXELS, (0, 0), 4)
    content = encoded(Image.fromarray(smooth), "JPEG", quality=95)
    difference = decode(content).astype(int) - np.asarray(Image.open(io.BytesIO(content)), int)
    assert np.abs(difference).max() <= 3


def test_a_gray_jpeg_has_three_equal_channels() -> None:
    got = decode(encoded(Image.fromarray(PIXELS).convert("L"), "JPEG"))
    assert got.shape == (50, 50, 3)
    assert (got == got[..., :1]).all()


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_transparency_is_laid_over_white(form: str) -> None:
    rgba = np.dstack([PIXELS, np.arange(2500, dtype=np.uint8).reshape(50, 50)])
    white = Image.new("RGBA", (50, 50), "white")
    white.alpha_composite(Image.fromarray(rgba))
    got = decode(encoded(Image.fromarray(rgba), form)).astype(int)
    assert np.abs(got - np.asarray(white.convert("RGB"), int)).max() <= 1


def test_a_fully_transparent_patch_is_white() -> None:
    assert (decode(encoded(Image.new("RGBA", (50, 50), (10, 20, 30, 0)))) == 255).all()


def test_gray_with_transparency_and_a_transparent_palette_colour_are_laid_over_white() -> None:
    assert (decode(encoded(Image.new("LA", (50, 50), (9, 0)))) == 255).all()
    palette = Image.fromarray(PIXELS).convert("P")
    got = decode(encoded(palette, transparency=0))
    assert (got[np.asarray(palette) == 0] == 255).all()


def test_sixteen_bits_are_scaled_to_eight() -> None:
    steps = np.array([0, 128, 129, 257, 32896, 65534, 65535], np.uint16)
    wide = np.resize(steps, (30, 30))
    got = decode(cv2.imencode(".png", wide)[1].tobytes())
    assert got[0, :7, 0].tolist() == [0, 0, 1, 1, 128, 255, 255]
    colour = (PIXELS.astype(np.uint16) * 257)[..., ::-1]
    np.testing.assert_array_equal(decode(cv2.imencode(".png", colour)[1].tobytes()), PIXELS)
    np.testing.assert_array_equal(decode(cv2.imencode(".tiff", colour)[1].tobytes()), PIXELS)


@pytest.mark.parametrize("form", [".png", ".tiff"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_values_of_fewer_bits_in_sixteen_are_refused_since_they_would_come_out_black(bits: int, form: str) -> None:
    few = PIXELS.astype(np.uint16) << (bits - 8)
    with pytest.raises(BadImage, match=f"holds {bits}-bit values in 16 bits; save it with 8 bits"):
        decode(cv2.imencode(form, few)[1].tobytes())


def test_fewer_bits_are_noticed_beside_full_transparency() -> None:
    few = np.dstack([PIXELS.astype(np.uint16) << 4, np.full((50, 50), 65535, np.uint16)])
    with pytest.raises(BadImage, match="12-bit"):
        decode(cv2.imencode(".png", few)[1].tobytes())


def test_black_is_black_in_any_scale() -> None:
    assert not decode(cv2.imencode(".png", np.zeros((50, 50, 3), np.uint16))[1].tobytes()).any()


def test_decimal_pixels_are_refused_by_name() -> None:
    content = cv2.imencode(".tiff", PIXELS.astype(np.float32))[1].tobytes()
    with pytest.raises(BadImage, match="float32"):
        decode(content)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_a_mask_of_one_bit_is_no_picture(form: str) -> None:
    with pytest.raises(BadImage, match=r"1 bit.*mask"):
        decode(encoded(Image.fromarray(PIXELS).convert("1"), form))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
def test_half_a_file_is_called_truncated(form: str) -> None:
    content = encoded(Image.fromarray(PIXELS), form)
    with pytest.raises(BadImage, match=r"^truncated$"):
        decode(content[: len(content) // 2])


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_file_cut_anywhere_is_never_whole(form: str, data: st.DataObject) -> None:
    content = encoded(Image.fromarray(PIXELS), form)
    end = data.draw(st.integers(0, len(content) - 2))
    with pytest.raises(BadImage, match=r"^(empty|truncated|not an image)$"):
        decode(content[:end])


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_bytes_after_the_end_do_no_harm(form: str) -> None:
    content = encoded(Image.fromarray(PIXELS), form)
    np.testing.assert_array_equal(decode(content + bytes(100)), decode(content))


@settings(max_examples=300, deadline=None)
@given(
    start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0"]), rest=st.binary()
)
def test_no_bytes_at_all_are_a_crash(start: bytes, rest: bytes) -> None:
    with pytest.raises(BadImage):
        decode(start + rest)


def test_a_large_image_is_refused_before_it_is_unpacked() -> None:
    wide = np.zeros((8000, 8000, 3), np.uint8)
    for form in (".png", ".tiff", ".jpg"):
        content = cv2.imencode(form, wide)[1].tobytes()
        tracemalloc.start()
        with pytest.raises(BadImage, match=r"too large for a patch \(8000x8000 px"):
            decode(content)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(content) + 100_000
        tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", bytes(99)])
def test_what_is_no_image_raises_bad_image_and_nothing_else(content: bytes) -> None:
    with pytest.raises(BadImage):
        decode(content)


def test_a_patch_of_full_size_is_left_alone(patch: Callable[..., NDArray]) -> None:
    image = patch(1)
    assert fit_patch(image) is image


@settings(max_examples=50, deadline=None)
@given(height=st.integers(defaults.MIN_PATCH_SIDE, 50), width=st.integers(defaults.MIN_PATCH_SIDE, 50))
def test_a_smaller_patch_keeps_its_pixels_and_mirrors_them(height: int, width: int) -> None:
    image = PIXELS[:height, :width]
    fitted = fit_patch(image)
    assert fitted.shape == (50, 50, 3)
    np.testing.assert_array_equal(fitted[:height, :width], image)
    np.testing.assert_array_equal(fitted[height:, :width], image[::-1][: 50 - height])
    np.testing.assert_array_equal(fitted[:height, width:], image[:, ::-1][:, : 50 - width])


@pytest.mark.parametrize(("height", "width"), [(24, 50), (50, 24), (1, 50), (50, 1), (1, 1)])
def test_a_patch_under_half_size_is_too_small(height: int, width: int) -> None:
    with pytest.raises(BadImage, match=f"too small .{width}x{height} px"):
        fit_patch(PIXELS[:height, :width])


@pytest.mark.parametrize(("height", "width"), [(51, 50), (50, 51), (500, 30)])
def test_a_larger_image_is_no_patch(height: int, width: int) -> None:
    with pytest.raises(BadImage, match="too large for a patch"):
        fit_patch(np.zeros((height, width, 3), np.uint8))
