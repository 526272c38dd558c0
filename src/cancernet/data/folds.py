"""Equal folds of patients or patches, alike in prevalence: what splits are put together from."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

import numpy as np
import pandas as pd

from cancernet.common.errors import UserError

LEAST_SHARE = 0.7  # of a patient's patches in the balance: enough to stay even, few enough to differ by seed
MAX_FOLDS = 20  # shares are met to 1/20; more folds would hold too few patients to be alike


def fold_shares(
    test_fraction: float, val_fraction: float, n_keys: int, *, what: str = "patient"
) -> tuple[int, int, int]:
    """Return (folds, folds that test, folds that validate) that come nearest to the asked shares.

    Args:
        test_fraction: 0 to 1, without the ends.
        val_fraction: the same; together under 1.
        n_keys: how many patients (or patches of the rarer class) there are, for each fold one at least.
        what: the word for one of them.

    Raises:
        UserError: fractions out of range, or fewer than three keys.
    """
    if not (0 < test_fraction < 1 and 0 < val_fraction < 1 and test_fraction + val_fraction < 1):
        raise UserError(f"fractions {test_fraction:g} (test) and {val_fraction:g} (val) leave nothing; try 0.2 and 0.2")
    if n_keys < 3:
        raise UserError(
            f"only {n_keys} {what}(s) to split: 3 or more are needed, one to train, one to validate, one to test on"
        )
    shares = [Fraction(f).limit_denominator(MAX_FOLDS) for f in (test_fraction, val_fraction)]
    n_folds = lcm(*(share.denominator for share in shares))
    if n_folds > MAX_FOLDS or n_folds < 3:
        n_folds = MAX_FOLDS
    n_folds = min(n_folds, n_keys)
    n_test, n_val = (max(1, round(share * n_folds)) for share in shares)
    while n_test + n_val > n_folds - 1:  # few keys: the larger side gives way to training
        n_test, n_val = (n_test - 1, n_val) if n_test >= n_val else (n_test, n_val - 1)
    return n_folds, n_test, n_val


def grouped_folds(table: pd.DataFrame, n_folds: int, seed: int) -> dict[str, int]:
    """Give each patient one of `n_folds` folds, alike in patches and in prevalence.

    scikit-learn's splitter places the largest patients first, each where it evens the folds out best, and
    would place them alike for nearly every seed. So only a share of each patient's patches, drawn by the
    seed, enters that balance: another seed then means another division, almost as even.

    Args:
        table: with `patient` and `label`.
        n_folds: at most the number of patients.
        seed: which of the many such divisions; the order of the rows does not matter.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    ordered = table[["patient", "label"]].sort_values(["patient", "label"], ignore_index=True)
    patients, labels = ordered["patient"].to_numpy(object), ordered["label"].to_numpy()
    _, index, count = np.unique(patients.astype(str), return_inverse=True, return_counts=True)
    rng = np.random.default_rng(seed)
    kept = rng.random(len(labels)) < rng.uniform(LEAST_SHARE, 1, len(count))[index]
    last = np.cumsum(count) - 1
    kept[last - count + 1] = kept[last] = True  # of each patient one patch of each of its classes
    patients, labels = patients[kept], labels[kept]
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed % 2**32)
    folds: dict[str, int] = {}
    for fold, (_, rows) in enumerate(splitter.split(labels, labels, patients)):
        folds.update(dict.fromkeys(patients[rows], fold))
    return folds


def stratified_folds(table: pd.DataFrame, n_folds: int, seed: int) -> dict[str, int]:
    """Give each path one of `n_folds` folds, alike in prevalence; see `grouped_folds`."""
    from sklearn.model_selection import StratifiedKFold

    ordered = table[["path", "label"]].sort_values("path", ignore_index=True)
    labels = ordered["label"].to_numpy()
    fold_of_row = np.zeros(len(labels), int)
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed % 2**32)
    for fold, (_, rows) in enumerate(splitter.split(labels, labels)):
        fold_of_row[rows] = fold
    return dict(zip(ordered["path"], fold_of_row.tolist(), strict=True))
