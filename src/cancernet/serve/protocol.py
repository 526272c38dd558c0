"""HTTP by uvicorn, with an end to patience and to size: what one connection may cost, whatever it sends.

uvicorn and its parser bound neither the bytes of a head nor how long one takes, and keep an answer that nobody reads.
Where a connection oversteps, it gets a problem document if that can still be told apart from another answer, and ends.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from cancernet.serve.guard import HEADERS, POLICY
from cancernet.serve.problems import Problem
from cancernet.serve.settings import Limits

HEAD_BYTES = 65_536  # of a head, of a trailer, of what a chunk says of itself; browsers send 2,000
HEAD_FIELDS = 100  # of a head and its trailers
PIPELINED = 8  # requests sent ahead of their answers; browsers send none
CONNECTIONS = 500  # open at once; a process may have 1,024 files open where nobody raised it


class PatientProtocol(HttpToolsProtocol):
    """A connection of a server with `limits`.

    A head has `patience_s` to come, what is left of a body after its answer likewise, and an answer is read at `rate`.
    """

    limits = Limits()
    _waiting: asyncio.TimerHandle | None = None  # for a head, or for the rest of a body that was answered
    _unread: asyncio.TimerHandle | None = None
    _reading = False  # within a request: after its head, before its last byte
    _last = False  # no request is taken after this one
    _deaf = False  # what comes is thrown away
    _loose = 0  # bytes since the parser gave out anything
    _problem = "malformed", "that is no request of HTTP/1.1"

    def connection_made(self, transport: Any) -> None:
        """Wait for a head; one who comes when there are too many takes the place of who has waited longest."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > CONNECTIONS:
            idle = [each for each in self.connections if isinstance(each, PatientProtocol) and not each._is_busy]
            min(idle, key=lambda each: each._until, default=self).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse, and count what does not get on."""
        if self._deaf:
            return
        self._loose += len(data)
        if self._loose > HEAD_BYTES + len(data):
            self._refuse("head-too-large", f"a head has {HEAD_BYTES:,} bytes at most")
            return
        super().data_received(data)
        if self._waiting is None and not self._reading and not self._is_busy and not self.transport.is_closing():
            self._wait()  # blank lines before a head end uvicorn's own wait for the next request

    def on_message_begin(self) -> None:
        """Wait for the rest of a head."""
        super().on_message_begin()
        self._wait()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of a head; what comes in a trailer, after the head was judged, counts for nothing."""
        if self._reading:
            return
        super().on_header(name, value)
        if len(self.headers) > HEAD_FIELDS:
            self._problem = "head-too-large", f"a head has {HEAD_FIELDS} fields at most"
            raise ValueError("too many fields")

    def on_headers_complete(self) -> None:
        """Wait no longer."""
        self._rest()
        self._loose, self._reading = 0, True
        if len(self.pipeline) >= PIPELINED:
            self.transport.abort()
            return
        if self.parser.should_upgrade() and self.parser.get_method() not in (b"GET", b"HEAD"):
            self._problem = "malformed", "no other protocol is spoken; ask without the header Upgrade"
            raise ValueError("the parser would take the body for that protocol's")
        super().on_headers_complete()
        # Whether a body follows that was to wait for leave, or what follows an upgrade, would be a guess.
        self._last |= not self.cycle.keep_alive or self.expect_100_continue or self.parser.should_upgrade()
        self.cycle.keep_alive = True  # this class ends the connection: at once, the answer could be lost

    def on_body(self, body: bytes) -> None:
        """Keep a piece of a body."""
        self._loose = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait no longer for the rest."""
        self._rest()
        self._loose, self._reading = 0, False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Give who was answered before all came some time to send the rest, which is thrown away."""
        super().on_response_complete()
        if self.transport.is_closing() or self._is_busy:
            return
        if self._last and not self._reading:
            self.transport.close()
        elif self._last:
            self._linger()
        elif self._reading:
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request."""
        self._refuse(*self._problem)

    def pause_writing(self) -> None:
        """Watch that an answer is read."""
        super().pause_writing()
        if self._unread is None:
            self._watch(self.transport.get_write_buffer_size())

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing."""
        self._rest()
        if self._unread is not None:
            self._unread.cancel()
        super().connection_lost(exc)

    @property
    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _until(self) -> float:
        return self._waiting.when() if self._waiting is not None else 0.0

    def _refuse(self, kind: str, detail: str) -> None:
        """Answer and end; end alone where an answer to what was asked before is still to come."""
        if self._is_busy and (self.cycle.response_started or not self.cycle.more_body or self.pipeline):
            self.transport.abort()
            return
        if self.cycle is not None:
            self.cycle.disconnected = True  # so that nothing else is written
            self.cycle.message_event.set()
        answer = Problem(kind, detail).response()
        answer.headers.update(dict([*HEADERS.items(), ("Content-Security-Policy", POLICY), ("Connection", "close")]))
        head = [name + b": " + value + b"\r\n" for name, value in answer.raw_headers]
        self.transport.write(b"".join([STATUS_LINE[answer.status_code], *head, b"\r\n", bytes(answer.body)]))
        self._linger()

    def _linger(self) -> None:
        """Say that no more is written, and end a little later: what is unread at the end takes the answer with it."""
        self._deaf = True
        self.transport.write_eof()
        self.flow.resume_reading()
        self._wait()

    def _watch(self, before: int) -> None:
        """End a connection whose client does not take what was written for it."""

        def look() -> None:
            self._unread = None
            now = self.transport.get_write_buffer_size()
            if before - now < min(before, self.limits.rate * self.limits.patience_s):
                self.transport.abort()
            elif now:
                self._watch(now)

        self._unread = self.loop.call_later(self.limits.patience_s, look)

    def _wait(self) -> None:
        self._rest()
        self._waiting = self.loop.call_later(self.limits.patience_s, self.transport.close)

    def _rest(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: anybody could fill the log."""
