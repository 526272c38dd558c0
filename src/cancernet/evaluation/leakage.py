"""Proof that nothing the model learned from is in what it is scored on: patients, copies, near copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet.evaluation.perceptual_hash import block_means, correlation, grey_levels, hash_patches, near_pairs

NEAR_BITS = 5  # of 64; a patch saved again with loss differs in 0 to 4, unrelated tissue in about 32
NEAR_CORRELATION = 0.95  # of grey levels in 5x5 px blocks; confirms what the hash suggests
NEAR_MIN_SPREAD = 8  # grey levels, standard deviation; flatter patches are alike without being copies

_PAIR = ["path_a", "split_a", "path_b", "split_b"]


@dataclass(frozen=True)
class Leakage:
    """What crosses from one side of a split to another."""

    patients_shared: list[str]  # patients with patches on more than one side
    exact: pd.DataFrame  # path_a, split_a, path_b, split_b: the same pixels on two sides
    near: pd.DataFrame  # the same columns, distance (bits of 64): pixels that are all but the same
    n_checked: int  # patches compared for near copies (even, empty ones would all be alike)


def audit_leakage(images: NDArray[np.uint8], table: pd.DataFrame, split_of_row: pd.Series) -> Leakage:
    """Look for patients, equal patches and nearly equal patches on two sides of a split.

    Equal means equal pixels. Nearly equal (saved again with loss, another brightness, a small retouch)
    means perceptual hashes at most `NEAR_BITS` bits apart, and then grey levels, in blocks of
    5x5 px, correlated by at least `NEAR_CORRELATION`. Patches with little contrast are not compared.

    Args:
        images: uint8 RGB (N, 50, 50, 3); read a few thousand at a time, so it may be a memory map.
        table: one row an image, with path, patient and hash.
        split_of_row: side of each row; rows with "" are on none and are left out.
    """
    side = split_of_row.to_numpy(object)
    rows = np.flatnonzero(side != "")
    used = table.iloc[rows].reset_index(drop=True)
    used_side = pd.Series(side[rows], dtype=object)
    sides = used_side.groupby(used["patient"]).nunique()
    shared = sorted(sides.index[(sides > 1) & (sides.index != "")])
    exact = _exact(used, used_side)
    near, n_checked = _near(images, rows, used, pd.factorize(used_side)[0])
    return Leakage(shared, _named(exact, used, used_side), near.pipe(_named, used, used_side), n_checked)


def _exact(table: pd.DataFrame, side: pd.Series) -> pd.DataFrame:
    """Pair the first row of some pixels with every row of the same pixels on another side."""
    hashes = table["hash"].astype(object)
    crossing = side.groupby(hashes).transform("nunique") > 1
    firsts = pd.DataFrame({"hash": hashes, "side": side, "a": table.index})[crossing]
    firsts = firsts.drop_duplicates(["hash", "side"])
    others = pd.DataFrame({"hash": hashes, "side": side, "b": table.index})[crossing]
    pairs = firsts.drop_duplicates("hash").merge(others, on="hash")
    return pairs[pairs["side_x"] != pairs["side_y"]][["a", "b"]]


def _near(
    images: NDArray[np.uint8], rows: NDArray[np.int64], table: pd.DataFrame, side: NDArray[np.int64]
) -> tuple[pd.DataFrame, int]:
    """Return pairs (a, b, distance) of nearly equal rows on two sides, and how many rows were compared."""
    hashes, contrast = hash_patches(images, rows)
    checked = np.flatnonzero(contrast >= NEAR_MIN_SPREAD)
    a, b, distance = near_pairs(hashes[checked], side[checked], NEAR_BITS)
    a, b = checked[a], checked[b]
    digest = table["hash"].to_numpy(object)
    differ = digest[a] != digest[b]  # the equal ones are listed already
    a, b, distance = a[differ], b[differ], distance[differ]
    alike = np.zeros(len(a), bool)
    for start in range(0, len(a), 2000):
        part = slice(start, start + 2000)
        one, two = (block_means(grey_levels(images[rows[pairs[part]]])) for pairs in (a, b))
        alike[part] = correlation(one, two) >= NEAR_CORRELATION
    found = pd.DataFrame({"a": a[alike], "b": b[alike], "distance": distance[alike]})
    return found.sort_values(["distance", "a", "b"]), len(checked)


def _named(pairs: pd.DataFrame, table: pd.DataFrame, side: pd.Series) -> pd.DataFrame:
    """Turn row numbers into paths and sides."""
    named = pd.DataFrame(
        {
            "path_a": table["path"].to_numpy(object)[pairs["a"]],
            "split_a": side.to_numpy(object)[pairs["a"]],
            "path_b": table["path"].to_numpy(object)[pairs["b"]],
            "split_b": side.to_numpy(object)[pairs["b"]],
        },
        dtype="str",
    )[_PAIR]
    return named.assign(distance=pairs["distance"].to_numpy()) if "distance" in pairs else named
