"""JPEG: in full or not at all."""

from __future__ import annotations

import contextlib
import io
import random

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cancernet.data.headers import BadImage
from cancernet.data.jpeg import read_jpeg
from hostile.files import encoded, entropy_start
from hostile.made import tissue

EXIF = Image.Exif()
EXIF[0x0112] = 6  # turned
SOUND = {
    "baseline": encoded(tissue(), "JPEG"),
    "progressive": encoded(tissue(), "JPEG", progressive=True),
    "optimised": encoded(tissue(), "JPEG", optimize=True),
    "without subsampling": encoded(tissue(), "JPEG", quality=100, subsampling=0),
    "4:2:2": encoded(tissue(), "JPEG", subsampling=1),
    "restart markers": encoded(tissue(), "JPEG", restart_marker_blocks=3),
    "both": encoded(tissue(), "JPEG", progressive=True, restart_marker_rows=1),
    "grey": encoded(tissue(), "JPEG", "L"),
    "grey progressive": encoded(tissue(), "JPEG", "L", progressive=True),
    "EXIF": encoded(tissue(), "JPEG", exif=EXIF.tobytes()),
    "thumbnail": encoded(tissue(), "JPEG", exif=b"Exif\0\0" + encoded(tissue()[:8, :8], "JPEG")),
    "bytes after its end": encoded(tissue(), "JPEG") + bytes(100),
    "fill bytes": encoded(tissue(), "JPEG")[:-2] + b"\xff" * 20 + b"\xff\xd9",
    "profile": encoded(tissue(), "JPEG", icc_profile=bytes(70_000)),
}
for _name in ("440", "411"):
    _options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{_name}")]
    SOUND[f"sampled {_name}"] = cv2.imencode(".jpg", tissue(), _options)[1].tobytes()
EOI = b"\xff\xd9"
BASELINE = SOUND["baseline"]
FRAME = BASELINE.index(b"\xff\xc0")


def reason(content: bytes) -> str:
    with pytest.raises(BadImage) as caught:
        read_jpeg(content)
    return str(caught.value)


def changed(position: int, *values: int, content: bytes = BASELINE) -> bytes:
    return content[:position] + bytes(values) + content[position + len(values) :]


@pytest.mark.parametrize("kind", SOUND)
def test_every_kind_that_is_sound_is_read_as_pillow_reads_it(kind: str, capfd: pytest.CaptureFixture) -> None:
    pixels = read_jpeg(SOUND[kind]).pixels
    assert pixels.dtype == np.uint8
    expected = np.asarray(Image.open(io.BytesIO(SOUND[kind])).convert("RGB"), int)
    assert np.abs(pixels.astype(int) - expected).max() <= 3
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", [kind for kind in SOUND if kind != "fill bytes"])
def test_data_that_end_early_are_noticed_though_the_end_marker_is_there(
    kind: str, capfd: pytest.CaptureFixture
) -> None:
    content = SOUND[kind].removesuffix(bytes(100))
    start = entropy_start(content)
    for cut in random.Random(0).sample(range(start, len(content) - 3), 20):
        assert "damaged (its JPEG data" in reason(content[:cut] + EOI)
        assert reason(content[:cut]) == "truncated"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["progressive", "both", "grey progressive"])
def test_a_progressive_jpeg_without_its_last_scans_is_noticed(kind: str) -> None:
    content, ends = SOUND[kind], []
    position = content.index(b"\xff\xda")
    while (position := content.find(b"\xff\xda", position + 2)) > 0:
        ends.append(position)
    assert len(ends) >= 3
    for end in ends:
        assert reason(content[:end] + EOI) == "damaged (its JPEG data end early)"


def test_data_that_hold_more_than_the_picture_are_noticed() -> None:
    assert "do not decode in full" in reason(BASELINE[:-2] + b"\x12\x34\x56" * 9 + EOI)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (changed(FRAME + 1, 0xC9), "unsupported format (arithmetic JPEG"),
        (changed(FRAME + 1, 0xC3), "unsupported format (lossless JPEG"),
        (changed(FRAME + 1, 0xC5), "unsupported format (hierarchical JPEG"),
        (changed(FRAME + 4, 12), "unsupported format (12-bit JPEG"),
        (changed(FRAME + 5, 0, 0), "unsupported format (JPEG that states its height at its end"),
        (changed(FRAME + 5, 255, 220, 255, 220), "too large for a patch (65500x65500 px"),
        (changed(FRAME + 9, 2), "unsupported format (JPEG of 2 channels"),
        (changed(FRAME + 1, 0xE5), "damaged (JPEG without a size)"),
        (changed(FRAME + 2, 0, 1), "damaged (JPEG segment of an impossible length)"),
        (changed(FRAME, 0), "damaged (JPEG without a marker)"),
        (BASELINE[:FRAME] + BASELINE[FRAME : FRAME + 19] * 2 + BASELINE[FRAME + 19 :], "damaged"),
        (BASELINE[:2] + EOI, "damaged (JPEG without a size)"),
        (encoded(tissue(), "JPEG", "CMYK"), "unsupported format (CMYK JPEG"),
        (BASELINE[: FRAME + 4], "truncated"),
    ],
)
def test_what_cannot_be_read_is_named(content: bytes, expected: str) -> None:
    assert expected in reason(content)


def test_scans_without_end_are_refused() -> None:
    content = SOUND["progressive"]
    last = content.rindex(b"\xff\xda")
    assert "scans" in reason(content[:last] + content[last:-2] * 300 + EOI)


@pytest.mark.parametrize("filling", [b"\xff\xe1\0\2", b"\xff", b"\xff\x01"])
def test_segments_without_end_are_refused(filling: bytes) -> None:
    assert "more than 10,000 segments" in reason(BASELINE[:2] + filling * 20_000 + BASELINE[2:])
    np.testing.assert_array_equal(
        read_jpeg(BASELINE[:2] + filling * 20 + BASELINE[2:]).pixels, read_jpeg(BASELINE).pixels
    )


@pytest.mark.parametrize("kind", SOUND)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_fault_at_all_is_a_crash(kind: str, data: st.DataObject) -> None:
    content = bytearray(SOUND[kind])
    for _ in range(data.draw(st.integers(1, 5))):
        position = data.draw(st.integers(3, len(content) - 1))
        content[position : position + 2] = data.draw(st.binary(max_size=4))
    with contextlib.suppress(BadImage):
        assert read_jpeg(bytes(content)).pixels.shape[2] == 3
