"""Judgements as a table and as a labelled folder, made piece by piece while they are read from the database."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing

from cancernet.common.defaults import CLASS_NAMES
from cancernet.common.files import CsvWriter, safe_name
from cancernet.data.names import parse_name, relabelled
from cancernet.data.words import NUMBERS, class_of, is_no_patient
from cancernet.serve.database import Database
from cancernet.serve.judgement import COLUMNS

PIECE = 200_000  # bytes or so that are sent at once
LEFT_OUT = "README_left_out.csv"  # by that name it is taken for a document and not for a broken patch
LEFT_COLUMNS = ("path", "patient", "hash", "reason", "verdicts")
SAME_NAME = 8  # digits of its hash that keep the name of a patch from that of another
DATED = (1980, 1, 1, 0, 0, 0)  # all members: the same judgements are the same zip

_BY_PATCH = """SELECT hash, path, min(number), count(DISTINCT patient) AS patients, patient,
        count(DISTINCT verdict) AS opinions, verdict, group_concat(reader || ': ' || verdict, '; ') AS verdicts
    FROM (SELECT * FROM reviews WHERE :reader IN ('', reader) ORDER BY hash, reader) GROUP BY hash ORDER BY hash"""


def csv_pieces(database: Database) -> Iterator[bytes]:
    """Yield all judgements as CSV, UTF-8, the oldest first; see `CsvWriter`."""
    text = io.StringIO(newline="")
    writer = CsvWriter(text)
    writer.writerow(COLUMNS)
    with closing(database.reading()) as connection:
        for row in connection.execute(f"SELECT {', '.join(COLUMNS)} FROM reviews ORDER BY number"):  # noqa: S608
            writer.writerow("" if cell is None else cell for cell in row)
            if text.tell() > PIECE:
                yield _taken(text)
    yield _taken(text)


def zip_pieces(database: Database, reader: str = "") -> Iterator[bytes]:
    """Yield a zip of the patches that were judged, in folders PATIENT/benign and PATIENT/malignant.

    Patches that a reader leaves unsure, on which readers differ, or whose name says one patient here and another
    there, are left out, and listed in `LEFT_OUT`. Some 1 kB a patch is held meanwhile, for the table at the end of
    the zip; the patches are not.

    Args:
        database: where they are.
        reader: whose judgements alone; "" for all.
    """
    sink = _Sink()
    taken: dict[str, str] = {}
    with closing(database.reading()) as connection, zipfile.ZipFile(sink, "w") as archive:
        for row in connection.execute(_BY_PATCH, {"reader": reader}):
            name = "" if _reason(row) else _new_name(row, taken)
            if name:
                png = connection.execute("SELECT png FROM reviewed WHERE hash = ?", (row["hash"],)).fetchone()[0]
                archive.writestr(_member(name), png, compresslevel=0)
            if sink.size > PIECE:
                yield sink.take()
        with archive.open(_member(LEFT_OUT), "w") as file:
            text = io.StringIO(newline="")
            writer = CsvWriter(text)
            writer.writerow(LEFT_COLUMNS)
            for row in connection.execute(_BY_PATCH, {"reader": reader}):
                if reason := _reason(row) or ("" if _new_name(row, taken) else "another has its name"):
                    writer.writerow((row["path"], row["patient"], row["hash"], reason, row["verdicts"]))
                if text.tell() > PIECE:
                    file.write(_taken(text))
                    yield sink.take()
            file.write(_taken(text))
    yield sink.take()


def member_name(path: str, patient: str, verdict: str, digest: str) -> str:
    """Return where a patch goes in the zip, so that its place and its name say of patient and class what is known.

    Args:
        path: as the patch was sent.
        patient: whose it is; "" where unknown: then it lies in no patient's folder.
        verdict: benign or malignant.
        digest: hash of its pixels, in the name where that does not tell it from others.

    Example:
        >>> member_name("a/8863_idx5_x1_y51_class0.png", "8863", "malignant", "0f" * 16)
        '8863/malignant/8863_idx5_x1_y51_class1.png'
        >>> member_name("b/one.jpg", "", "benign", "0f" * 16)
        'benign/one-0f0f0f0f.png'
    """
    known, label = parse_name(path), CLASS_NAMES.index(verdict)
    stem = safe_name(relabelled(path, label))
    if known.x is None:
        stem = f"{stem}-{digest[:SAME_NAME]}"
    told = parse_name(f"{stem}.png")
    if told[:3] != known[:3] or told.label not in (None, label):
        stem = digest  # a name that had to be changed says something else
    is_folder = patient and safe_name(patient) == patient and not is_no_patient(patient)
    if is_folder and class_of(patient) is None and patient not in NUMBERS:
        return f"{patient}/{verdict}/{stem}.png"
    return f"{verdict}/{stem}.png"


def _reason(row: sqlite3.Row) -> str:
    if row["opinions"] > 1:
        return "readers differ"
    if row["verdict"] not in CLASS_NAMES:
        return "unsure"
    return "names say two patients" if row["patients"] > 1 else ""


def _new_name(row: sqlite3.Row, taken: dict[str, str]) -> str:
    """Return a name that no other has, also where small letters and capitals are the same; "" where it has one."""
    name = member_name(row["path"], row["patient"], row["verdict"], row["hash"])
    return name if taken.setdefault(name.casefold(), row["hash"]) == row["hash"] else ""


def _member(name: str) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name, DATED)
    made.compress_type = zipfile.ZIP_DEFLATED  # at level 0: where its end is told after a member, it cannot be stored
    made.external_attr = 0o644 << 16
    return made


def _taken(text: io.StringIO) -> bytes:
    content = text.getvalue().encode("utf-8", "replace")
    text.seek(0)
    text.truncate()
    return content


class _Sink(io.RawIOBase):
    """A file that nobody can go back in: what was written is taken away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]  # whatever zipfile writes
        self._parts.append(bytes(content))
        self.size += len(content)
        return len(content)

    def take(self) -> bytes:
        content = b"".join(self._parts)
        self._parts, self.size = [], 0
        return content
