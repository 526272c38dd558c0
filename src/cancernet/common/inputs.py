"""Files, folders and zips that a user names, and the list of those in them that could not be used."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cancernet.common.atomic import replacing
from cancernet.common.defaults import SYNTHETIC_MARKER
from cancernet.common.errors import UserError
from cancernet.data.source import Member, Source, open_source

ERRORS = "errors.csv"  # beside what is written
ERROR_COLUMNS = ("path", "reason")
PAGE_MARK = '<meta name="generator" content="CancerNet">'  # in the head of every page that replaces one


class Input(NamedTuple):
    """One path that a user named: what stands before its members' names in a table, and where they are read."""

    prefix: str
    source: Source
    members: list[Member]


def open_inputs(paths: Sequence[Path]) -> list[Input]:
    """Open image files, folders and zips, and list what they hold.

    Raises:
        UserError: one is not there or cannot be read.
    """
    found = []
    for path in paths:
        source = open_source(path)
        prefix = "" if len(paths) == 1 and not path.is_file() else _prefix(path)
        found.append(Input(prefix, source, _images(source.members())))
    return found


def refuse_other_errors(path: Path) -> None:
    """Refuse to replace or remove an `errors.csv` that this package did not write.

    Raises:
        UserError: there is one.
    """
    refuse_other(path, ",".join(ERROR_COLUMNS))


def refuse_other(path: Path, mark: str = PAGE_MARK) -> None:
    """Refuse to replace a file that this package did not write.

    Args:
        path: of the file, which need not exist.
        mark: what the first thousand characters of ours hold.

    Raises:
        UserError: there is another.
    """
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        if mark not in file.read(1000):
            raise UserError(f"{path} is not ours and would be replaced; give --out in another folder")


def refuse_inside(out: Path, roots: Sequence[Path]) -> None:
    """Refuse to write among what is read: a second run would read the results of the first.

    Raises:
        UserError: `out` lies in one of the folders.
    """
    for root in roots:
        if root.is_dir() and out.resolve().is_relative_to(root.resolve()):
            raise UserError(f"--out {out} lies inside {root}, which is read; give a folder outside of it")


def write_errors(path: Path, errors: Sequence[tuple[str, str]]) -> None:
    """Write path and reason of each file that could not be used; remove an earlier list where there is none."""
    if not errors:
        path.unlink(missing_ok=True)
        return
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([ERROR_COLUMNS, *errors])


def _images(members: list[Member]) -> list[Member]:
    """Leave out the note that marks a generated sample; every other file is an image or an error."""
    return [member for member in members if member.path.rpartition("/")[2] != SYNTHETIC_MARKER]


def _prefix(path: Path) -> str:
    """What stands before a member's name: the folder of a file, or the folder or zip itself."""
    folder = path.parent if path.is_file() and path.suffix.lower() != ".zip" else path
    return "" if str(folder) == "." else f"{folder.as_posix()}/"
