"""Where results go: a folder that is ours alone while it is written; for one file see `output_file`.

A folder keeps a record, `.cancernet.json`, of what was written into it. A name that the record lacks and that is taken
belongs to somebody else and is never replaced. A lock keeps a second run out. Every file is whole or absent, so a run
that was killed finds its folder again and goes on.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import chain, count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from cancernet.common import files
from cancernet.common.errors import UserError
from cancernet.common.files import is_temporary, real, safe_name, writable
from cancernet.common.output_file import refuse_inside

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

FORMAT = 1
RECORD, LOCK = ".cancernet.json", ".cancernet.lock"
BEGUN = ".cancernet.begun"  # stands while a unit of work writes into the folder; see `apart.guarded`
TRACES = {RECORD, LOCK, BEGUN}  # a folder with nothing else holds no results
ERRORS = "errors.csv"
ERROR_COLUMNS = ("path", "reason")


class Record(msgspec.Struct):
    """What a folder says of itself: the command, what it is kept for, and the names of what is ours in it."""

    kind: str
    owner: str
    files: list[str]
    format: int = FORMAT


class Output:
    """A folder of results, open for writing: `with Output(folder, "map", inputs=paths) as out`.

    Args:
        folder: made if absent.
        kind: the command whose results it holds; a folder holds those of one.
        inputs: files and folders that are read; none of them can be written, nor what lies in such a folder.
        names: files that will be written, so that one of somebody else's is met before the work and not after it.
        wait: for another process that is writing there, in place of refusing; as where one of a run that was killed
            still is.

    Raises:
        UserError: the folder lies in an input, cannot be written, holds the results of another command, is being
            written by another process, or a name is taken by a file of somebody else's.
    """

    def __init__(
        self, folder: Path, kind: str, *, inputs: Sequence[Path] = (), names: Sequence[str] = (), wait: bool = False
    ) -> None:
        self.folder = folder.expanduser()
        self.errors: list[tuple[str, str]] = []  # path, reason; written to errors.csv at the end
        self.owner = ""  # what this folder is kept for; a user's own is kept for nothing
        self._kind, self._names = kind, (*names, ERRORS)
        self._inputs = [real(path.expanduser()) for path in inputs]
        self._files: set[str] = set()
        self._wait = wait
        self._lock: Any = None
        self._made = False  # by this run

    def __enter__(self) -> Self:
        """Take hold of the folder."""
        refuse_inside(self.folder, self._inputs)
        with writable(self.folder):
            if self.folder.exists() and not self.folder.is_dir():
                raise UserError(f"{self.folder} is a file, not a folder; give another")
            self._made = not self.folder.exists()
            if not self._made and not (self.folder / LOCK).exists():
                self._claim()  # a folder that is refused does not even get a lock
            self._acquire()
        try:
            self._claim()
            for place in (self.folder, *(child.folder for child in self.children())):
                files.clear_temporaries(place)  # of a run that was killed: the lock says so
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the list of errors if all went well, and let go."""
        try:
            if kind is None:
                self.write_errors()
        finally:
            ours = self._made or self.owner
            if ours and {item.name for item in self.folder.iterdir()} <= TRACES:  # nothing came of it
                shutil.rmtree(self.folder, ignore_errors=True)
            self._lock.release()

    def _acquire(self) -> None:
        """Make the folder and lock it, again where the one who had the lock has removed both."""
        from filelock import FileLock, Timeout

        self._lock = FileLock(self.folder / LOCK)
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=-1 if self._wait else 0)
            except Timeout:
                raise UserError(
                    f"{self.folder} is being written by another cancernet; wait for it, or give another folder"
                ) from None
            if (self.folder / LOCK).exists():
                return
            self._lock.release()

    def path(self, name: str) -> Path:
        """Return where to write a file or folder of that name, which is now recorded as ours.

        Raises:
            UserError: somebody else's lies there.
        """
        self._check(name)
        if (first := name.partition("/")[0]) not in self._files:
            self._files.add(first)
            self._write_record()
        return self.folder / name

    def writing(self, name: str) -> AbstractContextManager[Path]:
        """Give a temporary path that becomes the file `name` where all goes well; see `files.replacing`."""
        return files.replacing(self.path(name))

    def write_text(self, name: str, text: str) -> Path:
        """Write a text and return its path."""
        return files.write_text(self.path(name), text)

    def write_json(self, name: str, content: object) -> Path:
        """Write plain data as JSON and return its path."""
        return self.write_text(name, files.to_json(content))

    def write_bytes(self, name: str, content: bytes) -> Path:
        """Write bytes and return their path."""
        return files.write_bytes(self.path(name), content)

    def write_csv(self, name: str, table: pd.DataFrame) -> Path:
        """Write a table without its index and return its path."""
        return files.write_csv(self.path(name), table)

    def write_png(self, name: str, image: NDArray[Any]) -> Path:
        """Write a picture, uint8 (H, W, 3) RGB, and return its path."""
        return files.write_png(self.path(name), image)

    def write_figure(self, name: str, figure: Figure) -> Path:
        """Draw a figure into a PNG file and return its path."""
        return files.write_figure(self.path(name), figure)

    def write_errors(self) -> None:
        """Write path and reason of what could not be used; remove an earlier list where there is none."""
        if self.errors:
            files.write_rows(self.path(ERRORS), [ERROR_COLUMNS, *self.errors])
        else:
            self.remove(ERRORS)

    def remove(self, name: str) -> None:
        """Remove a file or folder of ours, if it is there; the name is free for others then."""
        if name not in self._files:
            return
        target = self.folder / name
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target, ignore_errors=True)
        else:
            target.unlink(missing_ok=True)
        if not os.path.lexists(target):
            self._files.remove(name)
            self._write_record()

    def child(self, name: str, owner: str, *, exact: bool = False) -> Output:
        """Return a folder in this one, kept for one thing: a patient, a slide, a model.

        It is the first of NAME, NAME-2, NAME-3 that is free or is the owner's from an earlier run, with what file
        systems refuse in a name as "_". The owner is recorded before anything else is written.

        Args:
            name: what it should be called.
            owner: what tells it from others of that name.
            exact: whether no other name will do.

        Raises:
            UserError: `exact`, and a folder of that name is somebody else's.
        """
        plain = safe_name(name)
        names = chain([plain], (f"{plain}-{number}" for number in count(2)))
        made = next(each for each in map(self._child, names) if self._can_be(each, owner))
        if exact and made.folder.name != plain:
            raise UserError(
                f"{self.folder / plain} holds files that CancerNet has no record of having written; move it, or give "
                "another folder"
            )
        made.owner = owner
        with writable(made.folder):
            made.folder.mkdir(exist_ok=True)
            made._write_record()
        files.clear_temporaries(made.folder)
        return made

    def children(self) -> list[Output]:
        """Return the folders in this one that have an owner, of this run and earlier ones, by name."""
        found = [self._child(place.name) for place in sorted(self.folder.iterdir()) if place.is_dir()]
        return [each for each in found if each.owner]

    def _child(self, name: str) -> Output:
        made = Output(self.folder / name, self._kind)
        made._inputs = self._inputs
        made._load()
        return made

    def _can_be(self, child: Output, owner: str) -> bool:
        if child.owner:
            return child.owner == owner
        place = child.folder
        taken = place.name.casefold() in (name.casefold() for name in (*self._names, *self._files))
        return not taken and (not place.exists() or (place.is_dir() and all(map(is_temporary, place.iterdir()))))

    def _check(self, name: str) -> None:
        first = name.partition("/")[0]
        target = self.folder / first
        if first not in self._files and os.path.lexists(target):
            raise UserError(f"{target} is not ours and would be replaced; give another folder, or move the file away")
        if real(target) in self._inputs:
            raise UserError(f"{target} is read and would be replaced; give another folder")

    def _claim(self) -> None:
        """Read the record, and refuse a folder or a name in it that is not for us to write."""
        kind = self._load()
        if kind != self._kind:
            raise UserError(
                f"{self.folder} holds the results of `cancernet {kind}`; give another folder for those of {self._kind}"
            )
        for name in self._names:
            self._check(name)

    def _load(self) -> str:
        """Read the record of what is ours, nothing where it cannot be read; returns the kind that it states."""
        found = files.read_json(self.folder / RECORD, Record) or Record(self._kind, "", [])
        if found.format > FORMAT:
            raise UserError(f"{self.folder} was written by a newer CancerNet; give another folder")
        if found.kind == self._kind:
            self._files, self.owner = set(found.files), found.owner
        return found.kind

    def _write_record(self) -> None:
        record = Record(self._kind, self.owner, sorted(self._files))
        files.write_text(self.folder / RECORD, files.to_json(msgspec.to_builtins(record)))
