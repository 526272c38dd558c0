"""A zip of patches, read member by member without unpacking, from many threads."""

from __future__ import annotations

import bz2
import io
import lzma
import os
import stat
import struct
import threading
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from cancernet.common.errors import UserError
from cancernet.data.source import MAX_FILE_BYTES, Member, hidden

MAX_DIRECTORY_BYTES = 256_000_000  # of the list of members; some two millions, and the public set has 277,524

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, ..., length of name, length of extra field
_ENCRYPTED = 0x1
_UNIX = 3  # of the systems that make zips; it states modes
_KNOWN = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_OTHERS = {9: "deflate64", 93: "zstd", 95: "xz", 98: "ppmd"}
_MOST_RATIO, _ANY_RATIO = 100, 1_000_000  # size to packed size, and bytes from which on: images hardly shrink again
_LZMA_MEMORY = 128_000_000  # bytes; its dictionary is as large as a member claims
_LZMA_PROPERTIES = slice(4, 9)  # after version and length
_UNKNOWN_SIZE = b"\xff" * 8


class _Entry(NamedTuple):
    """Where a member lies. Only plain numbers: the entries of `zipfile` would take 200 MB for the public set."""

    offset: int  # bytes
    packed: int  # bytes
    size: int  # bytes, unpacked
    method: int
    crc: int
    mode: int  # as `os.stat` gives it; 0 where the zip does not say
    encrypted: bool


class ZipSource:
    """The regular files of a zip.

    `zipfile` serialises readers behind one lock; here the central directory is read once and each member
    is then fetched by its offset, so that threads inflate side by side.

    Args:
        root: the zip.
        most_listed: bytes of its central directory at most.
    """

    is_file = False

    def __init__(self, root: Path, *, most_listed: int = MAX_DIRECTORY_BYTES) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._size = root.stat().st_size
        try:
            with _Bounded(root, most_listed) as file, zipfile.ZipFile(file) as archive:
                for info in archive.infolist():
                    path = _safe_path(info.orig_filename, root)
                    if path and not hidden(path):
                        mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
                        self._entries[path] = _Entry(  # of two members of one name the later counts, as in unzip
                            info.header_offset, info.compress_size, info.file_size, info.compress_type, info.CRC, mode,
                            bool(info.flag_bits & _ENCRYPTED),
                        )  # fmt: skip
            if sum(e.packed for e in self._entries.values() if e.packed <= self._size) > self._size:
                raise zipfile.BadZipFile("its members overlap")  # each could be read, and all be one: no end of it
        except (
            zipfile.BadZipFile,
            struct.error,
            ValueError,
            OverflowError,
            EOFError,
            NotImplementedError,
            OSError,
        ) as error:
            raise UserError(f"{root}: not a readable zip ({error}); download or copy it again") from None
        self._handle = root.open("rb", buffering=0)

    def members(self) -> list[Member]:
        """See `FolderSource.members`; the stamp is the CRC-32 that the zip states."""
        return sorted(Member(path, entry.size, entry.crc) for path, entry in self._entries.items())

    def read(self, path: str) -> bytes:
        """See `FolderSource.read`."""
        entry = self._entries[path]
        self._refuse(entry)
        # The local header's extra field may differ from the central one, so its length is read, not assumed;
        # asking for some bytes more than needed usually saves a second read.
        block = self._at(entry.offset, _LOCAL_HEADER.size + len(path.encode()) + 64 + entry.packed)
        if len(block) < _LOCAL_HEADER.size:
            raise OSError("the zip ends before this member")
        signature, name_length, extra_length = _LOCAL_HEADER.unpack_from(block)
        if signature != b"PK\x03\x04":
            raise OSError("damaged in the zip (no header)")
        start = _LOCAL_HEADER.size + name_length + extra_length
        data = block[start : start + entry.packed]
        if len(data) < entry.packed:
            data = self._at(entry.offset + start, entry.packed)
        if entry.method != zipfile.ZIP_STORED:
            data = _unpack(data, entry)
        if len(data) != entry.size or zlib.crc32(data) != entry.crc:
            raise OSError("damaged in the zip (checksum differs)")
        return data

    def _refuse(self, entry: _Entry) -> None:
        if entry.encrypted:
            raise OSError("encrypted in the zip; unpack it with its password and give the folder")
        if stat.S_IFMT(entry.mode) not in (0, stat.S_IFREG):
            raise OSError("a link or a device in the zip, not a file")
        if entry.method not in _KNOWN:
            name = _OTHERS.get(entry.method, f"method {entry.method}")
            raise OSError(f"compressed with {name}, which is not supported; zip it again with deflate")
        if max(entry.packed, entry.size) > MAX_FILE_BYTES:
            raise OSError(f"more than {MAX_FILE_BYTES:,} bytes; a patch has a few thousand")
        if entry.size > max(_ANY_RATIO, _MOST_RATIO * entry.packed):
            raise OSError(f"a bomb in the zip: {entry.packed:,} bytes that unpack to {entry.size:,}")
        if not 0 <= entry.offset <= self._size - entry.packed:
            raise OSError("damaged in the zip (it lies outside of it)")

    def _at(self, offset: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._handle.fileno(), size, offset)
        with self._lock:  # Windows has no positioned read
            self._handle.seek(offset)
            return self._handle.read(size) or b""

    def __del__(self) -> None:
        """Close the zip."""
        if hasattr(self, "_handle"):
            self._handle.close()


def _unpack(data: bytes, entry: _Entry) -> bytes:
    """Inflate a member, to one byte more than it claims at most: no bombs."""
    most = entry.size + 1
    try:
        if entry.method == zipfile.ZIP_DEFLATED:
            return zlib.decompressobj(-15).decompress(data, most)
        if entry.method == zipfile.ZIP_BZIP2:
            return bz2.BZ2Decompressor().decompress(data, most)
        alone = data[_LZMA_PROPERTIES] + _UNKNOWN_SIZE + data[_LZMA_PROPERTIES.stop :]
        return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_MEMORY).decompress(alone, most)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise OSError(f"damaged in the zip ({error})") from None


class _Bounded(io.FileIO):
    """A file of which no more than the longest list of members is read at once, whatever length a zip claims."""

    def __init__(self, root: Path, most: int) -> None:
        super().__init__(root)
        self._most = most

    def read(self, size: int | None = -1) -> bytes:
        """Return some bytes."""
        if size is not None and size > self._most:
            raise ValueError("its list of members is too long")
        return super().read(-1 if size is None else size) or b""


def _safe_path(name: str, root: Path) -> str:
    """Return a file's path with "/" between folders, "" for a folder; refuse one that points outside of the zip."""
    path = name.replace("\\", "/")
    if path.startswith("/") or path[1:2] == ":" or ".." in path.split("/") or "\0" in path:
        raise UserError(f"{root}: unsafe member {name!r} points outside of the zip; make it again from the folder")
    if path.endswith("/"):
        return ""
    plain = str(PurePosixPath(path))
    return "" if plain == "." else name if plain == name else plain  # one string, not two for each of many members
