"""Where patches come from: a folder, a zip read without unpacking, or one image file."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

MAX_FILE_BYTES = 64_000_000  # bytes; a patch has about 6,000, so a larger file is a slide or a mistake

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_IRREGULAR = {
    stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder that cannot be listed",
}  # fmt: skip
# In small letters; whatever begins with a dot is one too, as .DS_Store, ._a.png, .Trash-1000, .snapshot.
LEFTOVERS = frozenset({
    "__macosx", "icon\r", "lost+found",
    "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "system volume information",
    "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot",
})  # fmt: skip


class Member(NamedTuple):
    """One regular file of a source."""

    path: str  # relative to the root, "/" between folders
    size: int  # bytes, unpacked
    stamp: int  # changes when the content does: modification and change time (ns), or CRC-32 in a zip


def hidden(path: str) -> bool:
    """Whether a relative path is something a file manager, a disk or a store left behind, not data."""
    return path[:1] == "." or "/." in path or not LEFTOVERS.isdisjoint(path.lower().split("/"))


def _member(path: str, place: str) -> Member:
    try:
        status = os.stat(place)  # noqa: PTH116 - of strings, twice as fast
    except OSError:  # a broken link; reading it will say so
        return Member(path, 0, 0)
    # The change time too: a copy that keeps the old modification time must still be noticed.
    return Member(path, status.st_size, max(status.st_mtime_ns, status.st_ctime_ns))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links in a circle; reading it will say so
        return False


def irregular(mode: int) -> str | None:
    """Return in words what a path of this mode (of `os.stat`) is if not a regular file."""
    return None if stat.S_ISREG(mode) else _IRREGULAR.get(stat.S_IFMT(mode), "a device")


def read_file(path: str, size: int = 1 << 14, most: int = MAX_FILE_BYTES) -> bytes:
    """Return a regular file's bytes; three times faster than `open().read()` on files of a few kB.

    Args:
        path: the file; never waited for, as a pipe would be.
        size: bytes to ask for at a time.
        most: bytes, whatever size was stated: a file may grow, or be made up by the system while it is read.

    Raises:
        OSError: it cannot be read, is no regular file, or has more bytes.
    """
    try:
        handle = os.open(path, _READ)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(f"{irregular(os.stat(path).st_mode)}, not a file") from None  # noqa: PTH116
        raise
    try:
        if what := irregular(os.fstat(handle).st_mode):
            raise OSError(f"{what}, not a file")
        content = os.read(handle, size)
        if len(content) < size:
            return content
        parts, total = [content], size
        while part := os.read(handle, 1 << 20):
            parts.append(part)
            total += len(part)
            if total > most:
                raise OSError(errno.EFBIG, f"more than {most:,} bytes; a patch has a few thousand")
        return b"".join(parts)
    finally:
        os.close(handle)


class FolderSource:
    """All files under a folder; links are followed, each folder once. Like every source, read by many threads at once.

    Attributes:
        root: the folder, zip or image file it was opened from.
        is_file: whether it is one image file.
    """

    is_file = False

    def __init__(self, root: Path) -> None:
        self.root = root
        self._prefix = os.path.join(root, "")  # noqa: PTH118 - a string, joined once and not for each file

    def members(self) -> list[Member]:
        """Return all files except hidden ones, sorted by path. A folder that cannot be read is listed itself."""
        found: list[Member] = []
        seen: set[tuple[int, int]] = set()
        pending = [str(self.root)]
        begins = len(self._prefix)
        while pending:  # not `os.walk`, which ends in a RecursionError on a thousand folders within each other
            folder = pending.pop()
            try:
                status = os.stat(folder)  # noqa: PTH116
                if (status.st_dev, status.st_ino) in seen:  # a link back to a folder above would never end
                    continue
                seen.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as entries:
                    shown = [entry for entry in entries if not hidden(entry.name)]
            except OSError:
                found.append(Member(folder[begins:], 0, 0))  # reading it will say why
                continue
            for entry in shown:
                if _is_folder(entry):
                    pending.append(entry.path)
                else:
                    found.append(_member(entry.path[begins:], entry.path))
        return sorted(found)

    def read(self, path: str) -> bytes:
        """Return the content of one member.

        Raises:
            OSError: it cannot be read, or (zip) is damaged.
        """
        return read_file(self._prefix + path)


class FileSource(FolderSource):
    """One image file, for prediction."""

    is_file = True

    def __init__(self, root: Path) -> None:
        super().__init__(root.parent)
        self.root = root

    def members(self) -> list[Member]:
        """Return that file; none where it is hidden, as among all that a shell's `*` stands for."""
        return [] if hidden(self.root.name) else [_member(self.root.name, str(self.root))]


class MemorySource(FolderSource):
    """Files that are nowhere but in memory, as those that were sent to a server.

    Args:
        files: content by path, "/" between folders.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(Path())
        self._files = files

    def members(self) -> list[Member]:
        """Return all files except hidden ones, sorted by path."""
        return sorted(Member(path, len(content), 0) for path, content in self._files.items() if not hidden(path))

    def read(self, path: str) -> bytes:
        """Return the content of one member."""
        return self._files[path]
