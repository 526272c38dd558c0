"""What a file is by its first bytes, and the sizes that a patch may have.

The readers of the three formats (`png`, `jpeg`, `tiff`) ask here before any pixel is decoded, so that a file that is
refused for its size costs neither time nor memory.
"""

from __future__ import annotations

from cancernet.common import defaults

_KINDS = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"II*\0": "TIFF", b"MM\0*": "TIFF",
          b"II+\0": "TIFF", b"MM\0+": "TIFF"}  # fmt: skip
_OTHERS = {  # known to be images or documents, so that the reason can name them
    b"GIF8": "GIF", b"BM": "BMP", b"RIFF": "WebP", b"%PDF": "PDF", b"PK\x03\x04": "zip",
    b"\x00\x00\x00\x0cjP": "JPEG 2000", b"\xff\x4f\xff\x51": "JPEG 2000", b"8BPS": "PSD", b"DDS ": "DDS",
    b"\x00\x00\x00\x0cJXL": "JPEG XL", b"\xff\x0a": "JPEG XL", b"\x89HDF": "HDF5", b"\x93NUMPY": "NumPy",
}  # fmt: skip
_BRANDS = {b"avif": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC"}  # after "ftyp"
ARCHIVES = {
    b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!": "rar", b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}  # fmt: skip
_TAR = slice(257, 262)  # where a tar says "ustar"
HEAD = 262  # bytes that tell what a file is


class BadImage(Exception):  # noqa: N818 - the name says what was met, not what went wrong here
    """A file that cannot be used as a patch; its text is the reason that the quarantine list gives."""


def kind_of(content: bytes) -> str:
    """Return "PNG", "JPEG" or "TIFF".

    Raises:
        BadImage: empty, not an image, or another format, named where it is known.
    """
    for magic, kind in _KINDS.items():
        if content.startswith(magic):
            return kind
    if not content:
        raise BadImage("empty")
    other = next((name for magic, name in _OTHERS.items() if content.startswith(magic)), None)
    if content[4:8] == b"ftyp":
        other = _BRANDS.get(content[8:12])
    if other := other or archive(content):
        raise BadImage(f"unsupported format ({other}; use PNG, JPEG or TIFF)")
    if not any(content[:64]):
        raise BadImage("not an image (begins with zeros)")
    if content[:2] == b"\xff\xd8" or any(magic.startswith(content) for magic in _KINDS):
        raise BadImage("truncated")
    raise BadImage("not an image")


def archive(head: bytes) -> str | None:
    """Return what kind of archive, other than a zip, begins like this."""
    if head[_TAR] == b"ustar":
        return "tar"
    return next((name for magic, name in ARCHIVES.items() if head.startswith(magic)), None)


def check_size(width: int, height: int) -> None:
    """Refuse what cannot become a patch of `defaults.PATCH_SIZE` px.

    Raises:
        BadImage: a side under `defaults.MIN_PATCH_SIDE` or over `defaults.PATCH_SIZE` px.
    """
    if min(width, height) < defaults.MIN_PATCH_SIDE:
        raise BadImage(f"too small ({width}x{height} px; at least {defaults.MIN_PATCH_SIDE} a side)")
    if max(width, height) > defaults.PATCH_SIZE:
        size = f"{width}x{height} px; at most {defaults.PATCH_SIZE} a side"
        raise BadImage(f"too large for a patch ({size}); a field or slide is mapped by `cancernet slide FILE --mpp UM`")
