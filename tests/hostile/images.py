"""Images that are damaged, lie about themselves, or are of a kind that cannot be judged, each beside a sound one."""

from __future__ import annotations

import os
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from hostile.case import MODEL, Case
from hostile.files import (
    chunk,
    encoded,
    entropy_start,
    interlaced,
    png_file,
    png_header,
    png_rows,
    tiff_file,
    tiff_of,
    tiff_tags,
)
from hostile.made import tissue, write_tissue

Content = Callable[[], bytes]
SHORT, LONG = 3, 4  # types of TIFF
EOI = b"\xff\xd9"  # the end of a JPEG
CHATTER = ("libpng", "JPEG data:", "TIFFRead", "[ WARN", "[ERROR")  # words of decoders
BOMB = 4000  # px a side; what 64 million bytes and more shrink to is some kB


def predict(where: str = "HERE") -> tuple[str, ...]:
    return ("predict", where, "--model", str(MODEL), "--out", "OUT/p.csv")


def refused(name: str, odd: str, content: Content, says: str) -> Case:
    """The sound patch is answered, the odd file listed with its reason."""

    def make(here: Path) -> None:
        write_tissue(here / "sound.png")
        (here / odd).write_bytes(content())

    return Case(name, make, predict(), 1, ("sound.png,,,,0.", f"{odd},", says), (f"{odd},,,,0.", *CHATTER))


def answered(name: str, odd: str, content: Content) -> Case:
    """It is odd, and a sound picture all the same."""

    def make(here: Path) -> None:
        (here / odd).write_bytes(content())

    return Case(name, make, predict(), 0, (f"{odd},,,,0.",), ("errors.csv", *CHATTER))


def cv_file(form: str, image: np.ndarray) -> bytes:
    return cv2.imencode(form, image[..., ::-1])[1].tobytes()


def pixels() -> bytes:
    return zlib.compress(png_rows(tissue()))


def png_16(bits: int) -> bytes:
    return cv_file(".png", tissue().astype(np.uint16) << (bits - 8))


def png_bomb() -> bytes:
    packer = zlib.compressobj(1)
    row = bytes(1 + 8 * BOMB)  # RGBA of 16 bits
    rows = b"".join(packer.compress(row) for _ in range(BOMB)) + packer.flush()
    return png_file(rows, png_header(BOMB, BOMB, depth=16, colour=6))


def text_bombs() -> bytes:
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(8_000_000), 1))
    return png_file(pixels(), before=bomb * 100)


