"""errors.csv: the files that could not be used, with the reason, beside what came of the others."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from cancernet.atomic import replacing
from cancernet.errors import UserError

ERRORS = "errors.csv"
COLUMNS = ("path", "reason")


def refuse_others(path: Path) -> None:
    """Refuse to replace or remove an `errors.csv` that this package did not write.

    Raises:
        UserError: it is such a one.
    """
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        if file.readline().strip() != ",".join(COLUMNS):
            raise UserError(f"{path} is not ours and would be replaced; give --out in another folder")


def write_errors(path: Path, errors: Sequence[tuple[str, str]]) -> None:
    """Write the list: path and reason."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *errors])
