"""A zip of patches, read member by member without unpacking, from many threads."""

from __future__ import annotations

import os
import struct
import threading
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from cancernet.common.errors import UserError
from cancernet.data.source import Member, hidden

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, ..., length of name, length of extra field
_ENCRYPTED = 0x1


class ZipSource:
    """The regular files of a zip.

    `zipfile` serialises readers behind one lock; here the central directory is read once and each member
    is then fetched by its offset, so that threads inflate side by side. Only plain numbers are kept for
    each member: the entries of `zipfile` would take 200 MB for the public set.
    """

    is_file = False

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._entries: dict[str, tuple[str, int, int, int, int, int, int]] = {}
        try:
            with zipfile.ZipFile(root) as archive:
                for info in archive.infolist():
                    path = _safe_path(info.filename, root)
                    if info.is_dir() or hidden(path):
                        continue
                    self._entries[path] = (  # of two members of one name the later counts, as in unzip
                        info.filename, info.header_offset, info.compress_size, info.file_size,
                        info.compress_type, info.flag_bits, info.CRC,
                    )  # fmt: skip
        except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError) as error:
            raise UserError(f"{root}: not a readable zip ({error}); download or copy it again") from None
        self._handle = root.open("rb", buffering=0)

    def members(self) -> list[Member]:
        """See `FolderSource.members`; the stamp is the CRC-32 that the zip states."""
        return sorted(Member(path, entry[3], entry[6]) for path, entry in self._entries.items())

    def read(self, path: str) -> bytes:
        """See `FolderSource.read`."""
        name, offset, packed, size, method, flags, crc = self._entries[path]
        if flags & _ENCRYPTED:
            raise OSError("encrypted in the zip")
        if method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return self._read_rare(name)
        # The local header's extra field may differ from the central one, so its length is read, not assumed;
        # asking for some bytes more than needed usually saves a second read.
        block = self._at(offset, _LOCAL_HEADER.size + len(name.encode()) + 64 + packed)
        if len(block) < _LOCAL_HEADER.size:
            raise OSError("the zip ends before this member")
        signature, name_length, extra_length = _LOCAL_HEADER.unpack_from(block)
        if signature != b"PK\x03\x04":
            raise OSError("damaged in the zip (no header)")
        start = _LOCAL_HEADER.size + name_length + extra_length
        data = block[start : start + packed]
        if len(data) < packed:
            data = self._at(offset + start, packed)
        if method == zipfile.ZIP_DEFLATED:
            try:
                data = zlib.decompressobj(-15).decompress(data, size + 1)  # never more than it claims: no bombs
            except zlib.error as error:
                raise OSError(f"damaged in the zip ({error})") from None
        if len(data) != size or zlib.crc32(data) != crc:
            raise OSError("damaged in the zip (checksum differs)")
        return data

    def _at(self, offset: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._handle.fileno(), size, offset)
        with self._lock:  # Windows has no positioned read
            self._handle.seek(offset)
            return self._handle.read(size) or b""

    def _read_rare(self, name: str) -> bytes:
        try:
            with zipfile.ZipFile(self.root) as archive:
                return archive.read(name)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError) as error:
            raise OSError(f"damaged or of an unknown method in the zip ({error})") from None

    def __del__(self) -> None:
        """Close the zip."""
        if hasattr(self, "_handle"):
            self._handle.close()


def _safe_path(name: str, root: Path) -> str:
    """Return a member's path with "/" between folders; refuse one that points outside of the zip."""
    path = name.replace("\\", "/")
    if path.startswith("/") or path[1:2] == ":" or ".." in path.split("/"):
        raise UserError(f"{root}: unsafe member {name!r} points outside of the zip; make it again from the folder")
    plain = str(PurePosixPath(path))
    return name if plain == name else plain  # one string and not two for each of many members
