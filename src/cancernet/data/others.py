"""Files that lie among patches and are none: documents, which are passed over, and archives, which are named."""

from __future__ import annotations

import re

from cancernet.data.headers import archive

# Not every text file: one that should be a patch and is not has to be listed.
_DOCUMENT = re.compile(
    r"(?:readme|licen[cs]e|copying|citation|changelog|notice|authors)(?:[._ -].*)?|.*\.(?:md|rst)",
    re.IGNORECASE | re.DOTALL,
)
_IMAGE = re.compile(r".*\.(?:png|jpe?g|tiff?)", re.IGNORECASE | re.DOTALL)
_SUFFIXES = {".tar": "tar", ".tgz": "tar", ".7z": "7z", ".rar": "rar", ".zip": "zip", ".gz": "gzip", ".bz2": "bzip2"}


def is_document(path: str) -> bool:
    """Whether a file is there to be read by a person: README, LICENSE and the like, and all of Markdown.

    Example:
        >>> is_document("a/README.txt"), is_document("a/License"), is_document("readme_1.png"), is_document("a.txt")
        (True, True, False, False)
    """
    name = path.rpartition("/")[2]
    return _DOCUMENT.fullmatch(name) is not None and not _IMAGE.fullmatch(name)


def unpack(path: str, head: bytes) -> str:
    """Return what is to be done with a file that is an archive; "" where it is none, as far as name and bytes tell.

    Args:
        path: of the file.
        head: its first `headers.HEAD` bytes, or none where they could not be read.
    """
    name = path.rpartition("/")[2].lower()
    kind = archive(head) or ""
    if not head:
        kind = next((kind for suffix, kind in _SUFFIXES.items() if name.endswith(suffix)), "")
    if kind and (".tar." in name or name.endswith(".tgz")):  # what is in a compressed file, only its name says
        kind = "tar"
    if head.startswith(b"PK") and name.endswith(".zip"):
        kind = "zip"
    if kind == "zip":
        return "a zip archive among the patches; give it by itself, or unpack it"
    return f"a {kind} archive, which cannot be read; unpack it and give the folder, or zip that" if kind else ""
