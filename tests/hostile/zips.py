"""Zips that are damaged, lie about themselves, or were packed in an unusual way."""

from __future__ import annotations

import gzip
import io
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from hostile.case import MODEL, Case
from hostile.files import encoded
from hostile.made import tissue

ARGUMENTS = ("predict", "HERE/a.zip", "--model", str(MODEL), "--out", "OUT/p.csv")
LISTED, END = b"PK\x01\x02", b"PK\x05\x06"  # signatures
METHODS = (("stored", 0), ("deflated", 8), ("bzip2", 12), ("LZMA", 14))
LINK = 0o120777 << 16  # attributes
BOMB = 60_000_000  # bytes


def picture(seed: int = 0) -> bytes:
    return encoded(tissue(seed), "PNG")


def packed(members: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method: int = 8, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.comment = comment
        for name, content in members:
            archive.writestr(name, content, None if isinstance(name, str) else method)
    return out.getvalue()


def two(method: int = 8) -> bytes:
    """A sound zip of odd.png and sound.png."""
    return packed([("odd.png", picture(1)), ("sound.png", picture())], method)


def listed(offset: int, value: bytes) -> bytes:
    """The same with a field of odd.png in the list of members changed."""
    content = bytearray(two())
    start = content.index(LISTED) + offset
    content[start : start + len(value)] = value
    return bytes(content)


def ended(offset: int, value: bytes) -> bytes:
    """The same with a field of the record at its end changed."""
    content = bytearray(two())
    start = content.rindex(END) + offset
    content[start : start + len(value)] = value
    return bytes(content)


def wide(size: int, stated: int, offset: int) -> bytes:
    """The same in zip64, odd.png with these sizes and this place."""
    extra = struct.pack("<HHQQQ", 1, 24, size, stated, offset)
    content = two()
    start = content.index(LISTED)
    head = bytearray(content[start : start + 46])
    head[20:28] = b"\xff" * 8
    head[30:32] = len(extra).to_bytes(2, "little")
    head[42:46] = b"\xff" * 4
    rest = bytearray(content[start + 46 + 7 :])
    at = rest.rindex(END) + 12
    rest[at : at + 4] = (int.from_bytes(rest[at : at + 4], "little") + len(extra)).to_bytes(4, "little")
    return content[:start] + head + b"odd.png" + extra + rest


def bomb(method: int) -> bytes:
    """odd.png unpacks to sixty megabytes and states 5,000 bytes."""
    content = packed([("odd.png", bytes(BOMB)), ("sound.png", picture())], method)
    return content.replace(BOMB.to_bytes(4, "little"), (5000).to_bytes(4, "little"))


def damaged() -> bytes:
    content = bytearray(two(0))
    content[300] ^= 0xFF
    return bytes(content)


def link() -> bytes:
    info = zipfile.ZipInfo("odd.png")
    info.create_system, info.external_attr = 3, LINK
    return packed([(info, b"/etc/passwd"), ("sound.png", picture())])


def overlapping() -> bytes:
    """A thousand members, all of them the first."""
    one = packed([("0000.png", picture())], 0)
    start = one.index(LISTED)
    entry, local = one[start : start + 46], one[:start]
    names = b"".join(entry + f"{i:04d}.png".encode() for i in range(1000))
    return local + names + struct.pack("<4s4H2IH", END, 0, 0, 1000, 1000, len(names), len(local), 0)


def tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("a.png")
        info.size = len(picture())
        archive.addfile(info, io.BytesIO(picture()))
    return out.getvalue()


def not_utf8() -> bytes:
    """The name of odd.png says that it is UTF-8, and is not."""
    return (
        two()
        .replace(b"odd.png", b"odd\xff.pn")
        .replace(LISTED + b"\x14\x03\x14\0\0\0", LISTED + b"\x14\x03\x14\0\0\x08")
    )


def zip_in_zip() -> bytes:
    return packed([("odd.png", packed([("a.png", picture())])), ("sound.png", picture())])


def row(name: str, content: Callable[[], bytes], code: int, *says: str) -> Case:
    def make(here: Path) -> None:
        (here / "a.zip").write_bytes(content())

    return Case(name, make, ARGUMENTS, code, says)


SOUND = "sound.png,,,,0."


def honest_bomb() -> bytes:
    return packed([("odd.png", bytes(BOMB)), ("sound.png", picture())])


LISTED_ROWS = (  # name, content, reason of odd.png
    ("a link in a zip", link, "a link or a device in the zip"),
    ("an encrypted member", lambda: listed(8, b"\1\0"), "encrypted in the zip"),
    ("a member packed with zstd", lambda: listed(10, b"\x5d\0"), "compressed with zstd, which is not supported"),
    ("a member packed with nobody knows what", lambda: listed(10, b"\x77\0"), "compressed with method 119"),
    ("a member that is damaged", damaged, "checksum differs"),
    ("a member of another size than it states", lambda: listed(24, b"\x05\0\0\0"), "checksum differs"),
    ("a member of four gigabytes", lambda: listed(24, b"\xfe\xff\xff\xff"), "too large"),
    ("a member packed in more bytes than the zip has", lambda: listed(20, b"\xff\xff\xff\0"), "lies outside of it"),
    ("a member that begins after the end", lambda: listed(42, b"\xff\xff\xff\x0f"), "lies outside of it"),
    ("a member that begins amid another", lambda: listed(42, b"\x64\0\0\0"), "no header"),
    ("a size of 2^62", lambda: wide(2**62, 5000, 0), "too large"),
    ("a packed size of 2^62", lambda: wide(5000, 2**62, 0), "more than 64,000,000 bytes"),
    ("a packed size of 2^63", lambda: wide(5000, 2**63, 0), "more than 64,000,000 bytes"),
    ("a place of 2^63", lambda: wide(5000, 5000, 2**63), "lies outside of it"),
    ("a place of 2^64 - 1", lambda: wide(5000, 5000, 2**64 - 1), "lies outside of it"),
    ("a bomb that tells its size", honest_bomb, "a bomb in the zip"),
    ("a zip in a zip", zip_in_zip, "unsupported format (zip"),
    *((f"a bomb, {name}", lambda method=method: bomb(method), "damaged in the zip") for name, method in METHODS[1:]),
)
REFUSED_ROWS = (  # name, content, reason
    ("an empty file called zip", bytes, "not a readable zip"),
    ("a text called zip", lambda: b"404 Not Found", "not a readable zip"),
    ("a zip without members", lambda: packed([]), "no image"),
    ("a zip of half its bytes", lambda: two()[: len(two()) // 2], "download or copy it again"),
    ("a zip without its end", lambda: two()[:-22], "not a readable zip"),
    ("a zip whose list of members is cut", lambda: ended(16, b"\xff\xff\xff\x7f"), "lies outside of it"),
    ("a zip whose list of members has no bytes", lambda: ended(12, bytes(4)), "no image"),
    ("a zip with a comment that looks like an end", lambda: packed([], comment=END * 9000), "not a readable zip"),
    ("a member that points above", lambda: packed([("../odd.png", picture())]), "unsafe member"),
    ("a member with an absolute path", lambda: packed([("/etc/odd.png", picture())]), "unsafe member"),
    ("a member with a drive", lambda: packed([("C:\\odd.png", picture())]), "unsafe member"),
    ("a member whose name holds NUL", lambda: two().replace(b"odd.png", b"odd\0png"), "unsafe member"),
    ("a name that is not the text it says", not_utf8, "not a readable zip"),
    ("members that overlap", overlapping, "its members overlap"),
    ("a tar called zip", tar, "a tar archive"),
    ("a tar.gz called zip", lambda: gzip.compress(tar()), "a gzip archive"),
    ("a 7z called zip", lambda: b"7z\xbc\xaf\x27\x1c" + bytes(99), "a 7z archive"),
    ("a rar called zip", lambda: b"Rar!\x1a\x07\1\0" + bytes(99), "a rar archive"),
    ("noise called zip", lambda: b"PK\x03\x04" + random.Random(0).randbytes(9999), "not a readable zip"),
)
READ_ROWS = (  # name, content, what is answered
    (
        "folders parted by backslashes",
        lambda: packed([("idc\\9001\\", b""), ("idc\\9001\\0\\a.png", picture())]),
        "9001",
    ),
    ("a zip after a program", lambda: b"MZ" + bytes(9999) + two(), SOUND),
    ("a zip of several disks", lambda: ended(4, b"\x05\0"), SOUND),
    ("a zip with a long comment", lambda: packed([("sound.png", picture())], comment=b"x" * 65535), SOUND),
    ("a zip that claims ten million members", lambda: ended(10, b"\xff\xff"), SOUND),
    (
        "two members of one name",
        lambda: two().replace(b"sound.png", b"x/odd.png").replace(b"x/odd.png", b"./odd.png"),
        "odd.png,,,,0.",
    ),
    ("a name in the letters of DOS", lambda: two().replace(b"odd.png", b"\x81dd.png"), SOUND),
    *((f"patches that are {name}", lambda method=method: two(method), SOUND) for name, method in METHODS),
)

CASES = [
    *(row(name, content, 1, SOUND, "odd.png,", reason) for name, content, reason in LISTED_ROWS),
    *(row(name, content, 2, "cancernet: ", reason) for name, content, reason in REFUSED_ROWS),
    *(row(name, content, 0, answer) for name, content, answer in READ_ROWS),
]
