"""64-bit fingerprints of patches that stay nearly the same when a patch is saved again or brightened.

The hash is the sign of the lowest frequencies of a cosine transform against their median (Zauner 2010,
"Implementation and benchmarking of perceptual image hash functions"), as matrix products over many
patches at once.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

CHUNK = 2000  # patches at a time: 20 MB of grey levels


def grey_levels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return grey levels, float32 (n, height, width), 0 to 255, of uint8 RGB (n, height, width, 3)."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as OpenCV and Pillow have it
    return images.astype(np.float32) @ weights


def block_means(grey: NDArray[np.float32], side: int = 5) -> NDArray[np.float32]:
    """Average blocks of side x side px: float32 (n, height // side, width // side).

    Saving with loss and blurring change single pixels by a lot and these means hardly at all.
    """
    n, height, width = len(grey), grey.shape[1] // side, grey.shape[2] // side
    return grey[:, : height * side, : width * side].reshape(n, height, side, width, side).mean(axis=(2, 4))


def hash_patches(images: NDArray[np.uint8], rows: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Hash the patches `images[rows]`.

    Args:
        images: uint8 RGB (N, size, size, 3), possibly a memory map.
        rows: (n,) which ones.

    Returns:
        Hashes, uint64 (n,), and the standard deviation of each patch's grey levels, float32 (n,).
    """
    basis = _cosines(images.shape[1], 8)
    hashes = np.empty(len(rows), np.uint64)
    contrast = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        grey = grey_levels(images[rows[part]])
        contrast[part] = grey.std(axis=(1, 2))
        low = (basis @ grey @ basis.T).reshape(len(grey), 64)
        bits = low > np.median(low[:, 1:], axis=1, keepdims=True)  # without the mean, which is far off
        hashes[part] = np.packbits(bits, axis=1).view(np.uint64)[:, 0]
    return hashes, contrast


def near_pairs(
    hashes: NDArray[np.uint64], group: NDArray[np.int64], max_bits: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Find all pairs of different groups whose hashes differ in at most `max_bits` bits.

    Hashes that differ in k bits agree wholly in at least two of k+2 bands (pigeonhole), so only rows that are equal in
    two bands are compared: exact, and without looking at all n^2 pairs. One band of k+1 would do and be shared by so
    many rows by chance that time grows with n^1.4 at 30,000 patches; two are shared by few, and sorting is what counts.

    Returns:
        Positions a < b, int64, and their distance in bits; each pair once, in order.
    """
    found: list[NDArray[np.int64]] = []
    edges = np.linspace(0, 64, max_bits + 3).astype(int).tolist()
    bands = [np.uint64((1 << high) - (1 << low)) for low, high in pairwise(edges)]
    for first, second in combinations(bands, 2):
        band = hashes & (first | second)
        order = np.argsort(band, kind="stable")
        sorted_band, sorted_hash, sorted_group = band[order], hashes[order], group[order]
        left = np.arange(len(order))
        for step in range(1, len(order)):  # row i against i + step, for as long as they share the band
            left = left[left < len(order) - step]
            left = left[sorted_band[left] == sorted_band[left + step]]
            if not len(left):
                break
            across = left[sorted_group[left] != sorted_group[left + step]]
            close = across[np.bitwise_count(sorted_hash[across] ^ sorted_hash[across + step]) <= max_bits]
            found.append(np.stack([order[close], order[close + step]], axis=1))
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *found])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1], np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]])


def correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return Pearson's correlation of each pair of patches, (n, height, width) each; 0 without contrast."""
    a, b = (x - x.mean(axis=(1, 2), keepdims=True) for x in (a, b))
    scale = np.sqrt((a * a).sum(axis=(1, 2)) * (b * b).sum(axis=(1, 2)))
    return np.divide((a * b).sum(axis=(1, 2)), scale, out=np.zeros(len(a), np.float32), where=scale > 0)


def _cosines(size: int, n: int) -> NDArray[np.float32]:
    """Return the first `n` cosines of the type II transform of `size` points, float32 (n, size)."""
    return np.cos(np.pi * np.arange(n)[:, None] * (np.arange(size) + 0.5) / size).astype(np.float32)
