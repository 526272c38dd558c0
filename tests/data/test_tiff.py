"""TIFF: against Pillow's writers, and by hand for what no writer makes."""

from __future__ import annotations

import contextlib
import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from cancernet.data.headers import BadImage
from cancernet.data.tiff import read_tiff
from hostile.files import encoded, tiff_file, tiff_of, tiff_tags
from hostile.made import tissue

IMAGE = tissue()
PLAIN = tiff_of(IMAGE)
SHORT, LONG = 3, 4  # types
PACKINGS = ["raw", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "packbits"]


def reason(content: bytes) -> str:
    with pytest.raises(BadImage) as caught:
        read_tiff(content)
    return str(caught.value)


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_what_pillow_writes_is_read_as_pillow_reads_it(mode: str, packing: str) -> None:
    content = encoded(IMAGE, "TIFF", mode, compression=packing)
    pixels = read_tiff(content).pixels
    expected = Image.open(io.BytesIO(content))
    np.testing.assert_array_equal(pixels, np.asarray(expected.convert("RGB") if mode == "P" else expected))


@pytest.mark.parametrize("packing", PACKINGS[1:4])
def test_differences_of_neighbours_are_summed_up(packing: str) -> None:
    content = encoded(IMAGE, "TIFF", compression=packing, tiffinfo={317: 2})
    np.testing.assert_array_equal(read_tiff(content).pixels, IMAGE)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), spread=st.integers(1, 256), packing=st.sampled_from(PACKINGS))
def test_any_pixels_come_back(seed: int, spread: int, packing: str) -> None:
    image = np.random.default_rng(seed).integers(0, spread, (50, 37, 3), dtype=np.uint8)
    np.testing.assert_array_equal(read_tiff(encoded(image, "TIFF", compression=packing)).pixels, image)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_both_orders_of_bytes_and_bigtiff_are_read(order: str, big: bool) -> None:
    tags = tiff_tags(IMAGE) | {273: (LONG, [16 if big else 8])}
    np.testing.assert_array_equal(read_tiff(tiff_file(IMAGE.tobytes(), tags, order, big=big)).pixels, IMAGE)


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bits_are_kept(order: str) -> None:
    wide = IMAGE.astype(np.uint16) * 257
    content = tiff_file(wide.astype(order + "u2").tobytes(), tiff_tags(wide), order)
    np.testing.assert_array_equal(read_tiff(content).pixels, wide)


def test_samples_in_planes_are_put_together() -> None:
    starts = [8 + 2500 * i for i in range(3)]
    tags = {**tiff_tags(IMAGE), 273: (LONG, starts), 279: (LONG, [2500] * 3), 284: (SHORT, [2])}
    data = np.moveaxis(IMAGE, -1, 0).tobytes()
    np.testing.assert_array_equal(read_tiff(tiff_file(data, dict(sorted(tags.items())))).pixels, IMAGE)


def tiled(image: NDArray, side: int = 32) -> bytes:
    padded = np.pad(image, ((0, -image.shape[0] % side), (0, -image.shape[1] % side), (0, 0)))
    tiles = [
        zlib.compress(padded[y : y + side, x : x + side].tobytes())
        for y in range(0, padded.shape[0], side)
        for x in range(0, padded.shape[1], side)
    ]
    starts = [8 + sum(map(len, tiles[:i])) for i in range(len(tiles))]
    tags = {k: v for k, v in tiff_tags(image).items() if k not in (273, 278, 279)}
    tags |= {259: (SHORT, [8]), 322: (SHORT, [side]), 323: (SHORT, [side])}
    tags |= {324: (LONG, starts), 325: (LONG, [len(tile) for tile in tiles])}
    return tiff_file(b"".join(tiles), tags)


@pytest.mark.parametrize("side", [16, 32, 256])
def test_tiles_are_put_together(side: int) -> None:
    np.testing.assert_array_equal(read_tiff(tiled(IMAGE, side)).pixels, IMAGE)


