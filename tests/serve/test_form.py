"""Forms are read whole and in memory, or refused with what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.serve.form import FIELDS, Part, read_form
from cancernet.serve.problems import Problem

HEADERS = {"content-type": "multipart/form-data; boundary=edge"}
FILE = b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nabc\r\n'
TEXT = b'--edge\r\nContent-Disposition: form-data; name="note"\r\n\r\nxyz\r\n'
END = b"--edge--\r\n"


def read(body: bytes, headers: dict[str, str] = HEADERS, step: int = 10_000, files: int = 3) -> list[Part]:
    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, len(body), step):
            yield body[start : start + step]

    return asyncio.run(read_form(headers, stream(), files=files))


@given(st.integers(1, 80), st.binary(max_size=200).filter(lambda content: b"--edge" not in content))
def test_parts_come_out_as_they_went_in_however_the_body_is_cut(step: int, content: bytes) -> None:
    found = read(FILE.replace(b"abc", content) + TEXT + END, step=step)
    assert found == [Part("files", "a.png", content), Part("note", None, b"xyz")]


@pytest.mark.parametrize("end", [len(FILE) - 5, len(FILE), len(FILE) + 30, len(FILE + TEXT + END) - 6])
def test_a_form_that_ends_early_is_refused_not_answered_in_part(end: int) -> None:
    with pytest.raises(Problem, match="ends before its last boundary"):
        read((FILE + TEXT + END)[:end])


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, "unsupported"),
        ({"content-type": "application/json"}, "unsupported"),
        ({"content-type": "multipart/form-data"}, "invalid"),
        (HEADERS | {"content-encoding": "gzip"}, "unsupported"),
        ({"content-type": "multipart/form-data; boundary=edge; charset=utf-7"}, "unsupported"),
        ({"content-type": "multipart/form-data; boundary=" + "x" * 5000}, "invalid"),
    ],
)
def test_what_is_no_form_of_ours_is_refused(headers: dict[str, str], kind: str) -> None:
    with pytest.raises(Problem) as caught:
        read(FILE + END, headers)
    assert caught.value.kind == kind


def test_files_and_fields_are_counted_apart() -> None:
    assert len(read(FILE * 3 + TEXT * FIELDS + END)) == 3 + FIELDS
    for many in (FILE * 4, TEXT * (FIELDS + 1)):
        with pytest.raises(Problem, match="the form has more than"):
            read(many + END)


def test_a_field_that_is_long_is_refused_and_a_file_is_not() -> None:
    assert len(read(FILE.replace(b"abc", b"x" * 50_000) + END)[0].content) == 50_000
    with pytest.raises(Problem, match="has more than 10,000 bytes"):
        read(TEXT.replace(b"xyz", b"x" * 10_001) + END)


def test_a_name_that_is_no_utf8_can_still_be_written_as_json() -> None:
    [part] = read(FILE.replace(b"a.png", b"\xed\xa0\x80.png") + END)
    assert part.file is not None
    assert part.file.encode("utf-8")
