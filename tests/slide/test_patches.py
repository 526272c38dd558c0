"""Patches are cut where the grid says, and those at an edge are continued by reflection."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common import defaults
from cancernet.slide.patches import cut, positions
from cancernet.slide.section import Section

SIDE = defaults.PATCH_SIZE


def section_of(image: np.ndarray, folder: Path) -> Section:
    image.tofile(folder / "section.rgb")
    return Section(folder / "section.rgb", image.shape[1], image.shape[0], 16.0, 16.0, (0, 0), 0)


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([5, 10, 25, 50]))
def test_every_patch_has_enough_of_the_section_and_none_is_missing(
    width: int, height: int, stride: int
) -> None:
    x, y = positions(width, height, stride)
    expected = {
        (left, top)
        for left in range(0, width, stride)
        for top in range(0, height, stride)
        if (left == 0 or width - left >= defaults.MIN_PATCH_SIDE)
        and (top == 0 or height - top >= defaults.MIN_PATCH_SIDE)
    }
    assert set(zip(x.tolist(), y.tolist(), strict=True)) == expected
    assert len(x) == len(expected)


def test_positions_run_row_by_row() -> None:
    x, y = positions(100, 100, SIDE)
    assert list(zip(x.tolist(), y.tolist(), strict=True)) == [(0, 0), (50, 0), (0, 50), (50, 50)]


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_patches_are_the_pixels_at_their_place_whatever_the_chunk(tmp_path: Path, chunk: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (120, 170, 3), dtype=np.uint8)
    x, y = positions(170, 120, 25)
    found = np.concatenate([part.copy() for part in cut(section_of(image, tmp_path), x, y, chunk)])
    assert len(found) == len(x)
    for patch, left, top in zip(found, x, y, strict=True):
        part = image[top : top + SIDE, left : left + SIDE]
        assert np.array_equal(patch[: part.shape[0], : part.shape[1]], part)


def test_edges_are_reflected(tmp_path: Path) -> None:
    image = np.random.default_rng(2).integers(0, 256, (50, 80, 3), dtype=np.uint8)
    [patches] = cut(section_of(image, tmp_path), np.array([50]), np.array([0]), 8)
    assert np.array_equal(patches[0][:, 30:], image[:, 79:59:-1])
