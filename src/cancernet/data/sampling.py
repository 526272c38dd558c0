"""Fewer patches than there are: a cap for each patient, a limit for all; the same ones every time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet.common.errors import UserError


def cap_per_patient(table: pd.DataFrame, max_per_patient: int, seed: int) -> NDArray[np.int64]:
    """Choose at most `max_per_patient` random patches of each patient.

    Some patients have 30 times more patches than others and would otherwise rule what is learned.

    Args:
        table: with `patient`, one row a patch. Patches of an unknown patient ("") are all kept.
        max_per_patient: 1 or more.
        seed: which ones.

    Returns:
        Positions of the chosen rows, int64, ascending.

    Raises:
        UserError: `max_per_patient` under 1.
    """
    if max_per_patient < 1:
        raise UserError(f"--max-per-patient {max_per_patient}: must be 1 or more")
    keep = (_rank_within_patient(table, seed) < max_per_patient) | (table["patient"] == "").to_numpy()
    return np.flatnonzero(keep)


def limit(table: pd.DataFrame, n: int, seed: int) -> NDArray[np.int64]:
    """Choose `n` random patches, taking one of each patient before a second of any.

    Args:
        table: with `patient`, one row a patch.
        n: 1 or more; all patches if there are no more.
        seed: which ones.

    Returns:
        Positions of the chosen rows, int64, ascending.

    Raises:
        UserError: `n` under 1.
    """
    if n < 1:
        raise UserError(f"--limit {n}: must be 1 or more")
    rank = _rank_within_patient(table, seed)
    tie = np.random.default_rng([seed % 2**32, 1]).random(len(table))
    return np.sort(np.lexsort((tie, rank))[:n])


def stratified(table: pd.DataFrame, n: int, seed: int) -> NDArray[np.int64]:
    """Choose about `n` random patches, of each class of each patient the same share.

    What is measured on them is then what is measured on all, more coarsely: no patient is missing, and none weighs
    more than with all patches.

    Args:
        table: with `patient` and `label`, one row a patch.
        n: 1 or more; all patches if there are no more.
        seed: which ones.

    Returns:
        Positions of the chosen rows, int64, ascending; shares are rounded up, so by at most one a class of a patient
        more than `n`.

    Raises:
        UserError: `n` under 1.
    """
    if n < 1:
        raise UserError(f"{n} patches: must be 1 or more")
    keys = [table["patient"].to_numpy(object), table["label"].to_numpy()]
    order = np.random.default_rng([seed % 2**32, 0]).permutation(len(table))
    groups = pd.Series(order).groupby([key[order] for key in keys], sort=False)
    rank, size = np.empty((2, len(table)), np.int64)
    rank[order], size[order] = groups.cumcount(), groups.transform("size")
    return np.flatnonzero(rank * len(table) < size * min(n, len(table)))


def even(table: pd.DataFrame, n: int, seed: int) -> NDArray[np.int64]:
    """Choose `n` random patches, half of each class as far as they go, and of a class evenly over patients.

    Args:
        table: with `patient` and `label` (0 or 1), one row a patch.
        n: 2 or more; all patches if there are no more.
        seed: which ones.

    Returns:
        Positions of the chosen rows, int64, ascending.

    Raises:
        UserError: `n` under 2.
    """
    if n < 2:
        raise UserError(f"{n} patches: half of each class needs 2 or more")
    by_class = [np.flatnonzero(table["label"].to_numpy() == label) for label in (0, 1)]
    malignant = min(len(by_class[1]), max(n // 2, n - len(by_class[0])))
    wanted = (min(len(by_class[0]), n - malignant), malignant)
    chosen = [rows[limit(table.iloc[rows], k, seed)] for rows, k in zip(by_class, wanted, strict=True) if k]
    return np.sort(np.concatenate([np.empty(0, np.int64), *chosen]))


def _rank_within_patient(table: pd.DataFrame, seed: int) -> NDArray[np.int64]:
    """Return each row's place (from 0) in a random order of its patient's rows."""
    order = np.random.default_rng([seed % 2**32, 0]).permutation(len(table))
    shuffled = pd.Series(table["patient"].to_numpy()[order])
    rank = np.empty(len(table), np.int64)
    rank[order] = shuffled.groupby(shuffled, sort=False).cumcount().to_numpy()
    return rank
