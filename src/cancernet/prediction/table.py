"""predictions.csv, and the list of files that could not be used beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cancernet.common.errors import UserError
from cancernet.common.files import CsvWriter, write_rows
from cancernet.common.output import ERROR_COLUMNS, ERRORS
from cancernet.common.output_file import check_file, output_file
from cancernet.prediction.answer import COLUMNS

MARK, ERRORS_MARK = ",".join(COLUMNS[:6]), ",".join(ERROR_COLUMNS)  # by which files of ours are known


def check_out(out: Path, inputs: Sequence[Path]) -> None:
    """Refuse a CSV that must not be written, before the work and not after it.

    Raises:
        UserError: it is an input or another program's, or has the name of the list of errors.
    """
    if out.name == ERRORS:
        raise UserError(f"--out {out}: that name is for the files that could not be used; give another")
    check_file(out, MARK, inputs=inputs)
    check_file(out.with_name(ERRORS), ERRORS_MARK, inputs=inputs)


@contextmanager
def table_file(out: Path, inputs: Sequence[Path] = ()) -> Iterator[CsvWriter]:
    """Give what writes the rows of a CSV, which is there when all went well."""
    with output_file(out, MARK, inputs=inputs) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        yield CsvWriter(file)


def write_failures(out: Path, failed: Sequence[tuple[str, str]]) -> None:
    """Write path and reason of the files that could not be used beside a CSV; remove an earlier list."""
    listed = out.with_name(ERRORS)
    listed.unlink(missing_ok=True)
    if failed:
        write_rows(listed, [ERROR_COLUMNS, *failed])
