"""What else is known of patients: a CSV with the column patient and any others, as site, scanner, age band or grade."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cancernet.common.errors import UserError
from cancernet.common.limits import read_rows
from cancernet.common.text import restore
from cancernet.data.split_lists import PATIENT_NAMES, SEPARATORS, refuse_lost_zeros

WHAT = "the table of patients"
MOST_GROUPS = 20  # of a column: more cannot be told apart on a page, and hold few patients each
UNKNOWN = ""  # of an empty cell, or of a patient that the table lacks


@dataclass(frozen=True)
class Groups:
    """Which groups patients are in.

    Attributes:
        table: a row a patient, indexed by patient; a column a way to group them, `UNKNOWN` where not known.
        notes: sentences on what was left out.
    """

    table: pd.DataFrame
    notes: tuple[str, ...] = ()


def parse_column(text: str) -> tuple[Path, str]:
    """Return the file and the column that `CSV:COLUMN` names; "" where there is no column.

    Example:
        >>> parse_column("cohort.csv:site")
        (PosixPath('cohort.csv'), 'site')
    """
    file, colon, column = text.rpartition(":")
    if not colon or Path(text).expanduser().exists() or "/" in column or "\\" in column:  # a colon in a path
        return Path(text).expanduser(), ""
    return Path(file).expanduser(), column.strip()


def read_attributes(path: Path | str) -> pd.DataFrame:
    """Read what a CSV says of patients.

    Args:
        path: of the file; any usual separator, UTF-8 or UTF-16, the patient's column as people call it.

    Returns:
        a row a patient, indexed by patient, in the order of the file; the other columns as text, `UNKNOWN` where empty.

    Raises:
        UserError: an unreadable file, no column of patients or none beside it, a column twice or without a name, a row
            without a patient, or two rows of a patient that differ.
    """
    path = Path(path)
    rows = read_rows(path, WHAT, SEPARATORS)
    head = [restore(cell) for cell in rows[0][1]] if rows else []
    plain = [re.sub(r"[^a-z]", "", name.casefold()) for name in head]
    whose = next((plain.index(name) for name in PATIENT_NAMES if name in plain), None)
    if whose is None or len(head) < 2:
        raise UserError(
            f"{path}: needs the column patient and at least one more in its first line, and that is "
            f"{','.join(head)[:100]!r}"
        )
    others = [name for place, name in enumerate(head) if place != whose]
    for name in others:
        if not name or others.count(name) > 1:
            what = f"has the column {name!r} twice" if name else "has a column without a name"
            raise UserError(f"{path}: {what}; give each a name of its own")
    found: dict[str, tuple[str, ...]] = {}
    for line, row in rows[1:]:
        cells = [restore(cell) for cell in [*row, *[""] * len(head)][: len(head)]]
        patient = cells.pop(whose)
        if not patient:
            raise UserError(f"{path}, line {line}: the patient is missing; name one, or delete the line")
        if found.setdefault(patient, tuple(cells)) != tuple(cells):
            raise UserError(f"{path}, line {line}: patient {patient} has another row that differs; keep one of the two")
    if not found:
        raise UserError(f"{path}: has no row below its head; list the patients")
    return pd.DataFrame.from_dict(found, orient="index", columns=others, dtype="str")


def attributes_of(path: Path, patients: Collection[str]) -> pd.DataFrame:
    """Return the rows of a CSV of some patients; as `read_attributes` does it.

    Raises:
        UserError: as `read_attributes`; none of the patients is listed, or they have lost their leading zeros there.
    """
    table = read_attributes(path)
    present = {patient for patient in patients if patient}
    refuse_lost_zeros(path, sorted(set(table.index) - present), present)
    if not present.intersection(table.index):
        raise UserError(f"{path}: none of its {len(table)} patients is in this folder; check the file, or the folder")
    return table[table.index.isin(present)]


def column_of(path: Path, column: str, patients: Collection[str]) -> pd.Series:
    """Return the values (text, indexed by patient) of a column of a CSV for those of some patients that have one.

    Raises:
        UserError: as `attributes_of`; or there is no such column.
    """
    table = attributes_of(path, patients)
    if column not in table:
        named = f"no column {column!r}" if column else "no column named, as FILE.csv:COLUMN"
        raise UserError(f"{path}: {named}; there are {', '.join(table.columns)[:200]}")
    return table.loc[table[column] != UNKNOWN, column]


def read_groups(text: str, patients: Collection[str]) -> Groups:
    """Read the groups that some patients are in, of each column of a CSV that makes groups.

    Args:
        text: `CSV`, for all its columns, or `CSV:COLUMN` for one.
        patients: those at hand.

    Raises:
        UserError: as `column_of`; or no column has two values at least, and at most `MOST_GROUPS`.
    """
    path, column = parse_column(text)
    table = attributes_of(path, patients)
    if column:
        column_of(path, column, patients)  # refuses one that is not there
        table = table[[column]]
    counted = {str(name): len(set(table[name]) - {UNKNOWN}) for name in table}
    out = {
        name: "one value for all patients here"
        if n == 1
        else "no value"
        if not n
        else f"{n} values, over {MOST_GROUPS}"
        for name, n in counted.items()
        if not 1 < n <= MOST_GROUPS
    }
    told = "; ".join(f"{name} ({why})" for name, why in out.items())
    if len(out) == len(counted):
        raise UserError(f"{path}: no column makes groups: {told}; make bands of numbers, such as 50-59")
    notes = [f"{path.name}: columns that make no groups are left out: {told}."] if out else []
    lost = len({patient for patient in patients if patient} - set(table.index))
    if lost:
        notes.append(f"{path.name}: {lost} patients of this folder are not listed, and in no group.")
    return Groups(table.drop(columns=list(out)), tuple(notes))