def test_a_jpeg_inside_is_decoded_in_full_or_not_at_all() -> None:
    content = encoded(IMAGE, "TIFF", compression="jpeg", quality=95)
    expected = np.asarray(Image.open(io.BytesIO(content)), int)
    assert np.abs(read_tiff(content).pixels.astype(int) - expected).max() <= 3
    tags = Image.open(io.BytesIO(content)).tag_v2
    end = tags[273][0] + tags[279][0] - 2
    assert "damaged (its JPEG data" in reason(content[: end - 60] + b"\xff\xd9" + bytes(60) + content[end + 2 :])


def test_white_may_be_zero() -> None:
    grey = IMAGE[..., 0]
    np.testing.assert_array_equal(read_tiff(tiff_of(grey, {262: (SHORT, [0])})).pixels, 255 - grey)


@pytest.mark.parametrize(("meaning", "multiplied"), [(1, True), (2, False)])
def test_an_extra_sample_that_is_alpha_is_kept_with_its_meaning(meaning: int, multiplied: bool) -> None:
    image = np.dstack([IMAGE, IMAGE[..., 0]])
    found = read_tiff(tiff_of(image, {338: (SHORT, [meaning])}))
    np.testing.assert_array_equal(found.pixels, image)
    assert found.multiplied == multiplied


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_strip_that_is_cut_short_is_noticed(packing: str) -> None:
    content = encoded(IMAGE, "TIFF", compression=packing)
    tags = Image.open(io.BytesIO(content)).tag_v2
    start, size = tags[273][0], tags[279][0]
    short = bytearray(content)
    short[start + size // 2 : start + size] = b""
    assert "damaged" in reason(tiff_file(bytes(short[start : start + size // 2]), tiff_tags(IMAGE) | {
        259: (SHORT, [tags[259]]), 279: (LONG, [size // 2]), 317: (SHORT, [tags.get(317, 1)]),
    }))  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({256: (SHORT, [9000])}, "too large for a patch (9000x50 px"),
        ({256: (LONG, [2**32 - 1])}, "too large for a patch"),
        ({257: (SHORT, [10])}, "too small (50x10 px"),
        ({256: (1, [50])}, ""),
        ({256: (2, [50])}, "damaged (TIFF tag 256 of an impossible type or length)"),
        ({256: (SHORT, [50, 60])}, "damaged (TIFF tag 256 with several values)"),
        ({256: (SHORT, [])}, "damaged (TIFF without a size)"),
        ({258: (SHORT, [1])}, "1 bit a sample, a mask"),
        ({258: (SHORT, [4, 4, 4])}, "4 bits a sample"),
        ({258: (SHORT, [12, 12, 12])}, "12 bits a sample"),
        ({258: (SHORT, [8, 8, 16])}, "damaged (TIFF tag 258 with several values)"),
        ({258: (SHORT, [32] * 3), 339: (SHORT, [3] * 3)}, "float32 samples"),
        ({339: (SHORT, [2] * 3)}, "int8 samples"),
        ({259: (SHORT, [50000])}, "TIFF compressed with Zstandard"),
        ({259: (SHORT, [34712])}, "TIFF compressed with JPEG 2000"),
        ({259: (SHORT, [6])}, "TIFF compressed with JPEG of the old kind"),
        ({259: (SHORT, [999])}, "TIFF compressed with method 999"),
        ({259: (SHORT, [5])}, "damaged (its TIFF data do not unpack"),
        ({259: (SHORT, [8])}, "damaged (its TIFF data do not unpack"),
        ({262: (SHORT, [5])}, "CMYK TIFF"),
        ({262: (SHORT, [6])}, "YCbCr TIFF"),
        ({262: (SHORT, [8])}, "CIELab TIFF"),
        ({277: (SHORT, [5])}, "TIFF of 5 channels"),
        ({277: (SHORT, [2])}, "TIFF of 2 channels"),
        ({277: (SHORT, [4])}, "damaged (its TIFF data end early)"),
        ({278: (SHORT, [0])}, "damaged (TIFF strips without rows)"),
        ({278: (SHORT, [10])}, "damaged (TIFF of which strips or tiles are missing)"),
        ({273: (LONG, [2**31])}, "truncated"),
        ({279: (LONG, [2**31])}, "truncated"),
        ({279: (LONG, [100])}, "damaged (its TIFF data end early)"),
        ({279: (LONG, [])}, "damaged (TIFF of which strips or tiles are missing)"),
        ({266: (SHORT, [2])}, "reversed bits"),
        ({317: (SHORT, [3])}, "rare predictor"),
        ({322: (LONG, [2**31]), 323: (LONG, [16])}, ""),
        ({324: (LONG, [8]), 325: (LONG, [7500])}, "damaged (TIFF tiles of 0x0 px)"),
        ({324: (LONG, [8]), 325: (LONG, [7500]), 322: (LONG, [2**31]), 323: (LONG, [16])}, "damaged (TIFF tiles"),
        ({278: (LONG, [2**32 - 1])}, ""),
    ],
)
def test_what_cannot_be_read_is_named(changes: dict[int, tuple[int, list[int]]], expected: str) -> None:
    if expected:
        assert expected in reason(tiff_of(IMAGE, changes))
    else:
        np.testing.assert_array_equal(read_tiff(tiff_of(IMAGE, changes)).pixels, IMAGE)


def test_a_tag_that_stands_twice_is_refused_since_readers_differ_in_which_they_take() -> None:
    tags = list(tiff_tags(IMAGE).items())
    content = tiff_file(IMAGE.tobytes(), [*tags, (256, (LONG, [40_000])), (257, (LONG, [40_000]))])
    assert reason(content) == "damaged (TIFF with tag 256 twice)"


def test_a_strip_of_far_more_data_than_pixels_is_not_unpacked_again_and_again() -> None:
    tags = tiff_tags(IMAGE) | {259: (SHORT, [5]), 273: (LONG, [8] * 50), 278: (SHORT, [1]), 279: (LONG, [10**6] * 50)}
    assert "more data than any pixels need" in reason(tiff_file(b"\x80" * 10**6, tags))


def test_more_tags_than_there_are_is_truncated() -> None:
    assert reason(tiff_file(IMAGE.tobytes(), tiff_tags(IMAGE), count=60_000)) == "truncated"


def test_a_directory_that_follows_itself_does_no_harm() -> None:
    content = tiff_file(IMAGE.tobytes(), tiff_tags(IMAGE), following=8 + IMAGE.nbytes)
    np.testing.assert_array_equal(read_tiff(content).pixels, IMAGE)


@pytest.mark.parametrize(
    "content", [b"II*\0\xff\xff\xff\x7f", b"MM\0+" + b"\xff" * 12, b"II+\0\x08\0\0\0" + b"\xff" * 8]
)
def test_a_directory_that_lies_nowhere_is_truncated(content: bytes) -> None:
    assert reason(content) == "truncated"


SEEDS = [PLAIN, tiled(IMAGE), *(encoded(IMAGE, "TIFF", compression=each) for each in [*PACKINGS, "jpeg"])]


@settings(max_examples=300, deadline=None)
@given(data=st.data(), start=st.sampled_from(SEEDS))
def test_no_fault_at_all_is_a_crash(data: st.DataObject, start: bytes) -> None:
    content = bytearray(start)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.one_of(st.integers(4, 300), st.integers(4, len(content) - 1)))
        content[position : position + 4] = data.draw(st.one_of(st.binary(max_size=8), st.just(b"\xff" * 4)))
    with contextlib.suppress(BadImage):
        assert max(read_tiff(bytes(content)).pixels.shape) <= 50
