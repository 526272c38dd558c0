"""GET and DELETE of jobs, and their results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.responses import FileResponse, Response

from cancernet.maps import viewer
from cancernet.serve.job_schemas import Job, JobPage, State
from cancernet.serve.routes import about
from cancernet.serve.routes.common import as_json, engine_of, problems
from cancernet.serve.routes.slides import JPEG, After, Id, Limit

PLAIN = "text/plain; charset=utf-8"
KINDS = about.KINDS | {
    ".jpg": JPEG,
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".txt": PLAIN,
    ".groovy": PLAIN,
}
SHOWN = (*about.KINDS, ".jpg", ".txt")  # in the browser; the others are saved
Place = Annotated[int, InPath(ge=0, le=1_000_000)]

routes = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@routes.get(
    "",
    operation_id="list_jobs",
    summary="List the jobs",
    response_model=JobPage,
    responses=problems("not-found", "invalid"),
)
async def listed(
    request: Request,
    state: Annotated[State | None, Query(description="these alone")] = None,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """The newest first."""
    engine = engine_of(request)
    return as_json(await engine.ask(engine.jobs.list_jobs, state, limit, after))


@routes.get(
    "/{job}",
    operation_id="job",
    summary="What became of a job",
    response_model=Job,
    responses=problems("not-found", "invalid"),
)
async def one(request: Request, job: Id) -> Response:
    """State, progress and, once it is done, what was found."""
    engine = engine_of(request)
    return as_json(await engine.ask(lambda: engine.jobs.told(engine.jobs.get(job))))


@routes.delete(
    "/{job}",
    operation_id="delete_job",
    summary="Cancel a job, or remove one that has ended",
    status_code=204,
    response_class=Response,
    responses=problems("not-found", "invalid"),
)
async def delete(request: Request, job: Id) -> Response:
    """One that waits or runs is `canceled`; one that has ended is gone, and its results."""
    engine = engine_of(request)
    await engine.ask(engine.jobs.delete, job)
    return Response(status_code=204)


@routes.get(
    "/{job}/files/{name:path}",
    operation_id="job_file",
    summary="A file of its results",
    response_class=FileResponse,
    responses=problems("not-found", "invalid", "conflict"),
)
async def file(request: Request, job: Id, name: Annotated[str, InPath(max_length=500)]) -> Response:
    """What `cancernet slide` writes: viewer.html and what it needs, patches.csv, regions.geojson, summary.json."""
    engine = engine_of(request)
    return _sent(await engine.ask(engine.jobs.file, job, name))


@routes.get(
    "/{job}/tiles/{level}/{x}_{y}.jpg",
    operation_id="job_tile",
    summary="A tile of the slide",
    response_class=FileResponse,
    responses=problems("not-found", "invalid", "conflict"),
)
async def tile(request: Request, job: Id, level: Place, x: Place, y: Place) -> Response:
    """Level 0 is one tile of 512 px or less; each level is twice the one before."""
    engine = engine_of(request)
    return _sent(await engine.ask(engine.jobs.file, job, f"{viewer.TILES}/{level}/{x}_{y}.jpg"))


def _sent(path: Path) -> Response:
    kind = path.suffix.lower()
    how = "inline" if kind in SHOWN else "attachment"
    media_type = KINDS.get(kind, "application/octet-stream")
    return FileResponse(path, media_type=media_type, filename=path.name, content_disposition_type=how)
