"""A file that somebody else has written is read whole, or one line says why not; it never hangs or fails otherwise."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cancernet.common import limits
from cancernet.common.errors import UserError
from cancernet.common.limits import parse_object, read_bytes, read_rows, read_text


def read_object(path: Path, what: str) -> object:
    return parse_object(read_bytes(path, what), what, path)


READERS = (read_bytes, read_text, read_rows, read_object)


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """Write a file, read it, and return the one line that refuses it."""

    def ask(reader: Callable[..., object], content: bytes) -> str:
        path = tmp_path / "a"
        path.write_bytes(content)
        with pytest.raises(UserError) as error:
            reader(path, "the list")
        text = str(error.value)
        assert "\n" not in text
        assert text.startswith(f"cannot read the list {path}")
        return text

    return ask


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("place", ["absent", "folder", "pipe", "device", "link to a device", "a\0b", "x" * 300])
def test_what_is_no_plain_file_is_one_line_and_is_not_waited_for(
    tmp_path: Path, reader: Callable[..., object], place: str
) -> None:
    path = tmp_path / place
    if place == "folder":
        path.mkdir()
    elif place == "pipe":
        os.mkfifo(path)
    elif place == "device":
        path = Path("/dev/zero")
    elif place == "link to a device":
        path.symlink_to("/dev/zero")
    with pytest.raises(UserError, match="cannot read the list") as error:
        reader(path, "the list")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("reader", READERS)
def test_no_more_is_read_than_may_be(reader: Callable[..., object], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(limits.read_bytes, "__defaults__", (10,))
    monkeypatch.setattr(limits.read_text, "__defaults__", (10,))
    (tmp_path / "a").write_bytes(b'{"a": 1234}')
    with pytest.raises(UserError, match=r"larger than 1e-05 MB"):
        reader(tmp_path / "a", "the list")
    (tmp_path / "a").write_bytes(b'{"a": 123}')
    assert reader(tmp_path / "a", "the list")


def test_a_mark_of_the_byte_order_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfpatient")
    assert read_text(tmp_path / "a", "the list") == "patient"


def test_other_encodings_are_told(refused: Callable[..., str]) -> None:
    for content in ("pati\xe9nt".encode("latin-1"), "patient".encode("utf-16-le"), bytes(100)):
        assert "UTF-8" in refused(read_text, content)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_of_a_table_is_found(tmp_path: Path, separator: str) -> None:
    (tmp_path / "a").write_text(f'\nx{separator} b\n\n"1\n1"{separator}2 \n')
    assert read_rows(tmp_path / "a", "the list", ",;\t") == [(2, ["x", "b"]), (5, ["1\n1", "2"])]


def test_a_long_line_or_cell_is_refused(refused: Callable[..., str]) -> None:
    assert "a line of 200,002 characters" in refused(read_rows, b"a,b\n" + b"x" * 200_000 + b",1\n")
    assert ", line 65538: field larger" in refused(read_rows, b"a,b\n" + b'"' + b"x\n" * 100_000)


@pytest.mark.parametrize(
    "content",
    ['{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}', '{"a": ' + "9" * 5000 + "}", "[" * 100_000, "{", "[]", "1", ""],
)
def test_json_that_is_no_object_of_numbers_is_refused(refused: Callable[..., str], content: str) -> None:
    refused(read_object, content.encode())


def test_an_object_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"a": [1.5, null, "ü"]}', encoding="utf-8")
    assert read_object(tmp_path / "a", "the list") == {"a": [1.5, None, "ü"]}
