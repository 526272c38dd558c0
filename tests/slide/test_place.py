"""Section px lead to full-resolution px and areas, exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cancernet.slide import place
from cancernet.slide.section import Section

SECTION = Section(Path("none"), 120, 90, 15.936, 16.0, (1000, 2000), 0)


def test_px_are_multiples_of_the_factor_and_end_at_the_edge() -> None:
    np.testing.assert_allclose(place.across(SECTION, np.array([0, 50, 150])), [0, 796.8, 1912.32])
    np.testing.assert_allclose(place.down(SECTION, np.array([0, 50, 100])), [0, 800, 1440])


def test_the_slides_own_corner_adds_the_origin() -> None:
    assert place.across(SECTION, np.array([50]), of_slide=True)[0] == pytest.approx(1796.8)
    assert place.down(SECTION, np.array([50]), of_slide=True)[0] == 2800


@pytest.mark.parametrize(
    ("value", "written"), [(800.0, "800"), (796.8, "796.8"), (1.00049, "1"), (0.1234, "0.123")]
)
def test_numbers_are_whole_where_they_are_whole(value: float, written: str) -> None:
    assert str(place.number(value)) == written


def test_a_patch_of_50_px_at_4_um_is_four_hundredths_of_a_square_mm() -> None:
    assert place.square_mm(2500, 4.0) == pytest.approx(0.04)