def animated() -> bytes:
    frame = struct.pack(">6I2H2B", 0, 50, 50, 0, 0, 0, 1, 1, 0, 0)[4:]
    return png_file(pixels(), before=chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", frame))


def jpeg(**options: object) -> bytes:
    return encoded(tissue(), "JPEG", **options)


def cut(content: bytes, share: float = 0.5) -> bytes:
    """End the compressed data of a JPEG early, and put an end marker there."""
    start = entropy_start(content)
    return content[: start + int((len(content) - start) * share)] + EOI


def frame_changed(offset: int, *values: int) -> bytes:
    """A JPEG whose picture header is changed."""
    content = bytearray(jpeg())
    start = content.index(b"\xff\xc0") + offset
    content[start : start + len(values)] = values
    return bytes(content)


def two_frames() -> bytes:
    content = jpeg()
    start = content.index(b"\xff\xc0")
    large = bytearray(content[start : start + 19])
    large[5:9] = struct.pack(">HH", 60_000, 60_000)
    return content[:start] + content[start : start + 19] + large + content[start + 19 :]


def large(form: str) -> bytes:
    return cv_file(form, np.zeros((BOMB, BOMB, 3), np.uint8))


def scans() -> bytes:
    content = jpeg(progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * 20_000 + EOI


def one_scan_less() -> bytes:
    content = jpeg(progressive=True)
    return content[: content.rindex(b"\xff\xda")] + EOI


def huge_tiles() -> bytes:
    return tiff(_322=(LONG, [2**31]), _323=(LONG, [2**31]), _324=(LONG, [8]), _325=(LONG, [7500]))


def endless_pages() -> bytes:
    return tiff_file(tissue().tobytes(), tiff_tags(tissue()), following=8 + tissue().nbytes)


def tags_twice() -> bytes:
    more = [(256, (LONG, [40_000])), (257, (LONG, [40_000]))]
    return tiff_file(tissue().tobytes(), [*tiff_tags(tissue()).items(), *more])


def tiff(**changes: tuple[int, list[int]]) -> bytes:
    """A TIFF with tags changed: `_256=(SHORT, [9000])`."""
    return tiff_of(tissue(), {int(tag[1:]): value for tag, value in changes.items()})


def short_strip(packing: str) -> bytes:
    content = encoded(tissue(), "TIFF", compression=packing)
    strip = content[8 : 8 + (int.from_bytes(content[4:8], "little") - 8) // 2]
    code = {"tiff_lzw": 5, "tiff_adobe_deflate": 8, "packbits": 32773}[packing]
    return tiff_file(strip, tiff_tags(tissue()) | {259: (SHORT, [code]), 279: (LONG, [len(strip)])})


def planes() -> bytes:
    starts = {273: (LONG, [8, 2508, 5008]), 279: (LONG, [2500] * 3), 284: (SHORT, [2])}
    return tiff_file(np.moveaxis(tissue(), -1, 0).tobytes(), dict(sorted((tiff_tags(tissue()) | starts).items())))


def two_pages() -> bytes:
    return cv2.imencodemulti(".tif", [tissue()[..., ::-1]] * 2)[1].tobytes()


def bigtiff() -> bytes:
    return tiff_file(tissue().tobytes(), tiff_tags(tissue()) | {273: (LONG, [16])}, big=True)


def link(target: str) -> Callable[[Path], None]:
    def make(here: Path) -> None:
        write_tissue(here / "sound.png")
        (here / "odd.png").symlink_to(target)

    return make


def pipe(here: Path) -> None:
    write_tissue(here / "sound.png")
    os.mkfifo(here / "odd.png")


def plug(here: Path) -> None:
    write_tissue(here / "sound.png")
    folder = os.open(here, os.O_RDONLY)
    server = socket.socket(socket.AF_UNIX)  # by a short name, since a socket's has 100 characters at most
    server.bind(f"/proc/self/fd/{folder}/odd.png")
    server.close()
    os.close(folder)


def beside_sound(name: str, make: Callable[[Path], None], reason: str) -> Case:
    return Case(name, make, predict(), 1, ("sound.png,,,,0.", "odd.png", reason))


PNG = (  # name, content, reason
    ("a PNG that ends after half of its pixels", lambda: png_file(pixels()[:2000]), "PNG data end early"),
    ("a PNG without pixels", lambda: png_file([]), "PNG data end early"),
    ("a PNG that lacks its last row", lambda: png_file(zlib.compress(png_rows(tissue()[:49]))), "end early"),
    ("a PNG with a flipped bit", lambda: png_file(pixels()).replace(b"IDATx", b"IDATy"), "checksum differs"),
    ("a PNG whose pixels have a wrong sum", lambda: png_file(pixels()[:-4] + b"abcd"), "do not unpack"),
    ("a PNG of more pixels than it states", lambda: png_file(pixels(), png_header(40, 40)), "more pixels"),
    ("a PNG of fewer pixels than it states", lambda: png_file(zlib.compress(png_rows(tissue()[:40]))), "early"),
    ("a PNG with two headers", lambda: png_file(pixels(), before=png_header(9000, 9000)), "or with two"),
    ("a PNG that says it is huge", lambda: png_file(pixels(), png_header(60_000, 60_000)), "too large"),
    ("a PNG of 16 megapixels in few bytes", png_bomb, f"too large for a patch ({BOMB}x{BOMB} px"),
    ("a PNG cut short", lambda: png_file(pixels())[:3000], "truncated"),
    ("a PNG of nothing but its signature", lambda: b"\x89PNG\r\n\x1a\n", "truncated"),
    ("a mask of one bit", lambda: encoded(tissue(), "PNG", "1"), "1 bit, a mask"),
    ("a PNG made for one maker's telephones", lambda: png_file(pixels(), before=chunk(b"CgBI")), "'CgBI'"),
    ("12 bits in a PNG of 16", lambda: png_16(12), "holds 12-bit values in 16 bits"),
    ("10 bits in a PNG of 16", lambda: png_16(10), "holds 10-bit values in 16 bits"),
    ("an empty file", bytes, "empty"),
    ("a file of zeros", lambda: bytes(5000), "begins with zeros"),
    ("a text", lambda: b"<html>404 Not Found</html>", "not an image"),
    ("a GIF", lambda: encoded(tissue(), "GIF"), "GIF"),
    ("a picture of a telephone", lambda: b"\0\0\0\x1cftypheic" + bytes(99), "HEIC"),
)  # fmt: skip

SOUND_PNG = (  # name, file, content
    ("a PNG of 16 bits", "odd.png", lambda: cv_file(".png", tissue().astype(np.uint16) * 257)),
    ("a PNG that is interlaced", "odd.png", lambda: interlaced(tissue())),
    ("an animated PNG", "odd.png", animated),
    ("a PNG with texts that unpack to 800 MB", "odd.png", text_bombs),
    ("a PNG with a broken colour profile", "odd.png", lambda: png_file(pixels(), before=chunk(b"iCCP", b"a\0\0junk"))),
    ("a PNG that is called JPEG", "odd.jpg", lambda: png_file(pixels())),
)  # fmt: skip

JPEG = (  # name, content, reason
    ("half a JPEG with an end marker", lambda: cut(jpeg()), "its JPEG data end early"),
    ("nearly all of a JPEG with an end marker", lambda: cut(jpeg(), 0.95), "its JPEG data end early"),
    ("half a progressive JPEG", lambda: cut(jpeg(progressive=True)), "its JPEG data end early"),
    ("half a JPEG with restart markers", lambda: cut(jpeg(restart_marker_blocks=2)), "damaged (its JPEG data"),
    ("a progressive JPEG without its last scan", one_scan_less, "its JPEG data end early"),
    ("a JPEG cut short", lambda: jpeg()[:900], "truncated"),
    ("a cut JPEG with a thumbnail", lambda: jpeg(exif=b"Exif\0\0" + jpeg())[:-300], "truncated"),
    ("a JPEG that says it is huge", lambda: frame_changed(5, 255, 220, 255, 220), "too large"),
    ("a JPEG of 16 megapixels", lambda: large(".jpg"), "too large"),
    ("a JPEG with two sizes", two_frames, "too large"),
    ("a JPEG of four inks", lambda: encoded(tissue(), "JPEG", "CMYK"), "CMYK JPEG"),
    ("an arithmetic JPEG", lambda: frame_changed(1, 0xC9), "arithmetic JPEG"),
    ("a JPEG of 12 bits", lambda: frame_changed(4, 12), "12-bit JPEG"),
    ("a JPEG with its height at the end", lambda: frame_changed(5, 0, 0), "states its height at its end"),
    ("a JPEG of 20,000 scans", scans, "more than 200 scans"),
)  # fmt: skip

SOUND_JPEG = (  # name, file, content
    ("a JPEG with bytes after its end", "odd.jpg", lambda: jpeg() + b"junk" * 1000),
    ("a progressive JPEG with restart markers", "odd.jpeg", lambda: jpeg(progressive=True, restart_marker_rows=1)),
    ("a JPEG that is called PNG", "odd.png", jpeg),
)  # fmt: skip

TIFF = (  # name, content, reason
    ("a TIFF whose size stands twice", tags_twice, "damaged (TIFF with tag 256 twice)"),
    ("a TIFF whose width is text", lambda: tiff(_256=(2, [50])), "damaged (TIFF tag 256"),
    ("a TIFF with two widths", lambda: tiff(_256=(SHORT, [50, 9000])), "damaged (TIFF tag 256"),
    ("a TIFF without a width", lambda: tiff(_256=(SHORT, [])), "damaged (TIFF without a size)"),
    ("a TIFF of 16 megapixels", lambda: large(".tif"), "too large"),
    ("a TIFF whose strip is cut", lambda: tiff(_279=(LONG, [3000])), "its TIFF data end early"),
    ("a TIFF whose LZW data are cut", lambda: short_strip("tiff_lzw"), "its TIFF data end early"),
    ("a TIFF whose deflated data are cut", lambda: short_strip("tiff_adobe_deflate"), "damaged (its TIFF data"),
    ("a TIFF whose PackBits are cut", lambda: short_strip("packbits"), "its TIFF data end early"),
    ("a TIFF with a strip beyond its end", lambda: tiff(_273=(LONG, [2**31])), "truncated"),
    ("a TIFF that lacks strips", lambda: tiff(_278=(SHORT, [10])), "strips or tiles are missing"),
    ("a TIFF with huge tiles", huge_tiles, "TIFF tiles of"),
    ("a TIFF of 60,000 tags", lambda: tiff_file(b"", tiff_tags(tissue()), count=60_000), "truncated"),
    ("a TIFF whose directory lies nowhere", lambda: b"II*\0\xff\xff\xff\x7f", "truncated"),
    ("a TIFF packed with Zstandard", lambda: tiff(_259=(SHORT, [50_000])), "compressed with Zstandard"),
    ("a TIFF packed with JPEG 2000", lambda: tiff(_259=(SHORT, [34_712])), "compressed with JPEG 2000"),
    ("a TIFF of decimals", lambda: cv_file(".tif", tissue().astype(np.float32)), "float32"),
    ("a TIFF of 12 bits", lambda: tiff(_258=(SHORT, [12] * 3)), "12 bits a sample"),
    ("12 bits in a TIFF of 16", lambda: tiff_of(tissue().astype(np.uint16) << 4), "holds 12-bit values in 16 bits"),
    ("a TIFF of five channels", lambda: tiff_of(np.dstack([tissue(), tissue()[..., :2]])), "TIFF of 5 channels"),
    ("a TIFF of four inks", lambda: encoded(tissue(), "TIFF", "CMYK"), "CMYK TIFF"),
    ("a TIFF of lightness and two colours", lambda: tiff(_262=(SHORT, [8])), "CIELab"),
)  # fmt: skip

SOUND_TIFF = (  # name, file, content
    ("a TIFF whose width is of one byte", "odd.tif", lambda: tiff(_256=(1, [50]))),
    ("a TIFF in planes", "odd.tif", planes),
    ("a BigTIFF", "odd.tif", bigtiff),
    ("a TIFF that follows itself without end", "odd.tif", endless_pages),
    ("a TIFF of two pages", "odd.tif", two_pages),
)  # fmt: skip

FILES = [
    beside_sound("a link to a device without end", link("/dev/zero"), "a device, not a file"),
    beside_sound("a link to nothing", link("nowhere.png"), "unreadable"),
    beside_sound("a link to itself", link("odd.png"), "unreadable"),
    beside_sound("a pipe among patches", pipe, "a pipe, not a file"),
    beside_sound("a socket among patches", plug, "a socket, not a file"),
    Case(
        "a device as a patch", link("/dev/zero"), predict("HERE/odd.png"), 2, ("odd.png: a device, not a file; give",)
    ),
    Case("a pipe as a patch", pipe, predict("HERE/odd.png"), 2, ("odd.png: a pipe, not a file; give a folder",)),
]

CASES = [
    *(refused(name, "odd.png", content, says) for name, content, says in PNG),
    *(refused(name, "odd.jpg", content, says) for name, content, says in JPEG),
    *(refused(name, "odd.tif", content, says) for name, content, says in TIFF),
    *(answered(*row) for row in (*SOUND_PNG, *SOUND_JPEG, *SOUND_TIFF)),
    *FILES,
]
