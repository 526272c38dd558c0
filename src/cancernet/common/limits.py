"""Files that somebody else has written, read within limits: plain files alone, of a size, in lines of a length.

A device or a pipe has no end, a link may lead to one, and a parser may fail on what no person would write. All that is
one line for the user, whatever the file is for.
"""

from __future__ import annotations

import csv
import io
import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import Any

from cancernet.common.errors import UserError

MOST_BYTES = 16_000_000  # of a file that a person writes; a list of all patients of the public set has 4 kB
MOST_CHARACTERS = 100_000  # of a line of a table; Python's csv ends at 131,072 a cell


def read_bytes(path: Path, what: str, most_bytes: int = MOST_BYTES) -> bytes:
    """Return what a file holds.

    Args:
        path: of the file.
        what: it is, for the message: "the split file".
        most_bytes: of the file; no more is read of one that has no end.

    Raises:
        UserError: it is absent, a folder, a device or a pipe, cannot be read, or is larger. Its cause is the OSError
            where there was one.
    """
    try:
        if path.is_dir():
            raise UserError(f"cannot read {what} {path}: it is a folder; name a file")
        if path.exists() and not path.is_file():
            raise UserError(f"cannot read {what} {path}: it is a device or a pipe; name a file")
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise UserError(f"cannot read {what} {path}: {error.strerror}; check the name") from error
    except ValueError as error:  # of a name that no file can have
        raise UserError(f"cannot read {what} {path}: {error}; check the name") from error
    if len(content) > most_bytes:
        raise UserError(f"cannot read {what} {path}: larger than {most_bytes / 1e6:g} MB; name the right file")
    return content


def read_text(path: Path, what: str, most_bytes: int = MOST_BYTES) -> str:
    """Return the text of a file, UTF-8 with or without a mark of its order, or UTF-16 with one, as `read_bytes` does.

    Raises:
        UserError: as `read_bytes`; or it is no such text.
    """
    content = read_bytes(path, what, most_bytes)
    try:
        text = content.decode("utf-16" if content[:2] in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # as in UTF-16 without its mark
        raise UserError(f"cannot read {what} {path}: it is not UTF-8 text; save it as that")
    return text


def read_rows(path: Path, what: str, separators: str = ",") -> list[tuple[int, list[str]]]:
    r"""Return the rows of a CSV: the line where each ends, from 1 on, and its cells without the space about them.

    Args:
        path: of the file.
        what: as for `read_bytes`.
        separators: that there may be; the one most often in the first line is taken.

    Raises:
        UserError: as `read_text`; or a line is longer than any person writes one.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = file.write_text("patient;split\n 07 ;train\n")
        >>> read_rows(file, "the split file", ",;")
        [(1, ['patient', 'split']), (2, ['07', 'train'])]
    """
    text = read_text(path, what)
    longest = max(map(len, text.splitlines()), default=0)
    if longest > MOST_CHARACTERS:
        raise UserError(f"cannot read {what} {path}: a line of {longest:,} characters; it is no table of this kind")
    head = next((line for line in text.splitlines() if line.strip()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(separators, key=head.count), skipinitialspace=True)
    try:
        return [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise UserError(f"cannot read {what} {path}, line {reader.line_num}: {error}; save it as CSV again") from None


def parse_object(content: bytes, what: str, path: Path) -> dict[str, Any]:
    """Return the JSON object that a file holds.

    Args:
        content: from `read_bytes`.
        what: as for `read_bytes`.
        path: of the file.

    Raises:
        UserError: it is no JSON, no object, or holds a number that is none (NaN, 1e999).
    """
    try:
        found = json.loads(content, parse_constant=_no_number, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise UserError(f"cannot read {what} {path}: {str(error)[:200]}; give a file that CancerNet wrote") from error
    if not isinstance(found, dict):
        raise UserError(f"cannot read {what} {path}: no object in JSON; give a file that CancerNet wrote")
    return found


def _number(text: str) -> float:
    value = float(text)
    return value if abs(value) < float("inf") else _no_number(text)


def _no_number(text: str) -> float:
    raise ValueError(f"{text[:20]} is no number")
