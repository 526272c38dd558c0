"""Many clients in one light process: raw sockets, requests made beforehand, one selector."""

from __future__ import annotations

import json
import multiprocessing
import select
import selectors
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

EDGE = b"serve-load"


class Loads(NamedTuple):
    """What came of some requests."""

    seconds: list[float]  # of each
    failed: int  # answered other than 200, or without a decision for each patch
    wall: float  # s, of all


def request(files: Sequence[Path], token: str = "") -> bytes:
    """Return a whole request to predict."""
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n%s\r\n'
        % (EDGE, file.name.encode(), file.read_bytes())
        for file in files
    ]
    body = b"".join(parts) + b"--%s--\r\n" % EDGE
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n{bearer}"
        f"Content-Type: multipart/form-data; boundary={EDGE.decode()}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def load(port: int, requests: Sequence[bytes], *, clients: int, rate: float = 0.0) -> Loads:
    """Send requests from a process of its own, each client the next as soon as it was answered.

    Args:
        port: of the server, on this machine.
        requests: from `request`.
        clients: at once.
        rate: requests a second in all; 0 as fast as they are answered.
    """
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    child = multiprocessing.get_context("spawn").Process(target=_clients, args=(theirs, port, requests, clients, rate))
    child.start()
    theirs.close()
    found: Loads = ours.recv()
    child.join()
    return found


def _clients(pipe, port: int, requests: Sequence[bytes], clients: int, rate: float) -> None:  # type: ignore[no-untyped-def]
    waiting = [each.replace(b"PORT", str(port).encode(), 1) for each in reversed(requests)]
    chosen = selectors.DefaultSelector()
    begun, sent, failed, seconds = time.perf_counter(), 0, 0, list[float]()
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(clients)]
    for link in idle:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    busy: dict[socket.socket, tuple[float, bytearray]] = {}
    while waiting or busy:
        now = time.perf_counter()
        while idle and waiting and (not rate or now >= begun + sent / rate):
            link, what = idle.pop(), waiting.pop()
            if _is_over(link):  # as a server ends one that was idle; every client opens another then
                link = socket.create_connection(("127.0.0.1", port))
            busy[link] = (time.perf_counter(), bytearray())
            link.sendall(what)
            chosen.register(link, selectors.EVENT_READ)
            sent += 1
        for key, _ in chosen.select(0.002 if rate else 0.5):
            link = key.fileobj
            assert isinstance(link, socket.socket)
            since, came = busy[link]
            got = link.recv(1 << 16)
            came += got
            if got and not _whole(came):
                continue
            seconds.append(time.perf_counter() - since)
            failed += not _good(bytes(came))
            del busy[link]
            chosen.unregister(link)
            if not got:
                link = socket.create_connection(("127.0.0.1", port))
            idle.append(link)
    pipe.send(Loads(seconds, failed, time.perf_counter() - begun))


def _is_over(link: socket.socket) -> bool:
    return bool(select.select([link], [], [], 0)[0])


def _whole(came: bytearray) -> bool:
    end = came.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = came[:end].lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return len(came) >= end + 4 + int(length or 0)


def _good(came: bytes) -> bool:
    head, _, body = came.partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 200") and bool(json.loads(body)["patches"]) and not json.loads(body)["errors"]
