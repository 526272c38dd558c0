"""What rows of hostile requests are made of, and what must come of one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from hostile.files import encoded
from hostile.made import tissue
from hostile.wire import Piece

HOST = "127.0.0.1:PORT"  # the port is put in when it is known
TOKEN = "a-token-of-the-tests"
EDGE = "edge"
SOUND = ("sound.png", encoded(tissue(), "PNG"))
DRIP = 0.02  # s between the bytes of one who is slow


class Hostile(NamedTuple):
    """A request and what must come of it."""

    name: str
    pieces: Callable[[], Iterable[Piece]]
    statuses: tuple[int, ...]  # any of them; CLOSED where HTTP leaves nothing to answer
    says: str = ""  # in the answer
    reads: bool = True
    ends: bool = False
    slow: bool = False  # takes as long as the server's patience


def head(line: str, *fields: str, host: str | None = HOST, token: str | None = TOKEN) -> bytes:
    """Return the head of a request."""
    lines = [line, *([f"Host: {host}"] if host is not None else [])]
    lines += [f"Authorization: Bearer {token}"] if token is not None else []
    return "\r\n".join([*lines, *fields, "", ""]).encode("latin-1")


def get(path: str, *fields: str, method: str = "GET", **options: str | None) -> Callable[[], list[Piece]]:
    """Return a request without a body."""
    return lambda: [head(f"{method} {path} HTTP/1.1", *fields, **options)]


def part(content: bytes, name: str = "x.png", field: str = "files", more: str = "") -> bytes:
    """Return a part of a form."""
    said = f'--{EDGE}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"{more}\r\n\r\n'
    return said.encode("utf-8") + content + b"\r\n"


def form(
    *files: tuple[str, bytes], path: str = "/v1/predict", field: str = "files", fields: tuple[str, ...] = ()
) -> list[Piece]:
    """Return a request with files."""
    return posted(b"".join(part(content, name, field) for name, content in files) + END, path=path, fields=fields)


END = f"--{EDGE}--\r\n".encode()
FORM = f"Content-Type: multipart/form-data; boundary={EDGE}"


def posted(
    body: bytes, kind: str = FORM, *, path: str = "/v1/predict", length: int | str | None = None,
    fields: tuple[str, ...] = (),
) -> list[Piece]:  # fmt: skip
    """Return a request with a body, whose length may be another than it states."""
    stated = len(body) if length is None else length
    return [head(f"POST {path} HTTP/1.1", kind, f"Content-Length: {stated}", *fields), body]


def json(body: bytes, path: str = "/v1/session") -> Callable[[], list[Piece]]:
    """Return a request with JSON."""
    return lambda: posted(body, "Content-Type: application/json", path=path)


def chunked(pieces: Iterable[Piece], *fields: str, path: str = "/v1/predict") -> Iterator[Piece]:
    """Yield a request whose body comes in chunks, not ended."""
    yield head(f"POST {path} HTTP/1.1", FORM, "Transfer-Encoding: chunked", *fields)
    for piece in pieces:
        yield piece if isinstance(piece, float) else b"%x\r\n%s\r\n" % (len(piece), piece)


def dripped(first: bytes, drop: bytes) -> Iterator[Piece]:
    """Yield something, and then drops without end."""
    yield first
    for _ in itertools.count():
        yield from (drop, DRIP)
