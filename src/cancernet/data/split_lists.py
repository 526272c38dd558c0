"""Splits that somebody else has made: the official case lists, or a CSV file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from importlib import resources
from pathlib import Path

import pandas as pd

from cancernet.common.errors import UserError
from cancernet.common.limits import read_rows
from cancernet.common.text import restore
from cancernet.data.sides import SIDES, Split, check_sides

SEPARATORS = ",;\t|"
PATIENT_NAMES = ("patient", "patientid", "case", "caseid", "subject", "subjectid")  # what people call the columns
_SIDE = ("split", "set", "subset", "side", "partition", "fold")
_SIDES = {"train": "train", "training": "train", "test": "test", "testing": "test"} | dict.fromkeys(
    ("val", "valid", "validation", "dev", "development"), "val"
)


def official_cases() -> dict[str, list[str]]:
    """Return the official case lists: side -> patients (84 train, 29 val, 49 test).

    Source: Cruz-Roa et al. 2014; the lists as published by Janowczyk & Madabhushi 2016.
    """
    folder = resources.files("cancernet.data") / "cases"
    return {side: (folder / f"{side}.txt").read_text(encoding="utf-8").split() for side in SIDES}


def official_split(table: pd.DataFrame) -> Split:
    """Split by the official case lists; patients in none of them are left out, and both are noted.

    Raises:
        UserError: no patient of a list is present, or a side cannot be used.
    """
    cases = official_cases()
    present = set(table["patient"])
    if not present.intersection(cases["test"]):
        raise UserError("split official: none of the 49 official test cases is in this folder; use --split grouped")
    notes = []
    for side, listed in cases.items():
        absent = sorted(set(listed) - present)
        if absent:
            notes.append(f"Official {side} list: {len(absent)} of {len(listed)} cases absent: {some(absent)}.")
    return _split("official", table, {patient: side for side in cases for patient in cases[side]}, notes)


def split_from_file(table: pd.DataFrame, path: Path | str) -> Split:
    """Read a split from a CSV with the columns `patient` and `split` (train, val or test), or as people call them.

    Patients of the table that the file does not list are left out, and noted.

    Raises:
        UserError: unreadable file, missing column, a bad row (with its line), or a side that cannot be used.
    """
    path = Path(path)
    listed = _read(path)
    present = set(table["patient"])
    absent = sorted(set(listed) - present)
    refuse_lost_zeros(path, absent, present)
    if not present.intersection(listed):
        raise UserError(f"{path}: none of its {len(listed)} patients is in this folder; check the file, or the folder")
    told = f"{path.name}: {len(absent)} of {len(listed)} listed patients absent: {some(absent)}."
    return _split(f"file {path.name}", table, listed, [told] if absent else [])


def _read(path: Path) -> dict[str, str]:
    rows = read_rows(path, "the split file", SEPARATORS)  # spreadsheets write others than commas in some countries
    head = rows[0][1] if rows else []
    names = [re.sub(r"[^a-z]", "", name.casefold()) for name in head]
    whose, where_to = (
        next((names.index(name) for name in known if name in names), None) for known in (PATIENT_NAMES, _SIDE)
    )
    if whose is None and where_to is not None and "path" in names:
        raise UserError(f"{path}: is a split by patch; make one by patient, or pass --allow-patch-split instead")
    if whose is None or where_to is None:
        found = ",".join(head)[:100]
        raise UserError(f"{path}: needs the columns patient,split in its first line, and that is {found!r}")
    listed: dict[str, str] = {}
    for line, row in rows[1:]:
        cells = [*row, *[""] * len(head)]  # a row may lack its last cells
        patient, said = restore(cells[whose]), cells[where_to].lower()
        side = _SIDES.get(said, "")
        where = f"{path}, line {line}"
        if not patient:
            raise UserError(f"{where}: the patient is missing; name one, or delete the line")
        if not side:
            raise UserError(f"{where}: split {said!r} is unknown; use train, val or test")
        if listed.setdefault(patient, side) != side:
            raise UserError(f"{where}: patient {patient} is in {listed[patient]} already; keep one of the two lines")
    return listed


def refuse_lost_zeros(path: Path, absent: Collection[str], present: Collection[str]) -> None:
    """Refuse a list whose patients have lost their leading zeros: all of them would be left out."""
    plain = {patient.lstrip("0"): patient for patient in present if patient.startswith("0")}
    for patient in absent:
        if patient in plain:
            raise UserError(
                f"{path}: patient {patient} is not in this folder, and {plain[patient]} is: a spreadsheet took its "
                "zeros; write the column as text"
            )


def _split(name: str, table: pd.DataFrame, listed: Mapping[str, str], notes: list[str]) -> Split:
    """Return the split of those patients that are here, checked, with a note on those that no list has."""
    present = set(table["patient"])
    out = sorted(present.difference(listed))
    if out:
        notes = [*notes, f"{len(out)} patients of this folder are in no list and left out: {some(out)}."]
    assignment = {patient: side for patient, side in listed.items() if patient in present}
    return check_sides(table, Split(name, assignment, patient_safe=True, notes=tuple(notes)))


def some(names: list[str], n: int = 10) -> str:
    """Return the first names of a list, and how many more there are."""
    named = [name or "(unknown)" for name in names]
    return ", ".join(named[:n]) + (f" and {len(named) - n} more" if len(named) > n else "")
