"""The cohort as a result: all slides of a folder in one table and on one page, with those that failed.

It is made of what lies in the folder, one summary after the other, so it is the same whoever mapped the slides, in how
many runs or processes, and memory holds a row a slide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path, PurePath

from cancernet.common.errors import UserError
from cancernet.common.files import read_csv, write_rows
from cancernet.common.output import ERROR_COLUMNS, ERRORS, Output
from cancernet.slide.cohort_page import write_page
from cancernet.slide.cohort_row import STATUSES, UNFINISHED, Row, failed_row, mapped_row

PAGE, TABLE, PARQUET = "cohort.html", "cohort.csv", "cohort.parquet"
FILES = (PAGE, TABLE, PARQUET)
BEFORE = "index.html"  # the page of earlier versions
COLUMNS = tuple(field.name for field in fields(Row))
COUNTS = ("patches", "patches_malignant", "patches_benign", "patches_unsure")
TEXTS = tuple(field.name for field in fields(Row) if field.type == "str")


def mapped_rows(folder: Path) -> list[Row]:
    """Return a row of every slide that has a folder in this one, of this run and earlier ones, by the folder's name.

    Raises:
        UserError: a folder was written by a newer CancerNet.
    """
    return [mapped_row(child.folder, child.owner) for child in Output(folder, "slide").children()]


def cohort_rows(folder: Path) -> list[Row]:
    """Return a row of every slide that a run into `folder` met: by the folders in it, and by its list of errors.

    Raises:
        UserError: there is no such folder, or a list of errors that cannot be read.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give one that `cancernet slide` wrote")
    failed: list[tuple[str, str]] = []
    if (folder / ERRORS).exists():
        try:
            table = read_csv(folder / ERRORS, texts=ERROR_COLUMNS)
            failed = list(zip(*(table[name].tolist() for name in ERROR_COLUMNS), strict=True))
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"cannot read {folder / ERRORS}: {error}; map the slides again") from error
    return joined(mapped_rows(folder), failed)


def joined(
    rows: Sequence[Row], failed: Sequence[tuple[str, str]], patients: Mapping[str, str] | None = None
) -> list[Row]:
    """Return the rows of a cohort, those first that somebody has to look at, then by name.

    Args:
        rows: from `mapped_rows`.
        failed: path and reason of what could not be mapped.
        patients: of slides by their path, as it stands in `failed`; those of mapped slides stand in their summaries.
    """
    known = patients or {}
    # a slide that failed may have a folder, of an earlier state of it: what failed it says more than "not finished"
    told = {_parts(path) for path, _ in failed}
    kept = [row for row in rows if row.reason != UNFINISHED or told.isdisjoint(_ends(row.path))]
    made = [*kept, *(failed_row(path, reason, known.get(path, "")) for path, reason in failed)]
    return sorted(made, key=lambda row: (STATUSES.index(row.status), row.slide, row.folder, row.path))


def write_cohort(
    output: Output,
    rows: Sequence[Row],
    failed: Sequence[tuple[str, str]] = (),
    *,
    tables: Sequence[str] = (),
    patients: Mapping[str, str] | None = None,
) -> None:
    """Write cohort.csv and cohort.html, and with "parquet" among `tables` cohort.parquet, which is removed otherwise.

    Args:
        output: the folder of the cohort.
        rows: from `mapped_rows`, or, with nothing `failed` besides, from `cohort_rows`.
        failed: as `joined`.
        tables: formats beside the CSV.
        patients: as `joined`.
    """
    made = joined(rows, failed, patients)
    output.remove(BEFORE)
    write_rows(output.path(TABLE), [COLUMNS, *map(astuple, made)])
    if "parquet" in tables:
        _write_parquet(output, made)
    else:
        output.remove(PARQUET)
    write_page(output, PAGE, made, table=TABLE)


def _write_parquet(output: Output, rows: Sequence[Row]) -> None:
    import pandas as pd

    table = pd.DataFrame([astuple(row) for row in rows], columns=COLUMNS)
    kinds = {name: "str" if name in TEXTS else "Int64" if name in COUNTS else "float64" for name in COLUMNS}
    with output.writing(PARQUET) as temporary:
        table.astype({**kinds, "synthetic": "boolean"}).to_parquet(temporary, engine="pyarrow", index=False)


def _parts(path: str) -> tuple[str, ...]:
    """The path without what stands for a place and is none: the list of errors has it as the user wrote it."""
    return tuple(part for part in PurePath(path).parts if part not in (".", ".."))


def _ends(path: str) -> set[tuple[str, ...]]:
    """All that a path may be called from some folder: its last part, its last two parts, and so on."""
    parts = PurePath(path).parts
    return {parts[-n:] for n in range(1, len(parts) + 1)}
