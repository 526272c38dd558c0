"""GET /v1/slides, what each is and how it looks, and POST of a job."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi import Path as InPath
from starlette.responses import Response

from cancernet.serve.engine import Engine
from cancernet.serve.job_schemas import Job, JobRequest, SlideAbout, SlidePage
from cancernet.serve.jobs import Asked
from cancernet.serve.routes.common import SENT, as_json, engine_of, problems
from cancernet.serve.slides import Slide

JPEG = "image/jpeg"
Id = Annotated[str, InPath(pattern="^[0-9a-f]{16}$")]
Limit = Annotated[int, Query(ge=1, le=1000, description="at most so many")]
After = Annotated[str, Query(max_length=16, description="`next` of the page before")]
Key = Annotated[
    str, Header(max_length=255, description="of your own, so that a request sent twice makes one job: a UUID, say")
]

routes = APIRouter(prefix="/v1/slides", tags=["slides"])


@routes.get(
    "",
    operation_id="list_slides",
    summary="List the slides",
    response_model=SlidePage,
    responses=problems("not-found", "invalid"),
)
async def listed(request: Request, limit: Limit = 100, after: After = "") -> Response:
    """What lies below the folder that the server was started with, its sub-folders too."""
    engine = engine_of(request)
    return as_json(await engine.ask(engine.jobs.list_slides, limit, after))


@routes.get(
    "/{slide}",
    operation_id="slide",
    summary="Size and scale of a slide",
    response_model=SlideAbout,
    responses=problems("not-found", "invalid", "scale-unknown"),
)
async def about(request: Request, slide: Id) -> Response:
    """Read once, and known from then on.

    A slide that does not state its scale is answered with `scale-unknown`; the job has to say `mpp` then.
    """
    engine = engine_of(request)
    found = await engine.ask(engine.jobs.slide, slide)
    return as_json(await engine.ask(engine.jobs.about, found, await _look(engine, found)))


@routes.get(
    "/{slide}/thumbnail",
    operation_id="thumbnail",
    summary="A slide, small",
    response_class=Response,
    responses={200: {"content": {JPEG: {}}}, **problems("not-found", "invalid")},
)
async def thumbnail(request: Request, slide: Id) -> Response:
    """A JPEG of 512 px or less."""
    engine = engine_of(request)
    found = await engine.ask(engine.jobs.slide, slide)
    look = await _look(engine, found)
    return Response(await engine.ask(engine.jobs.thumbnail, found, look), media_type=JPEG)


@routes.post(
    "/{slide}/jobs",
    operation_id="map_slide",
    summary="Have a slide mapped",
    status_code=202,
    response_model=Job,
    responses=problems("not-found", "too-many", *SENT),
)
async def submit(request: Request, slide: Id, asked: JobRequest | None = None, idempotency_key: Key = "") -> Response:
    """As `cancernet slide` does, when its turn comes. Jobs outlive the server."""
    engine = engine_of(request)
    found = await engine.ask(engine.jobs.slide, slide)
    said = Asked(**(asked or JobRequest()).model_dump())
    job = await engine.ask(engine.jobs.submit, found, said, idempotency_key)
    told = await engine.ask(engine.jobs.told, job)
    return as_json(told, status=202, headers={"Location": f"/v1/jobs/{job.id}"})


async def _look(engine: Engine, slide: Slide) -> dict[str, Any]:
    known = await engine.ask(engine.jobs.look_known, slide)
    return known if known is not None else await engine.look(engine.jobs.look, slide)
