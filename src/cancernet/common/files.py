"""Files that are either whole or absent: write beside the target, then rename over it."""

from __future__ import annotations

import csv
import errno
import io
import json
import re
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import msgspec

from cancernet.common.errors import UserError
from cancernet.common.limits import read_bytes

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
        target = target.resolve()
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
                raise UserError(f"{target} is being written by another cancernet; wait for it, or give another name") from error
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
    """Write UTF-8 text."""
    return write_bytes(target, text.encode())


def to_json(content: object) -> str:
    """Return plain data as the JSON text of our files; what is not finite or not plain raises ValueError."""
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def read_json(path: Path, kind: type[T]) -> T | None:
    """Return what a file of ours holds, as `kind`; nothing where it is absent, damaged or of another form."""
    try:
        return msgspec.json.decode(read_bytes(path, "the record"), type=kind)
    except (UserError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def write_rows(target: Path, rows: Iterable[Sequence[object]]) -> Path:
    """Write a CSV, the first row its head."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return write_text(target, text.getvalue())


def write_csv(target: Path, table: pd.DataFrame) -> Path:
    """Write a table without its index."""
    with replacing(target) as temporary:
        table.to_csv(temporary, index=False)
    return target


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
