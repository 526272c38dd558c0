"""Bytes to a server and what comes back, piece by piece, as no well-behaved client would send them."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

CLOSED = 0  # in place of a status: the connection ended without an answer
WAITED = -1  # neither an answer nor an end came in time
LONG = 10_000_000  # bytes of a piece that is no head
Piece = bytes | float  # to send, or seconds to wait meanwhile


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]  # names in small letters
    body: bytes
    seconds: float  # from the first byte sent to the end of the answer

    @property
    def problem(self) -> str:
        """What is wrong with an error as a problem document; "" where it is one, or no error."""
        if self.status < 400 or not self.body:
            return ""
        if self.headers.get("content-type") != "application/problem+json":
            return f"{self.status} as {self.headers.get('content-type')}"
        try:
            told = json.loads(self.body)
        except ValueError:
            return "no JSON"
        good = (
            isinstance(told, dict)
            and told.get("status") == self.status
            and all(isinstance(told.get(name), str) and told[name] for name in ("type", "title", "detail"))
        )
        return "" if good else f"members {sorted(told)}"


def exchange(port: int, pieces: Iterable[Piece], *, within_s: float, reads: bool = True, ends: bool = False) -> Reply:
    """Send pieces to a server on this machine until it answers, and return the first answer.

    Args:
        port: of the server.
        pieces: to send in turn; there may be no end of them.
        within_s: that are waited for an answer or an end.
        reads: take what comes; otherwise nothing is read before the end of the pieces.
        ends: say after the last piece that no more will come.
    """
    begun = time.perf_counter()
    came, first = bytearray(), b""
    with socket.socket() as link:
        if not reads:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.connect(("127.0.0.1", port))
        link.setblocking(False)
        left, data, resume = iter(pieces), memoryview(b""), 0.0
        more, is_open = True, True
        while (now := time.perf_counter()) < begun + within_s and is_open:
            if more and not data and now >= resume:
                piece = next(left, None)
                if piece is None:
                    more = False
                    if ends:
                        link.shutdown(socket.SHUT_WR)
                elif isinstance(piece, float):
                    resume = now + piece
                else:
                    data, first = memoryview(piece), first or piece[:10]
            takes = [link] if reads or not more else []
            wait = 0.01 if more and not data else 0.1
            ready, free, _ = select.select(takes, [link] if data else [], [], wait)
            try:
                if free:
                    data = data[link.send(data) :]
                if ready:
                    got = link.recv(1 << 16)
                    is_open = bool(got)
                    came += got
            except OSError:
                is_open = False
            if came and _whole(bytes(came), bodyless=first.startswith(b"HEAD ")):
                break
    return _reply(bytes(came), time.perf_counter() - begun, is_open=is_open)


def judged(case: Any, port: int, *, within_s: float) -> tuple[Reply, list[str]]:
    """Send a `Hostile` request, and return the reply and what is not as it should be."""
    own = str(port).encode()
    pieces = (
        each.replace(b"PORT", own) if isinstance(each, bytes) and len(each) < LONG else each for each in case.pieces()
    )
    reply = exchange(port, pieces, within_s=within_s, reads=case.reads, ends=case.ends)
    wrong = [] if reply.status in case.statuses else [f"status {reply.status}, not {case.statuses}"]
    wrong += [reply.problem] if reply.problem else []
    wrong += [] if case.says.encode() in reply.body else [f"says not {case.says!r}"]
    return reply, wrong


def _whole(came: bytes, *, bodyless: bool) -> bool:
    head, found, body = came.partition(b"\r\n\r\n")
    if not found or head.startswith(b"HTTP/1.1 100"):
        return False
    return bodyless or len(body) >= int(_fields(head).get("content-length", 0))


def _fields(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _reply(came: bytes, seconds: float, *, is_open: bool) -> Reply:
    if came.startswith(b"HTTP/1.1 100"):
        came = came.partition(b"\r\n\r\n")[2]
    head, found, body = came.partition(b"\r\n\r\n")
    if not found:
        return Reply(WAITED if is_open else CLOSED, {}, b"", seconds)
    return Reply(int(head[9:12]), _fields(head), body, seconds)
