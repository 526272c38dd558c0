"""Splits: patients kept apart at random, by the official lists or by a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.data.attributes import column_of, parse_column
from cancernet.data.folds import MAX_FOLDS, fold_shares, grouped_folds, stratified_folds
from cancernet.data.sides import ENOUGH, Split, check_sides, sides_of_one_class
from cancernet.data.split_lists import official_split, some, split_from_file

KINDS = ("grouped", "official", "kfold", "column", "patch")
ATTEMPTS = 20  # at a division in which each side has both classes


@dataclass(frozen=True)
class SplitChoice:
    """Which split to make.

    Attributes:
        kind: by patient (`grouped`), the official case lists (`official`), one fold of a k-fold by patient (`kfold`),
            all patients with some values of a column held out, as those of a site (`column`), or patches at random
            (`patch`, which needs `allow_patch_split`).
        file: a CSV of patient and split, in place of a kind.
        folds: of `kfold`.
        fold: which of them tests, from 1.
        split_by: `CSV:COLUMN` of `column`: a table of patients, and which of its columns.
        test_values: of `column`: the values to test on.
        test_fraction: share of the patches to test on (`grouped`, `patch`).
        val_fraction: share that chooses epochs and thresholds (`grouped`, `column`, `patch`).
        allow_patch_split: go on where patients are unknown; every output then says so.
        seed: of the draw.
    """

    kind: str = "grouped"
    file: Path | None = None
    folds: int = 5
    fold: int = 1
    split_by: str | None = None
    test_values: tuple[str, ...] = ()
    test_fraction: float = defaults.TEST_FRACTION
    val_fraction: float = defaults.VAL_FRACTION
    allow_patch_split: bool = False
    seed: int = defaults.SEED

    @classmethod
    def of(cls, choice: SplitChoice | Path | str) -> SplitChoice:
        """Return a choice as it is, or of the name of a kind or the path of a CSV."""
        if isinstance(choice, SplitChoice):
            return choice
        return cls(kind=str(choice)) if choice in KINDS else cls(file=Path(choice))


def choose_split(table: pd.DataFrame, choice: SplitChoice) -> Split:
    """Make the split that was chosen.

    Args:
        table: with `path`, `patient` and `label`, one row a patch.
        choice: which.

    Raises:
        UserError: the split cannot be made from these patients, contradicts itself, or is unsafe and was not allowed.
    """
    if choice.kind not in KINDS:
        raise UserError(f"split {choice.kind!r} is unknown; there are {', '.join(KINDS)}")
    if choice.file and choice.kind != "grouped":
        raise UserError(f"--split-file and --split {choice.kind} are two splits; give one of them")
    if (choice.split_by or choice.test_values) and choice.kind != "column":
        raise UserError("--split-by and --test-value are of --split column; add that, or leave them away")
    fractions = {"test_fraction": choice.test_fraction, "val_fraction": choice.val_fraction}
    unknown = not table["patient"].astype(bool).all()
    if choice.kind == "patch" or (unknown and choice.allow_patch_split):
        if not choice.allow_patch_split:
            raise UserError(
                "--split patch puts a patient on several sides and inflates every score; add --allow-patch-split"
            )
        if choice.file or choice.kind in ("official", "kfold", "column"):
            asked = "--split-file" if choice.file else f"--split {choice.kind}"
            raise UserError(
                f"{asked} is by patient, and some patients here are unknown; leave it away to split by patch, or "
                "name the patients"
            )
        return patch_split(table, seed=choice.seed, **fractions)
    if choice.file:
        return split_from_file(table, choice.file)
    if choice.kind == "official":
        return official_split(table)
    if choice.kind == "kfold":
        if not 1 <= choice.fold <= choice.folds:
            raise UserError(f"--fold {choice.fold}: there are {choice.folds} folds")
        return kfold(table, choice.folds, choice.seed)[choice.fold - 1]
    if choice.kind == "column":
        return column_split(
            table, choice.split_by or "", choice.test_values, seed=choice.seed, val_fraction=choice.val_fraction
        )
    return grouped_split(table, seed=choice.seed, **fractions)


def grouped_split(table: pd.DataFrame, *, seed: int, test_fraction: float, val_fraction: float) -> Split:
    """Split by patient, the sides alike in prevalence and near the asked shares of patches.

    Args:
        table: with `patient` and `label`, one row a patch.
        seed: which of the many such splits; the order of the rows does not matter.
        test_fraction: share of the patches to test on, 0 to 1.
        val_fraction: share of the patches that choose epochs and thresholds.

    Raises:
        UserError: an unknown patient, a single class, or too few patients for three sides with both classes.

    Source: StratifiedGroupKFold of scikit-learn.
    """
    _require_patients(table)
    _require_classes(table)
    n_folds, n_test, n_val = fold_shares(test_fraction, val_fraction, table["patient"].nunique())
    for attempt in range(ATTEMPTS):  # with few patients a side may come out with one class
        sides = _sides(grouped_folds(table, n_folds, seed + 1000 * attempt), n_test, n_val)
        split = Split(f"grouped, seed {seed}", sides, patient_safe=True, seed=seed)
        if not sides_of_one_class(table, split):
            return split
    raise UserError(f"too few patients have both classes to give each side of the split both; {ENOUGH}")


def column_split(
    table: pd.DataFrame, split_by: str, test_values: Sequence[str], *, seed: int, val_fraction: float
) -> Split:
    """Test on all patients with some values of a column, as a site; divide the others by patient in train and val.

    Args:
        table: with `patient` and `label`, one row a patch.
        split_by: `CSV:COLUMN`, a table of patients and a column of it.
        test_values: of that column; patients without a value are left out, and noted.
        seed: of the division in train and val.
        val_fraction: share of all patches that choose epochs and thresholds.

    Raises:
        UserError: an unreadable table, no such column, values that no patient here has or that all have, or sides that
            cannot be made.
    """
    _require_patients(table)
    file, column = parse_column(split_by)
    if not split_by or not column:
        raise UserError("--split column needs --split-by FILE.csv:COLUMN, a table of patients and a column of it")
    value = column_of(file, column, set(table["patient"]))
    have = "; ".join(f"{each} ({n} patients)" for each, n in value.value_counts().items())
    lost = [each for each in test_values if each not in set(value)]
    if lost or not test_values:
        what = f"no patient here has {column} {lost[0]!r}" if lost else f"--test-value says which {column} to test on"
        raise UserError(f"{file}: {what}; there are {have[:300]}")
    tested = value.index[value.isin(test_values)]
    rest = table[table["patient"].isin(value.index.difference(tested))]
    if rest.empty:
        raise UserError(f"{file}: every patient here has one of the values to test on; leave some to train on")
    _require_classes(rest)
    n_folds = min(MAX_FOLDS, rest["patient"].nunique())
    if n_folds < 2 or not 0 < val_fraction < 1:
        raise UserError(
            f"column {column}: {n_folds} patient(s) and a val share of {val_fraction:g} leave none to train on"
        )
    n_val = min(max(1, round(val_fraction * len(table) / len(rest) * n_folds)), n_folds // 2)
    name = f"column {column}, test on {' and '.join(test_values)}, seed {seed}"
    left = sorted(set(table["patient"]).difference(value.index))
    notes = [
        f"Test patients are those of {column} {' or '.join(test_values)} in {file.name}; train and val are patients of "
        f"{', '.join(sorted(set(value.drop(tested))))[:200]}."
    ]
    if left:
        notes.append(f"{len(left)} patients have no {column} in {file.name} and are left out: {some(left)}.")
    for attempt in range(ATTEMPTS):
        sides = _sides(grouped_folds(rest, n_folds, seed + 1000 * attempt), 0, n_val) | dict.fromkeys(tested, "test")
        split = Split(name, sides, patient_safe=True, seed=seed, notes=tuple(notes))
        if not sides_of_one_class(table, split) - {"test"}:
            return check_sides(table, split)
    raise UserError(f"too few patients of other {column}s have both classes to give train and val both; {ENOUGH}")


def kfold(table: pd.DataFrame, k: int, seed: int) -> list[Split]:
    """Return `k` splits by patient: each patient is tested on once, and validates once.

    Raises:
        UserError: k under 3, fewer patients than k, an unknown patient, a single class.
    """
    if k < 3:
        raise UserError(f"{k} folds are too few: one tests, one validates, one at least trains; use 3 or more")
    _require_patients(table)
    _require_classes(table)
    if table["patient"].nunique() < k:
        raise UserError(f"{table['patient'].nunique()} patients are fewer than {k} folds; use fewer folds")
    folds = grouped_folds(table, k, seed)
    splits = []
    for test in range(k):
        sides = _sides({key: (fold - test) % k for key, fold in folds.items()}, 1, 1)
        splits.append(Split(f"fold {test + 1} of {k}, seed {seed}", sides, patient_safe=True, seed=seed))
    return splits


def patch_split(table: pd.DataFrame, *, seed: int, test_fraction: float, val_fraction: float) -> Split:
    """Split by patch, for data whose patients are unknown; every score from it is too high.

    Raises:
        UserError: a single class, or fewer patches than the split needs.
    """
    _require_classes(table)
    rarest = int(table["label"].value_counts().min())
    n_folds, n_test, n_val = fold_shares(test_fraction, val_fraction, rarest, what="patch")
    sides = _sides(stratified_folds(table, n_folds, seed), n_test, n_val)
    note = "Split by patch, not by patient: a patient is on several sides, so every score is too high."
    return Split(f"patch, seed {seed}", sides, patient_safe=False, seed=seed, notes=(note,))


def _sides(folds: Mapping[str, int], n_test: int, n_val: int) -> dict[str, str]:
    """Give the first folds to test on and the next to validate on."""
    names = ["test"] * n_test + ["val"] * n_val
    return {key: names[fold] if fold < len(names) else "train" for key, fold in folds.items()}


def _require_patients(table: pd.DataFrame) -> None:
    unknown = int((table["patient"] == "").sum())
    if unknown:
        raise UserError(
            f"the patient of {unknown:,} of {len(table):,} patches is unknown, so they cannot be split by "
            "patient; name files PATIENT_idx5_xX_yY_classC.png, or pass --allow-patch-split (scores too high)"
        )


def _require_classes(table: pd.DataFrame) -> None:
    labels = table["label"].unique()
    if len(labels) < 2:
        what = f"all {len(table):,} patches are of class {labels[0]}" if len(labels) else "there are no patches"
        raise UserError(f"{what}; training needs both classes, 0 (benign) and 1 (malignant)")
