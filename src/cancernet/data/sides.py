"""What a split is: which patient is on which side, written as a small file with a hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from cancernet.common.errors import UserError
from cancernet.common.files import write_rows

SIDES = ("train", "val", "test")
ENOUGH = "pass more patients, or use --split-file to say who goes where"


@dataclass(frozen=True)
class Split:
    """Which patient (or, if not `patient_safe`, which path) is on which side."""

    name: str
    assignment: Mapping[str, str]  # patient or path -> "train", "val" or "test"
    patient_safe: bool
    seed: int | None = None
    notes: tuple[str, ...] = ()  # what a reader of the results has to know

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of the sorted lines `key,split`."""
        lines = sorted(f"{key},{side}\n" for key, side in self.assignment.items())
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def assign(split: Split, table: pd.DataFrame) -> pd.Series:
    """Return the side of each row: "train", "val", "test", or "" for one that the split leaves out."""
    key = table["patient" if split.patient_safe else "path"]
    return key.map(dict(split.assignment)).fillna("").astype("str").rename("split")


def write_split(split: Split, target: Path) -> None:
    """Write a split as CSV (`patient,split`, or `path,split` if not by patient), sorted by key."""
    key = "patient" if split.patient_safe else "path"
    write_rows(target, [(key, "split"), *sorted(split.assignment.items())])


def count_patients(table: pd.DataFrame) -> int:
    """Return how many patients the rows of a table name; patches of unknown patients count for none."""
    return int(table.loc[table["patient"] != "", "patient"].nunique())


def check_sides(table: pd.DataFrame, split: Split) -> Split:
    """Return `split` if it can be trained and tested on in `table`, with a note on a one-class test side.

    Raises:
        UserError: a side without patches, or training or validation patches of one class.
    """
    sides = assign(split, table)
    for side in SIDES:
        if not (sides == side).any():
            raise UserError(f"split {split.name}: no patch of this folder is in {side}; {ENOUGH}, or --split grouped")
    one_class = sides_of_one_class(table, split)
    for side in ("train", "val"):
        if side in one_class:
            raise UserError(f"split {split.name}: all {side} patches are of one class; {ENOUGH}")
    if "test" in one_class:
        note = "All test patches are of one class: AUC and other measures of both classes are undefined."
        return replace(split, notes=(*split.notes, note))
    return split


def sides_of_one_class(table: pd.DataFrame, split: Split) -> set[str]:
    """Return the sides whose patches are all of one class, or that have none."""
    classes = table["label"].groupby(assign(split, table)).nunique().reindex(SIDES, fill_value=0)
    return set(classes.index[classes < 2])
