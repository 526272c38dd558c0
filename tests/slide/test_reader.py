"""How levels lie on each other, and what an error says."""

from __future__ import annotations

import pytest

from cancernet.slide.reader import first_line, level_of, reading
from cancernet.slide.scale import BadSlide


@pytest.mark.parametrize(("full", "size", "down"), [(3000, 187, 16.0), (3000, 188, 16.0), (1000, 500, 2.0)])
def test_levels_have_the_whole_reduction_that_they_were_made_by(full: int, size: int, down: float) -> None:
    level = level_of((full, full), (size, size), (full, full))
    assert (level.down_x, level.down_y) == (down, down)


def test_a_reduction_that_is_no_whole_number_is_kept() -> None:
    assert level_of((1000, 900), (400, 450), (1000, 900)).down_x == 2.5


def test_a_level_covers_the_scanned_area_alone() -> None:
    level = level_of((1600, 1600), (400, 400), (800, 1000))
    assert (level.width, level.height, level.down_x) == (200, 250, 4.0)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("first\nsecond"), "first"),
        (
            RuntimeError("unable to call tiffload\n  tiff2vips: ZSTD is not configured\n"),
            "tiff2vips: ZSTD is not configured",
        ),
        (ValueError(), "ValueError"),
        (OSError(5, "Input/output error"), "Input/output error"),
    ],
)
def test_what_an_error_says_is_its_first_line_that_tells_something(error: Exception, said: str) -> None:
    assert first_line(error) == said
    with pytest.raises(BadSlide) as raised, reading("damaged"):
        raise error
    assert str(raised.value) == f"damaged ({said})"
