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
        stated = Headers(scope=scope).get("content-length", "0")
        coming = int(stated) if stated.isdecimal() else 0
        if self._requests >= self._limits.requests or self._bytes + coming > self._limits.in_flight_bytes:
            busy = Problem("busy", "as much is being worked on as this server bears; ask again", retry_s=RETRY_S)
            await busy.response()(scope, receive, send)
            return
        body = _Body(self, receive, coming, self._limits)
        self._requests += 1
        self._bytes += coming
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
            self._requests -= 1
            self._bytes -= max(coming, body.came)

    def more(self, size: int) -> None:
        """Count bytes that came without having been stated.

        Raises:
            Problem: there are too many in all.
        """
        self._bytes += size
        if self._bytes > self._limits.in_flight_bytes:
            raise Problem("busy", "as much is being worked on as this server bears; ask again", retry_s=RETRY_S)


class _Body:
    """The body of a request, which has to come."""

    def __init__(self, gate: Gate, receive: Receive, stated: int, limits: Limits) -> None:
        self._gate, self._receive, self._stated, self._limits = gate, receive, stated, limits
        self._begun = asyncio.get_running_loop().time()
        self._whole = False
        self.came = 0

    async def receive(self) -> Message:
        """Pass on what came.

        Raises:
            Problem: it comes too slowly, or the server has too much at once.
        """
        if self._whole:  # what is waited for now is that the client goes away
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
        if self.came + size > self._stated:
            self._gate.more(self.came + size - max(self._stated, self.came))
        self.came += size
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message
