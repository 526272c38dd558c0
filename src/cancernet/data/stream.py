"""The patch stream: every patch of files, folders and zips, decoded, in order, in flat memory.

Whatever reads patches reads them here, so that leftovers of file managers, copies, damage and odd sizes are treated
alike everywhere: a patch comes out of the stream, or its path and a reason are in `errors`.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.files import real
from cancernet.common.progress import progress
from cancernet.common.text import utf8
from cancernet.common.threads import available_cpus
from cancernet.data.decode import Image, decode, fit_patch
from cancernet.data.headers import HEAD, BadImage
from cancernet.data.integrity import near_white
from cancernet.data.mirrors import find_mirrors
from cancernet.data.others import is_document, unpack
from cancernet.data.source import MAX_FILE_BYTES, FileSource, FolderSource, Member, irregular
from cancernet.data.zip_source import ZipSource

Source = FolderSource | FileSource | ZipSource

CHUNK = 256  # files a task: long enough to hide a thread's overhead, 2 MB of pixels


class Patches(NamedTuple):
    """One chunk of files, the good ones decoded. All lists and the array's first axis go together."""

    members: list[Member]  # the good ones, in order
    images: Image  # uint8 (n, 50, 50, 3)
    sizes: NDArray[np.int32]  # (n, 2) width, height in the file, px
    hashes: list[str]  # blake2b-128 of the decoded pixels and their shape
    near_white: NDArray[np.bool_]  # (n,)
    checked: list[Any]  # what `check` returned for each
    bad: list[tuple[str, str]]  # path, reason
    prefix: str = ""  # what stands before the members' names in a table

    @property
    def paths(self) -> list[str]:
        """The paths of the good ones, as a table shows them."""
        return [self.prefix + member.path for member in self.members]

    def without_pixels(self) -> Patches:
        """Return the same without the pixels, to be kept where many chunks are."""
        return self._replace(images=self.images[:0].copy())


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
        paths: image files, folders and zips.
        plain: show the names within a folder or zip alone, as one table of its patches has them.

    Attributes:
        parts: what was opened, path by path.
        synthetic: whether the patches were drawn by a program.
        notes: sentences that a reader of the results has to know.
        errors: (path, reason) of each file that could not be used, growing as chunks are read.

    Raises:
        UserError: a path is not there or cannot be read.
    """

    def __init__(self, paths: Sequence[Path | str], *, plain: bool = False) -> None:
        self.parts: list[Part] = []
        self.synthetic = False
        self.notes: list[str] = []
        self.errors: list[tuple[str, str]] = []
        seen: set[str] = set()
        several = len(paths) > 1
        for path in map(Path, paths):
            source = open_source(path)
            prefix = _prefix(source.root) if not plain and (several or source.root.is_file()) else ""
            members = self._usable(source)
            if several:
                members = _new(source, members, seen)
            self.parts.append(Part(prefix, source, members))

    def __len__(self) -> int:
        return sum(len(part.members) for part in self.parts)

    @property
    def root(self) -> Path:
        """The first path that was named."""
        return self.parts[0].source.root

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


def _prefix(path: Path) -> str:
    """What stands before a member's name: the folder of a file, or the folder or zip itself."""
    folder = path.parent if path.is_file() and path.suffix.lower() != ".zip" else path
    return "" if str(folder) == "." else utf8(f"{folder.as_posix()}/")


def scan(
    source: Source, members: Sequence[Member], *, check: Callable[[str], Any] | None = None, workers: int | None = None
) -> Iterator[Patches]:
    """Yield all `members` decoded, chunk after chunk, in their order.

    Threads, not processes: OpenCV, zlib and hashlib release the interpreter lock, so two threads use
    two cores, and nothing has to be copied between processes.

    Args:
        source: where they are read.
        members: what to read.
        check: called with each path that can be read, its result kept; may raise BadImage to refuse it.
        workers: threads; by default the number of usable cores.
    """
    workers = workers or available_cpus()
    chunks = [members[i : i + CHUNK] for i in range(0, len(members), CHUNK)]
    threads_before = cv2.getNumThreads()
    cv2.setNumThreads(1)  # its own pool would only fight with ours over patches this small
    pending: deque[Future[Patches]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for chunk in chunks:
            pending.append(pool.submit(scan_chunk, source, chunk, check))
            if len(pending) > 2 * workers:  # bounded, however slow the one who writes
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        cv2.setNumThreads(threads_before)


def scan_chunk(source: Source, chunk: Sequence[Member], check: Callable[[str], Any] | None = None) -> Patches:
    """Read, decode and hash one chunk of files; see `scan`."""
    size = defaults.PATCH_SIZE
    images = np.empty((len(chunk), size, size, 3), np.uint8)
    good: list[Member] = []
    sizes: list[tuple[int, int]] = []
    hashes: list[str] = []
    checked: list[Any] = []
    bad: list[tuple[str, str]] = []
    for member in chunk:
        content = b""
        try:
            content = read_member(source, member)
            known = None if check is None else check(member.path)
            image = decode(content)
            images[len(good)] = fit_patch(image)
        except BadImage as reason:
            bad.append((utf8(member.path), unpack(member.path, content[:HEAD]) or str(reason)))
            continue
        good.append(member)
        sizes.append((image.shape[1], image.shape[0]))
        hashes.append(content_hash(image))
        checked.append(known)
    images = images[: len(good)]
    sizes_array = np.array(sizes, np.int32).reshape(-1, 2)
    return Patches(good, images, sizes_array, hashes, near_white(images), checked, bad)


def read_member(source: Source, member: Member) -> bytes:
    """Read one file that a patch may be in.

    Raises:
        BadImage: with the reason why it cannot be.
    """
    if utf8(member.path) != member.path:
        raise BadImage("unreadable (its name is not valid UTF-8)")
    if member.size > MAX_FILE_BYTES:
        raise BadImage(f"too large ({member.size:,} bytes; a patch has a few thousand)")
    try:
        return source.read(member.path)
    except OSError as error:
        raise BadImage(f"unreadable ({error.strerror or error})") from None


def content_hash(image: Image) -> str:
    """Return the blake2b-128 (32 hex digits) of an image's decoded pixels and shape.

    Of the pixels, not of the file: the same patch saved again with another compression is still the same.
    """
    return hashlib.blake2b(image.data, digest_size=16, salt=b"%dx%d" % image.shape[:2]).hexdigest()
