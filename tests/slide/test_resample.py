"""Area averages are exact means, at any factor and from any band."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.slide.resample import area_mean


def image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def edges(count: int, step: float) -> np.ndarray:
    return np.arange(count + 1) * step


def by_hand(source: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The overlap of every pixel with every cell, as a matrix; slow and plain."""

    def overlap(edge: np.ndarray, size: int) -> np.ndarray:
        pixel = np.arange(size)
        inside = np.minimum(edge[1:, None], pixel + 1) - np.maximum(edge[:-1, None], pixel)
        weight = np.clip(inside, 0, None)
        return weight / weight.sum(axis=1, keepdims=True)

    a, b = overlap(y, source.shape[0]), overlap(x, source.shape[1])
    return np.einsum("iy,jx,yxc->ijc", a, b, source.astype(float))


def test_a_whole_factor_is_the_mean_of_blocks() -> None:
    source = image(48, 64)
    mean = source.reshape(3, 16, 4, 16, 3).mean(axis=(1, 3))
    found = area_mean(source, 0, edges(3, 16), edges(4, 16))
    assert np.abs(found - mean).max() <= 0.5 + 1e-3


@given(st.floats(0.8, 9.7), st.floats(0.8, 9.7), st.integers(0, 99))
def test_any_factor_is_the_mean_of_what_a_cell_covers(down: float, across: float, seed: int) -> None:
    source = image(40, 30, seed)
    y, x = edges(int(40 / down), down), edges(int(30 / across), across)
    assert np.abs(area_mean(source, 0, y, x) - by_hand(source, y, x)).max() <= 0.5 + 1e-2


@pytest.mark.parametrize("cut", [1, 4, 7])
def test_a_band_gives_what_the_whole_gives(cut: int) -> None:
    source, y, x = image(50, 40), edges(11, 4.37), edges(9, 4.37)
    whole = area_mean(source, 0, y, x)
    top = int(y[cut])
    np.testing.assert_array_equal(area_mean(source[top:], top, y[cut:], x), whole[cut:])


def test_a_flat_image_stays_flat_at_its_value() -> None:
    flat = np.full((33, 33, 3), 201, np.uint8)
    assert (area_mean(flat, 0, edges(7, 4.5), edges(7, 4.5)) == 201).all()
