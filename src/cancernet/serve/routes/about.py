"""The page, the model, health and counts; and the cookie that stands for the token in a browser."""

from __future__ import annotations

import hmac
import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, PlainTextResponse, Response

from cancernet.common.version import __version__
from cancernet.serve import answers, samples
from cancernet.serve.guard import COOKIE
from cancernet.serve.problems import Problem
from cancernet.serve.routes.common import SENT, as_json, engine_of, problems
from cancernet.serve.schemas import About

PAGE = "index.html"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
CARD = "CARD.md"
SHARED = ("style.css", "dark.css")  # of the reports, whose look the page has
STATIC = re.compile(r"\w[\w.-]{0,99}", re.ASCII)  # a name without folders, and none that a system refuses

routes = APIRouter()


class Shown(BaseModel):
    """The token of this server."""

    token: Annotated[str, Field(max_length=1000, examples=["9f86d081884c7d659a2feaa0c55ad015"])]


@routes.get("/healthz", tags=["server"], operation_id="health", summary="Whether the process runs")
async def health() -> dict[str, str]:
    """Whether the process runs."""
    return {"status": "ok"}


@routes.get("/readyz", tags=["server"], operation_id="ready", summary="Whether it can answer", responses=problems())
async def ready(request: Request) -> dict[str, str]:
    """Whether the model is loaded."""
    if not engine_of(request).ready:
        raise Problem("busy", "the model is being loaded", retry_s=1)
    return {"status": "ready"}


@routes.get(
    "/metrics",
    tags=["server"],
    operation_id="metrics",
    summary="Counts",
    response_class=PlainTextResponse,
    responses=problems(),
)
async def metrics(request: Request) -> Response:
    """Counts, in the format of Prometheus."""
    return Response(engine_of(request).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@routes.post(
    "/v1/session",
    tags=["server"],
    operation_id="open_session",
    summary="Show the token",
    status_code=204,
    responses=problems(*SENT),
)
async def session(request: Request, shown: Shown) -> Response:
    """Get a cookie that stands for the token, as a page cannot send that with its pictures."""
    engine = engine_of(request)
    if engine.settings.token and not hmac.compare_digest(shown.token.encode(), engine.settings.token.encode()):
        raise Problem("unauthorized", "that is not the token of this server")
    answer = Response(status_code=204)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, engine.sessions.open(), httponly=True, samesite="strict", secure=secure)
    return answer


@routes.get(
    "/v1/model",
    tags=["model"],
    operation_id="model",
    summary="The model that answers",
    response_model=About,
    responses=problems(),
)
async def model(request: Request) -> Response:
    """Threshold, bands, what it learned from, and what this server bears."""
    engine = engine_of(request)
    manifest, limits = engine.model.manifest, engine.settings.limits
    told = {
        "model": answers.stamp(engine.model),
        "version": __version__,
        "size_px": engine.model.size_px,
        "mpp": engine.model.mpp,
        "target_recall": manifest.target_recall,
        "thresholds": engine.model.thresholds,
        "bands": [{"target": band.target, "width": band.width} for band in engine.model.bands],
        "context": engine.model.context is not None,
        "created": manifest.created,
        "patients": sum(side == "train" for side in manifest.split.patients.values()),
        "patches": manifest.data.n_patches,
        "card": "/v1/model/card",
        "limits": {
            "body_bytes": limits.body_bytes,
            "field_bytes": limits.field_bytes,
            "files": limits.files,
            "patches": limits.patches,
            "explained": answers.EXPLAINED,
        },
        "slides": engine.settings.slides is not None,
    }
    return as_json(told)


@routes.get(
    "/v1/model/card",
    tags=["model"],
    operation_id="model_card",
    summary="Its model card",
    response_class=PlainTextResponse,
    responses={**problems("not-found")},
)
async def card(request: Request) -> Response:
    """The model card, as Markdown."""
    path = engine_of(request).model.folder / CARD
    if not path.is_file():
        raise Problem("not-found", "this model has no card; cancernet card makes one")
    return Response(path.read_bytes(), media_type="text/plain; charset=utf-8")


@routes.get(
    "/v1/samples/{number}.png",
    tags=["model"],
    operation_id="sample",
    summary="A patch to try, drawn by a program",
    responses={200: {"content": {"image/png": {}}}, **problems("not-found", "invalid")},
)
async def sample(request: Request, number: int) -> Response:
    """One of three patches without any real tissue; what the model answers on them means nothing."""
    try:
        drawn = await engine_of(request).work(samples.draw, number)
    except IndexError:
        raise Problem("not-found", f"samples are numbered from 1 to {len(samples.SAMPLES)}") from None
    return Response(drawn, media_type="image/png")


@routes.get("/v1/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """The schema of this API."""
    return JSONResponse(request.app.openapi())


@routes.get("/", include_in_schema=False)
async def page() -> Response:
    """The page."""
    return _shipped(PAGE)


@routes.get("/static/{name}", include_in_schema=False)
async def static(name: str) -> Response:
    """A file of the page."""
    return _shipped(name)


def _shipped(name: str) -> Response:
    folders: tuple[Traversable, ...] = (
        resources.files("cancernet.serve") / "page",
        resources.files("cancernet.maps") / "vendor",
    )
    suffix = PurePosixPath(name).suffix
    if name in SHARED:
        folders = (resources.files("cancernet.report") / "templates",)
    for folder in folders:
        file = folder / name
        if suffix in KINDS and STATIC.fullmatch(name) and file.is_file():
            return Response(file.read_bytes(), media_type=KINDS[suffix])
    raise Problem("not-found", "no such file")
