"""A user's list of whose each patch is: a CSV with the columns path (or pattern) and patient."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cancernet.common.errors import UserError
from cancernet.common.limits import read_rows
from cancernet.common.text import restore
from cancernet.data.split_lists import PATIENT_NAMES, SEPARATORS

WHAT = "the list of patients"
_PATHS = ("path", "pattern", "file", "filename", "image")  # names of the first column


class Whose(NamedTuple):
    """The patient of each path that a list names, and what a reader of the results has to know of it."""

    patients: dict[str, str]
    notes: list[str]


def read_patients(file: Path, paths: Sequence[str]) -> Whose:
    """Look up whose patches some paths are.

    A row names a path, relative to the folder or zip, or a shell pattern over such paths (`8863/*`, `*/caseA_*.png`,
    where `*` stands for folders too). Of several rows that fit a path, one with the path itself counts, or else the
    first.

    Args:
        file: CSV with a head; the separator is found.
        paths: all there are, "/" between folders.

    Raises:
        UserError: an unreadable file, a missing column, a row without a patient, two patients of one path, or no row
            that fits any path.
    """
    rows = _rows(file)
    known = set(paths)
    exact: dict[str, str] = {}
    patterns: dict[str, str] = {}
    lost: list[str] = []
    for line, path, patient in rows:
        if path in known:
            target = exact
        elif any(c in path for c in "*?["):
            target = patterns
        else:
            lost.append(path)
            continue
        if target.setdefault(path, patient) != patient:
            raise UserError(f"{file}, line {line}: {path} is of {target[path]} already; keep one of the two lines")
    found, used = _match(patterns, paths)
    lost += [pattern for pattern in patterns if pattern not in used]
    found |= exact
    if not found:
        raise UserError(
            f"{file}: none of its {len(rows):,} rows fits a patch (the first is {rows[0][1]!r}); give paths "
            f"as in catalog.csv ({min(paths, default='')}), or patterns over them"
        )
    notes = []
    if lost:
        notes.append(f"{file.name}: {len(lost):,} of {len(rows):,} rows fit no patch (such as {lost[0]}).")
    missing = [path for path in paths if path not in found]
    if missing:
        notes.append(f"{file.name}: {len(missing):,} of {len(paths):,} files are in no row (such as {missing[0]}).")
    return Whose(found, notes)


def _rows(file: Path) -> list[tuple[int, str, str]]:
    """Return line, path and patient of each row."""
    rows = read_rows(file, WHAT, SEPARATORS)
    head = [re.sub(r"[^a-z]", "", cell.casefold()) for cell in rows[0][1]] if rows else []
    at = [next((head.index(name) for name in names if name in head), None) for names in (_PATHS, PATIENT_NAMES)]
    if at[0] is None or at[1] is None:
        seen = ",".join(rows[0][1])[:100] if rows else ""
        raise UserError(f"{file}: needs the columns path,patient in its first line, and that is {seen!r}")
    found = []
    for line, cells in rows[1:]:
        path, patient = (restore(cells[i]) if i < len(cells) else "" for i in (at[0], at[1]))
        if not path or not patient:
            raise UserError(
                f"{file}, line {line}: the {'patient' if path else 'path'} is missing; fill it in, or delete the line"
            )
        found.append((line, path.replace("\\", "/").removeprefix("./"), patient))
    if not found:
        raise UserError(f"{file}: has no row below its head; list the patches, path,patient")
    return found


def _match(patterns: dict[str, str], paths: Sequence[str]) -> tuple[dict[str, str], set[str]]:
    """Return the patient of each path that a pattern fits, and the patterns that fit one."""
    if not patterns:
        return {}, set()
    names = list(patterns)
    # One expression of all, so that the work on a path is done within `re`; the first that fits tells its number.
    fits = re.compile("|".join(f"({fnmatch.translate(name)})" for name in names)).match
    found, used = {}, set()
    for path in paths:
        match = fits(path)
        if match is not None:
            name = names[(match.lastindex or 1) - 1]
            used.add(name)
            found[path] = patterns[name]
    return found, used
