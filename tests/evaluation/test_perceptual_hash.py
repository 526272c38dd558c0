"""Fingerprints of patches, and all near pairs of them."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cancernet.evaluation import perceptual_hash as module
from cancernet.evaluation.perceptual_hash import block_means, correlation, grey_levels, hash_patches, near_pairs


def tissue(n: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth random patches with a little noise."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (n, 50, 50, 3))
    smooth = np.stack([cv2.GaussianBlur(x, (0, 0), 3) for x in noise])
    return (170 + 250 * smooth + 5 * noise).clip(0, 255).astype(np.uint8)


def hashes(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return hash_patches(images, np.arange(len(images)))[0]


def test_grey_levels_agree_with_opencv() -> None:
    images = tissue(5)
    expected = np.stack([cv2.cvtColor(x, cv2.COLOR_RGB2GRAY) for x in images])
    np.testing.assert_allclose(grey_levels(images), expected, atol=0.51)


def test_the_low_frequencies_agree_with_the_transform_of_opencv() -> None:
    grey = grey_levels(tissue(1))[0]
    low = module._cosines(50, 8) @ grey @ module._cosines(50, 8).T
    expected = cv2.dct(grey)[:8, :8]
    ratio = low[1:, 1:] / expected[1:, 1:]  # the first row and column differ by a constant
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-2)


def test_equal_patches_have_equal_hashes_whatever_is_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    images = tissue(9)
    alone = [hashes(image[None])[0] for image in images]
    assert hashes(images).tolist() == alone
    monkeypatch.setattr(module, "CHUNK", 4)
    assert hashes(images).tolist() == alone


def test_only_the_asked_rows_are_hashed_in_the_asked_order() -> None:
    images = tissue(6)
    assert hash_patches(images, np.array([4, 1]))[0].tolist() == hashes(images)[[4, 1]].tolist()


def test_the_contrast_is_the_spread_of_grey_levels() -> None:
    flat = np.full((1, 50, 50, 3), 200, np.uint8)
    assert hash_patches(flat, np.array([0]))[1][0] < 0.01
    images = tissue(3)
    np.testing.assert_allclose(hash_patches(images, np.arange(3))[1], [g.std() for g in grey_levels(images)], rtol=1e-3)


@pytest.mark.parametrize("change", ["jpeg", "brighter", "darker", "blurred"])
def test_a_patch_saved_again_stays_near(change: str) -> None:
    images = tissue(60)
    changed = {
        "jpeg": lambda x: cv2.imdecode(cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_COLOR),
        "brighter": lambda x: np.clip(x.astype(int) + 15, 0, 255).astype(np.uint8),
        "darker": lambda x: (x * 0.85).astype(np.uint8),
        "blurred": lambda x: cv2.GaussianBlur(x, (3, 3), 0),
    }[change]
    again = np.stack([changed(x) for x in images])
    assert np.quantile(np.bitwise_count(hashes(images) ^ hashes(again)), 0.9) <= 5
    assert correlation(block_means(grey_levels(images)), block_means(grey_levels(again))).min() > 0.95


def test_unrelated_patches_are_far_apart() -> None:
    one, two = hashes(tissue(100)), hashes(tissue(100, seed=1))
    assert np.bitwise_count(one ^ two).min() > 10


@settings(max_examples=60, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4),
    flips=st.lists(
        st.tuples(st.integers(0, 3), st.sets(st.integers(0, 63), max_size=7), st.integers(0, 2)), max_size=25
    ),
    max_bits=st.integers(0, 8),
)
def test_the_banded_search_finds_exactly_what_a_full_search_finds(
    seeds: list[int], flips: list[tuple[int, set[int], int]], max_bits: int
) -> None:
    values = [seeds[i % len(seeds)] ^ sum(1 << bit for bit in bits) for i, bits, _ in flips]
    groups = [group for _, _, group in flips]
    a, b, distance = near_pairs(np.array(values, np.uint64), np.array(groups, np.int64), max_bits)
    expected = {
        (i, j, (values[i] ^ values[j]).bit_count())
        for i, j in itertools.combinations(range(len(values)), 2)
        if groups[i] != groups[j] and (values[i] ^ values[j]).bit_count() <= max_bits
    }
    found = list(zip(a.tolist(), b.tolist(), distance.tolist(), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_block_means_are_means_of_blocks() -> None:
    grey = np.arange(200, dtype=np.float32).reshape(2, 10, 10)
    means = block_means(grey)
    assert means.shape == (2, 2, 2)
    assert means[1, 0, 1] == pytest.approx(grey[1, :5, 5:].mean())


def test_correlation_agrees_with_numpy_and_is_zero_without_contrast() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(6, 10, 10)).astype(np.float32)
    b = (a + rng.normal(size=a.shape)).astype(np.float32)
    expected = [np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(correlation(a, b), expected, atol=1e-5)
    assert correlation(np.ones_like(a), b).tolist() == [0] * 6
    assert correlation(a[:0], b[:0]).shape == (0,)
