"""Files beside patches that are none."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest

from cancernet.data.headers import HEAD
from cancernet.data.others import is_document, unpack


@pytest.mark.parametrize(
    "name", ["README", "readme.txt", "README.md", "a/LICENSE", "licence.txt", "CITATION.cff", "x.MD"]
)
def test_documents_are_known_by_their_names(name: str) -> None:
    assert is_document(name)


@pytest.mark.parametrize(
    "name", ["a.png", "readme_1.png", "README.jpg", "notes.txt", "licensed.png", "README/a.png", ""]
)
def test_what_may_be_a_patch_or_should_be_is_no_document(name: str) -> None:
    assert not is_document(name)


def made(kind: str) -> bytes:
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as archive_file:
            archive_file.writestr("a.png", b"x")
    else:
        with tarfile.open(fileobj=file, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("a.png"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.tar", made("tar"), "tar"),
        ("mine", made("tar"), "tar"),
        # A gzip file says when it was made: without a fixed second the workers would name this test differently.
        ("a.tar.gz", gzip.compress(made("tar"), mtime=0), "tar"),
        ("A.TGZ", gzip.compress(made("tar"), mtime=0), "tar"),
        ("a.png.gz", gzip.compress(b"x", mtime=0), "gzip"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c", "7z"),
        ("a.rar", b"Rar!\x1a\x07\x01\x00", "rar"),
        ("large.tar", b"", "tar"),
        ("large.7z", b"", "7z"),
    ],
)
def test_an_archive_is_named_by_its_bytes_or_else_its_name(name: str, content: bytes, kind: str) -> None:
    assert unpack(f"b/{name}", content[:HEAD]).startswith(f"a {kind} archive, which cannot be read; unpack it and")


def test_a_zip_can_be_given_and_what_else_begins_so_is_none() -> None:
    assert unpack("a.zip", made("zip")).startswith("a zip archive among the patches; give it by itself")
    assert unpack("a.docx", made("zip")) == ""


@pytest.mark.parametrize("name", ["a.png", "tar", "a.gzip", "star.png"])
def test_other_files_are_no_archives(name: str) -> None:
    assert unpack(name, b"\x89PNG\r\n") == unpack(name, b"") == ""
