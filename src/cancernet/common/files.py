"""Files that are either whole or absent: write beside the target, then rename over it."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TextIO, TypeVar

import msgspec

from cancernet.common.errors import UserError
from cancernet.common.limits import read_bytes
from cancernet.common.text import defuse, printable, restore, utf8

if TYPE_CHECKING:  # writing a text needs neither
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

T = TypeVar("T")

MAX_NAME = 100  # characters of a folder's name; file systems end at 255 bytes, and suffixes are added
TEMPORARY = re.compile(r"(\..*\.)[0-9a-f]{12}(\.tmp(?:\..*)?)")  # names of files that are not whole yet


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a temporary path to write; on success it becomes `target`, on failure it is removed.

    The temporary file sits in the same folder, so the rename is atomic, has a name that no other process or host
    takes, and keeps the target's suffix, because some writers choose a format by it. Where `target` is a link, the
    file it points to is replaced.

    Raises:
        OSError: the folder cannot be made or written.
        UserError: `target` is a device, a pipe or the like.
    """
    if target.is_symlink():
        target = real(target)
    if target.exists() and not target.is_file() and not target.is_dir():
        raise UserError(f"{target} is a device or a pipe, not a file that can be replaced; give another name")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem[:80]}.{secrets.token_hex(6)}.tmp{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def alone(temporary: Path, target: Path) -> Iterator[None]:
    """Hold the temporary file of a target while it is written, and remove what killed processes left of others.

    Where results go to one file and not to a folder of ours, no lock says who writes there; the temporary file itself
    is locked instead, which ends with its process. Windows has no need of it: it removes no file that is open.

    Raises:
        UserError: another process is writing the same file.
    """
    with temporary.open("wb") as file:
        _lock(file)
        parts = TEMPORARY.fullmatch(temporary.name)
        for item in temporary.parent.iterdir():
            found = TEMPORARY.fullmatch(item.name)
            if item == temporary or not found or not parts or found.groups() != parts.groups():
                continue
            try:
                with item.open("r+b") as other:
                    _lock(other)
                item.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise UserError(
                    f"{target} is being written by another cancernet; wait for it, or give another name"
                ) from error
        yield


def _lock(file: IO[bytes]) -> None:
    """Lock an open file, as far as the system has such locks; raises BlockingIOError where another process has."""
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # a file system without locks
            return


def clear_temporaries(folder: Path) -> None:
    """Remove what a killed process left of files it was writing in a folder; nobody else may be writing there."""
    for item in filter(is_temporary, folder.iterdir()):
        item.unlink(missing_ok=True)


def is_temporary(item: Path) -> bool:
    """Tell whether a file is one that was not whole when its process ended, or is not yet."""
    return TEMPORARY.fullmatch(item.name) is not None


def write_bytes(target: Path, content: bytes) -> Path:
    """Write `target`, whole or not at all, and return it; so do the others here."""
    with replacing(target) as temporary:
        temporary.write_bytes(content)
    return target


def write_text(target: Path, text: str) -> Path:
    """Write UTF-8 text; what cannot be, as the bytes of a file's name, becomes "?"."""
    return write_bytes(target, text.encode("utf-8", "replace"))


def to_json(content: object) -> str:
    """Return plain data as the JSON text of our files; what is not finite or not plain raises ValueError."""
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def read_json(path: Path, kind: type[T]) -> T | None:
    """Return what a file of ours holds, as `kind`; nothing where it is absent, damaged or of another form."""
    try:
        return msgspec.json.decode(read_bytes(path, "the record"), type=kind)
    except (UserError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class CsvWriter:
    """Writes the rows of a CSV that a person may open: no text in it is a formula, no name breaks a line.

    Args:
        file: open with `newline=""`.
        screen: whether a terminal may show it; what it would obey is replaced then.
    """

    def __init__(self, file: TextIO, *, screen: bool = False) -> None:
        self._plain = csv.writer(file, lineterminator="\n")
        self._quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        self._screen = screen

    def writerow(self, row: Iterable[object]) -> None:
        """Write one row."""
        cells = [self._cell(cell) if isinstance(cell, str) else cell for cell in row]
        # Python's writer leaves a carriage return bare where lines end otherwise; readers end the row there.
        bare = any(isinstance(cell, str) and "\r" in cell for cell in cells)
        (self._quoted if bare else self._plain).writerow(cells)

    def writerows(self, rows: Iterable[Iterable[object]]) -> None:
        """Write rows."""
        for row in rows:
            self.writerow(row)

    def _cell(self, text: str) -> str:
        return defuse(printable(text) if self._screen else text)


def write_rows(target: Path, rows: Iterable[Sequence[object]]) -> Path:
    """Write a CSV, the first row its head; see `CsvWriter`."""
    text = io.StringIO()
    CsvWriter(text).writerows(rows)
    return write_text(target, text.getvalue())


def write_csv(target: Path, table: pd.DataFrame) -> Path:
    """Write a table without its index; see `CsvWriter`."""
    texts = list(table.columns[[kind.kind == "O" for kind in table.dtypes]])
    plain = table.assign(**{name: table[name].map(_defused) for name in texts})
    bare = any(plain[name].astype("str").str.contains("\r", regex=False).any() for name in texts)
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if bare else csv.QUOTE_MINIMAL
    with replacing(target) as temporary:
        plain.to_csv(temporary, index=False, quoting=quoting, errors="replace", lineterminator="\n")
    return target


def read_csv(path: Path, *, texts: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table that `write_csv` has written.

    Args:
        path: the file.
        texts: columns of text, which come back as they were: no number, and no word for "missing", is made of them.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no table.
    """
    import pandas as pd

    table = pd.read_csv(path, dtype=dict.fromkeys(texts, "str"), keep_default_na=False, encoding="utf-8")
    return table.assign(**{name: table[name].map(restore) for name in texts if name in table})


def _defused(cell: object) -> object:
    return utf8(defuse(cell)) if isinstance(cell, str) else cell  # Arrow, where it is installed, holds no other text


def write_png(target: Path, image: NDArray[Any]) -> Path:
    """Write a picture, uint8 (H, W, 3) RGB.

    Raises:
        UserError: it cannot be a PNG, as one of no pixels.
    """
    import cv2

    try:
        ok, content = cv2.imencode(".png", image[..., ::-1])
    except cv2.error:
        ok = False
    if not ok:
        size = f"{image.shape[1]} x {image.shape[0]} px"
        raise UserError(f"{target}: a picture of {size} cannot be written as PNG")
    return write_bytes(target, content.tobytes())


def write_figure(target: Path, figure: Figure) -> Path:
    """Draw a figure into a PNG file."""
    with replacing(target) as temporary:
        figure.savefig(temporary, format="png")
    return target


def real(path: Path) -> Path:
    """Return the place that a path stands for, links followed; a link to itself stands for itself and is no error."""
    return Path(os.path.realpath(path))


def safe_name(name: str) -> str:
    """Return a name that every file system takes, as like `name` as can be.

    Example:
        >>> safe_name("../a:b"), safe_name("..")
        ('_a_b', '_')
    """
    plain = "".join(c if c.isalnum() or c in "-_. ()" else "_" for c in name)[:MAX_NAME].strip(". ")
    return plain or "_"


@contextmanager
def writable(place: Path) -> Iterator[None]:
    """Turn the system's refusal to write into a line for the user; a full disk is told elsewhere."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = error.filename2 or error.filename or place
        raise UserError(f"cannot write {where}: {error.strerror}; choose another place") from error
