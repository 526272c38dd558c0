"""Results that go to one file, and where nothing may be written: over what is read, or over what is not ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cancernet.common import files
from cancernet.common.errors import UserError
from cancernet.common.files import real, writable


@contextmanager
def output_file(path: Path, mark: str, *, inputs: Sequence[Path] = ()) -> Iterator[Path]:
    """Give a temporary path that becomes the file `path` where all goes well.

    Args:
        path: replaced only where it is one of ours.
        mark: what the first thousand characters of ours hold.
        inputs: files and folders that are read.

    Raises:
        UserError: see `check_file`.
    """
    path = path.expanduser()
    check_file(path, mark, inputs=inputs)
    with writable(path), files.replacing(path) as temporary, files.alone(temporary, path):
        yield temporary


def check_file(path: Path, mark: str, *, inputs: Sequence[Path] = ()) -> None:
    """Refuse a file that must not be replaced, before the work and not after it.

    Raises:
        UserError: it is an input or lies in one, is a folder or a device, or another program's; or its folder
            cannot be made.
    """
    path = path.expanduser()
    refuse_inside(path, [real(place.expanduser()) for place in inputs])
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    if real(path).is_symlink():
        raise UserError(f"cannot write {path}: it is a link to itself; give another name")
    if not path.exists():
        return
    if path.is_dir():
        raise UserError(f"cannot write {path}: it is a folder; give the name of a file")
    if not path.is_file():
        raise UserError(f"{path} is a device or a pipe, not a file; leave --out away to write to the screen")
    with path.open(encoding="utf-8", errors="replace") as file:
        if mark not in file.read(1000):
            raise UserError(f"{path} is not ours and would be replaced; give another name")


def refuse_inside(out: Path, inputs: Sequence[Path]) -> None:
    """Refuse to write over or among what is read: a second run would read the results of the first.

    Raises:
        UserError: `out` is one of the inputs or lies in one.
    """
    place = real(out)
    for given in inputs:
        if place == given:
            raise UserError(f"--out {out} is what is read; give another place")
        if given.is_dir() and place.is_relative_to(given):
            raise UserError(f"--out {out} lies inside {given}, which is read; give a place outside of it")
