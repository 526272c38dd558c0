"""The application: routes behind a gate behind a guard."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.status import HTTP_400_BAD_REQUEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cancernet.common.errors import UserError
from cancernet.common.version import __version__
from cancernet.model.model import Model
from cancernet.serve import problems
from cancernet.serve.engine import Engine, Metrics
from cancernet.serve.gate import Gate
from cancernet.serve.guard import Guard, secure
from cancernet.serve.routes import about, jobs, patches, reviews, slides
from cancernet.serve.settings import Settings

ABOUT = """Tells malignant from benign breast tissue in H&E patches. **For research and teaching only**, not for
diagnosis.

What cannot be judged (bare glass, out of focus, a foreign stain) is `unsure`, with the `reason`; a file that cannot be
used is listed in `errors`. Errors are problem documents (RFC 9457)."""


def make_app(settings: Settings, model: Model) -> FastAPI:
    """Return the application.

    Args:
        settings: how it is started.
        model: which answers.
    """
    engine = Engine(model, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with engine.state, engine.jobs:
            if not engine.ready:
                engine.warm()
            yield
            engine.ready = False

    app = _App(
        title="CancerNet",
        version=__version__,
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,  # those pages fetch their scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        max_body_size=settings.limits.json_bytes,
        redirect_slashes=False,
    )
    app.state.engine = engine
    for kind, handler in (
        (problems.Problem, problems.of_problem),
        (HTTPException, problems.of_http),
        (RequestValidationError, problems.of_validation),
        (UserError, problems.of_user_error),
        (ClientDisconnect, problems.of_gone),
        (Exception, problems.of_any),
    ):
        app.add_exception_handler(kind, handler)
    app.include_router(about.routes)
    app.include_router(patches.router(settings.limits))
    app.include_router(slides.routes)
    app.include_router(jobs.routes)
    app.include_router(reviews.router(settings.limits))
    app.add_middleware(Gate, limits=settings.limits)
    app.add_middleware(Guard, settings=settings, sessions=engine.sessions)
    return app


class _App(FastAPI):
    """Counts and mends what its own layers answer, which stand outside of all that can be added."""

    def openapi(self) -> dict[str, Any]:
        """Return the schema, in which an error is a problem document and nothing else."""
        found = super().openapi()
        for operations in found["paths"].values():
            for operation in operations.values():
                for answer in operation["responses"].values():
                    if problem := answer.get("content", {}).get(problems.MEDIA_TYPE):
                        answer["content"] = {problems.MEDIA_TYPE: problem}
        return found

    def build_middleware_stack(self) -> ASGIApp:
        """Return all layers."""
        return Counted(Told(super().build_middleware_stack()), self.state.engine.metrics)


class Told:
    """ASGI middleware: what the framework tells in plain text, as of a body that is too large, is a problem too.

    Args:
        app: what lies behind.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        replaced = False

        async def told(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start":
                secure(message)
                kind = dict(message["headers"]).get(b"content-type", b"")
                if message["status"] >= HTTP_400_BAD_REQUEST and kind.startswith(b"text/plain"):
                    replaced = True
                    await problems.of_status(message["status"]).response()(scope, receive, ours)
            if not replaced:
                await send(message)

        async def ours(message: Message) -> None:
            if message["type"] == "http.response.start":
                secure(message)
            await send(message)

        await self._app(scope, receive, told)


class Counted:
    """ASGI middleware that counts answers by route and status.

    Args:
        app: what lies behind.
        metrics: the counts.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count an answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            route = getattr(scope.get("route"), "path", "none")  # its pattern: paths would be without number
            self._metrics.requests.labels(method=_method(scope["method"]), route=route, status=str(status)).inc()
            self._metrics.seconds.labels(route=route).observe(time.perf_counter() - begun)


def _method(method: str) -> str:
    """A method that there is; a client can make up others without number."""
    return method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
