"""How much may be asked: requests and bytes at once, how slowly a body may come, how long an answer may take."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cancernet.serve.guard import OPEN
from cancernet.serve.problems import Problem
from cancernet.serve.settings import Limits

RETRY_S = 1  # after which a busy server is asked again


class Gate:
    """ASGI middleware: what it refuses is refused before a byte of the body was kept.

    Args:
        app: what lies behind.
        limits: of the server.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits
        self._requests = self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        stated = int(headers.get("content-length", "0"))  # the parser lets nothing else through
        if stated > self._limits.in_flight_bytes:
            large = Problem("too-large", f"{stated:,} bytes; ask GET /v1/model what a request may have")
            await large.response()(scope, receive, send)
            return
        body = _Body(self, receive, self._limits)
        if not stated and "transfer-encoding" not in headers:
            if self._requests >= self._limits.requests:
                await _busy().response()(scope, receive, send)
                return
            body.enter()
        began = False

        async def sending(message: Message) -> None:
            nonlocal began
            began = True
            async with asyncio.timeout(self._limits.request_s):  # one that takes no answer holds none up
                await send(message)

        try:
            async with asyncio.timeout(self._limits.request_s):
                await self._app(scope, body.receive, sending)
        except TimeoutError:
            if began:
                raise
            late = Problem("too-long", f"no answer within {self._limits.request_s:g} s; send less at once", retry_s=30)
            with suppress(OSError):
                await late.response()(scope, receive, send)
        finally:
            self._requests -= body.entered
            self._bytes -= body.came

    def come(self, size: int) -> None:
        """Count bytes that came. What is stated counts for nothing: it costs a client nothing to state much.

        Raises:
            Problem: there are too many in all.
        """
        self._bytes += size
        if self._bytes > self._limits.in_flight_bytes:
            raise _busy()

    def begin(self) -> None:
        """Count a request that is whole; one that is being read takes nobody's place.

        Raises:
            Problem: there are too many.
        """
        if self._requests >= self._limits.requests:
            raise _busy()
        self._requests += 1


def _busy() -> Problem:
    return Problem("busy", "as much is being worked on as this server bears; ask again", retry_s=RETRY_S)


class _Body:
    """The body of a request, which has to come."""

    def __init__(self, gate: Gate, receive: Receive, limits: Limits) -> None:
        self._gate, self._receive, self._limits = gate, receive, limits
        self._begun = asyncio.get_running_loop().time()
        self.came, self.entered = 0, False

    def enter(self) -> None:
        """Be counted as at work."""
        self._gate.begin()
        self.entered = True

    async def receive(self) -> Message:
        """Pass on what came.

        Raises:
            Problem: it comes too slowly, or the server has too much at once.
        """
        if self.entered:  # what is waited for now is that the client goes away
            return await self._receive()
        until = self._begun + self._limits.patience_s + self.came / self._limits.rate
        try:
            async with asyncio.timeout_at(until):
                message = await self._receive()
        except TimeoutError:
            raise Problem(
                "too-slow", f"{self.came:,} bytes came in {self._limits.patience_s:g} s and more; send faster"
            ) from None
        size = len(message.get("body", b""))
        self.came += size
        self._gate.come(size)
        if message["type"] != "http.request" or not message.get("more_body", False):
            self.enter()
        return message
