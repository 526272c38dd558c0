"""A form with files, read piece by piece within limits and kept in memory: nothing of it touches a disk.

Starlette's own reader writes what is large to files, decodes names by whatever codec the client names (some of which
give text that is none), and takes a form that ends in the middle for a whole one, its last file left out.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from typing import NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from cancernet.serve.problems import Problem

FIELDS = 20  # of a form besides files
FIELD_BYTES = 10_000  # of one of them
KIND = "multipart/form-data"
CHARSETS = (b"utf-8", b"utf8", b"us-ascii")


class Part(NamedTuple):
    """One part of a form."""

    name: str  # of its field
    file: str | None  # name of the file; None where it is none
    content: bytes


class _Parts:
    """What the parser found so far.

    Args:
        boundary: between parts.
        files: at most.
    """

    def __init__(self, boundary: bytes, files: int) -> None:
        self.found: list[Part] = []
        self.whole = False
        self._files, self._left = files, {True: files, False: FIELDS}
        self._pieces: list[bytes] = []
        self._size = 0
        self._header, self._value, self._said = b"", b"", b""
        self._name, self._file = "", None
        names = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end")
        calls = {f"on_{name}": getattr(self, f"_{name}") for name in (*names, "headers_finished", "end")}
        self.parser = MultipartParser(boundary, calls)  # type: ignore[arg-type]

    _name: str
    _file: str | None

    def _part_begin(self) -> None:
        self._pieces, self._size, self._said = [], 0, b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._said = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._said)
        if b"name" not in options:
            raise Problem("invalid", "the form cannot be read: a part without a name")
        self._name = _text(options[b"name"])
        self._file = _text(options[b"filename"]) if b"filename" in options else None
        is_file = self._file is not None
        self._left[is_file] -= 1
        if self._left[is_file] < 0:
            most = f"{self._files:,} files" if is_file else f"{FIELDS} fields besides files"
            raise Problem("too-large", f"the form has more than {most}")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._file is None and self._size > FIELD_BYTES:
            raise Problem("too-large", f"field {self._name[:50]!r} has more than {FIELD_BYTES:,} bytes")
        self._pieces.append(data[start:end])

    def _part_end(self) -> None:
        self.found.append(Part(self._name, self._file, b"".join(self._pieces)))
        self._pieces = []

    def _end(self) -> None:
        self.whole = True


async def read_form(headers: Mapping[str, str], stream: AsyncIterable[bytes], *, files: int) -> list[Part]:
    """Return the parts of a form, in their order.

    Args:
        headers: of the request, names in small letters.
        stream: the body.
        files: at most.

    Raises:
        Problem: it is no form, too much, or ends before its end.
    """
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem("unsupported", "send the form as it is, without Content-Encoding")
    said, options = parse_options_header(headers.get("content-type", ""))
    if said.decode("latin-1").lower() != KIND:
        raise Problem("unsupported", f"send {KIND}, not {said.decode('latin-1')[:100] or 'nothing'}")
    if options.get(b"charset", b"utf-8").lower() not in CHARSETS:
        raise Problem("unsupported", "names in a form are UTF-8")
    if not options.get(b"boundary"):
        raise Problem("invalid", "the form cannot be read: its header names no boundary")
    try:
        parts = _Parts(options[b"boundary"], files)
        async for piece in stream:
            if not parts.whole:  # what follows the end counts for nothing
                parts.parser.write(piece)
    except FormParserError as error:
        raise Problem("invalid", f"the form cannot be read: {error}") from None
    if not parts.whole:
        raise Problem("invalid", "the form ends before its last boundary; send it again")
    return parts.found


def _text(said: bytes) -> str:
    return said.decode("utf-8", "replace")
