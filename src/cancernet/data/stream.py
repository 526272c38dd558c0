"""The patch stream: every patch of files, folders and zips, decoded, in order, in flat memory.

Whatever reads patches reads them here, so that leftovers of file managers, copies, damage and odd sizes are treated
alike everywhere: a patch comes out of the stream, or its path and a reason are in `errors`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.files import real
from cancernet.common.progress import progress
from cancernet.common.text import utf8
from cancernet.data.headers import HEAD
from cancernet.data.mirrors import find_mirrors
from cancernet.data.others import is_document, unpack
from cancernet.data.scan import Patches, Source, scan
from cancernet.data.source import FileSource, FolderSource, Member, irregular
from cancernet.data.zip_source import ZipSource


class Part(NamedTuple):
    """One path that was named: what stands before its members' names in a table, and where they are read."""

    prefix: str
    source: Source
    members: list[Member]


class PatchStream:
    """All patches of some paths: opened and listed now, read chunk by chunk with `chunks`.

    Files that a file manager left behind, documents, the note in a generated sample, folders that repeat others (as in
    the public zip) and what was named twice are left out.

    Args:
        paths: image files, folders and zips, or such a source that is open already.
        plain: show the names within a folder or zip alone, as one table of its patches has them.
        named: how the paths are shown, where that is not how they are opened, as in a process elsewhere.

    Attributes:
        parts: what was opened, path by path.
        root: the first path, as it is shown.
        synthetic: whether the patches were drawn by a program.
        notes: sentences that a reader of the results has to know.
        errors: (path, reason) of each file that could not be used, growing as chunks are read.

    Raises:
        UserError: a path is not there or cannot be read.
    """

    def __init__(
        self, paths: Sequence[Path | str | Source], *, plain: bool = False, named: Sequence[Path | str] | None = None
    ) -> None:
        self.parts: list[Part] = []
        self.synthetic = False
        self.notes: list[str] = []
        self.errors: list[tuple[str, str]] = []
        seen: set[str] = set()
        several = len(paths) > 1
        shown = [
            Path(path.root if isinstance(path, FolderSource | ZipSource) else path).expanduser()
            for path in (paths if named is None else named)
        ]
        self.root = shown[0] if shown else Path()
        for path, name in zip(paths, shown, strict=True):
            source = path if isinstance(path, FolderSource | ZipSource) else open_source(path)
            file = source.root.is_file()
            prefix = _prefix(name, file=file) if not plain and (several or file) else ""
            members = self._usable(source)
            if several:
                members = _new(source, members, seen)
            self.parts.append(Part(prefix, source, members))

    def __len__(self) -> int:
        return sum(len(part.members) for part in self.parts)

    def only(self, kept: Callable[[str], bool]) -> PatchStream:
        """Return a stream of those files alone whose paths, as a table shows them, are kept; its errors are its own."""
        other = copy(self)
        other.errors, other.notes = [], list(self.notes)
        other.parts = [
            part._replace(members=[member for member in part.members if kept(utf8(part.prefix + member.path))])
            for part in self.parts
        ]
        return other

    @property
    def shown(self) -> list[str]:
        """The paths of all files, in order, as a table shows them."""
        return [utf8(part.prefix + member.path) for part in self.parts for member in part.members]

    @property
    def members(self) -> list[Member]:
        """The files of all parts, in order."""
        return [member for part in self.parts for member in part.members]

    def chunks(
        self,
        *,
        what: str,
        check: Callable[[str], Any] | None = None,
        only: Collection[Member] | None = None,
        threads: int | None = None,
        hidden: bool = False,
    ) -> Iterator[Patches]:
        """Yield the patches, chunk after chunk, in their order; what cannot be used goes to `errors`.

        Args:
            what: words before the progress bar.
            check: called with each path that can be read, its result kept; may raise BadImage to refuse it.
            only: read these members alone, of the first part.
            threads: that read and decode; by default the number of usable cores.
            hidden: show no bar, as where many streams are read one after the other.
        """
        parts = self.parts if only is None else [self.parts[0]._replace(members=list(only))]
        total = sum(len(part.members) for part in parts)
        with progress(total=total, what=what, hidden=hidden) as bar:
            for part in parts:
                for chunk in scan(part.source, part.members, check=check, workers=threads):
                    self.errors += [(part.prefix + path, reason) for path, reason in chunk.bad]
                    yield chunk._replace(prefix=part.prefix)
                    bar.update(len(chunk.members) + len(chunk.bad))

    def nothing_usable(self) -> UserError:
        """Return the error of a stream that gave not one patch, with the first reason."""
        first = f": {self.errors[0][0]}: {self.errors[0][1]}" if self.errors else ""
        return UserError(f"no image could be used of {len(self)} files{first}")

    def _usable(self, source: Source) -> list[Member]:
        members = source.members()
        named = [m for m in members if m.path.rpartition("/")[2] != defaults.SYNTHETIC_MARKER]
        self.synthetic |= len(named) < len(members)
        kept = [member for member in named if member.path[-4:] == ".png" or not is_document(member.path)]
        mirrors = find_mirrors(kept, partial(_alike, source))
        if not mirrors:
            return kept
        for folder, of, copies in mirrors:
            where = f"{of}/" if of and not folder.startswith(f"{of}/") else "the folder it lies in"
            what = f"Folder {folder}/" if folder else "The top folder"
            self.notes.append(f"{what} repeats {where}: {len(copies):,} files that are there too are left out.")
        gone = {copy.path for mirror in mirrors for copy in mirror.copies}
        return [member for member in kept if member.path not in gone]


def open_source(path: Path | str) -> Source:
    """Open a folder, a `.zip`, or a single image file for reading; nothing is ever written to it.

    Raises:
        UserError: the path is missing, unreadable or no file, or it is an archive that is not a readable zip.
    """
    path = Path(path).expanduser()
    try:
        if path.is_dir():
            os.scandir(path).close()
            return FolderSource(path)
        if what := irregular(path.stat().st_mode):
            raise UserError(f"{path}: {what}, not a file; give a folder, a zip or an image file")
        with path.open("rb") as file:
            head = file.read(HEAD)
    except (FileNotFoundError, ValueError):  # the second: a NUL in the name
        raise UserError(f"{path}: no such folder or file; check the path") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    is_zip = head[:2] == b"PK"
    if head and not is_zip and (what := unpack(path.name, head)):
        raise UserError(f"{path}: {what}")
    if is_zip or path.suffix.lower() == ".zip":
        return ZipSource(path)
    return FileSource(path)


def _alike(source: Source, first: Member, second: Member) -> bool:
    try:
        return source.read(first.path) == source.read(second.path)
    except OSError:
        return False


def _new(source: Source, members: list[Member], seen: set[str]) -> list[Member]:
    """Leave out what another path that was named has already brought, and remember the rest."""
    root = str(real(source.root))
    places = [root if source.is_file else f"{root}/{member.path}" for member in members]
    kept = [member for member, place in zip(members, places, strict=True) if place not in seen]
    seen.update(places)
    return kept


def _prefix(path: Path, *, file: bool) -> str:
    """What stands before a member's name: the folder of a file, or the folder or zip itself."""
    folder = path.parent if file and path.suffix.lower() != ".zip" else path
    return "" if str(folder) == "." else utf8(f"{folder.as_posix()}/")
