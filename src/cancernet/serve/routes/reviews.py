"""POST, GET and DELETE /v1/reviews, what is made of them, and how readers agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.responses import Response, StreamingResponse

from cancernet.serve.judgement import COLUMNS, NOTE, READER, VERDICTS, make_review, spelled
from cancernet.serve.problems import Problem
from cancernet.serve.review_export import csv_pieces, zip_pieces
from cancernet.serve.review_schemas import Agreement, Review, ReviewPage
from cancernet.serve.routes.common import SENT, as_json, engine_of, form, problems
from cancernet.serve.settings import Limits
from cancernet.serve.uploads import NAME, read_upload

CSV, ZIP = "text/csv; charset=utf-8", "application/zip"
Reader = Annotated[str, Query(max_length=READER, description="judgements of this reader alone")]
FIELDS = {
    "path": {"type": "string", "maxLength": NAME, "description": "name of the patch; that of the file if absent"},
    "reader": {"type": "string", "minLength": 1, "maxLength": READER, "description": "who judges"},
    "verdict": {"type": "string", "enum": list(VERDICTS)},
    "note": {"type": "string", "maxLength": NOTE},
}


def router(limits: Limits) -> APIRouter:
    """Return the routes, which take as much as the limits have it."""
    routes = APIRouter(prefix="/v1/reviews", tags=["reviews"])
    schema = form("file", several=False, more=FIELDS)
    whole = schema["requestBody"]["content"]["multipart/form-data"]["schema"]
    whole |= {"required": ["file", "reader", "verdict"], "additionalProperties": False}

    @routes.post(
        "",
        operation_id="review",
        summary="Judge a patch",
        responses={200: {"model": Review}, **problems("conflict", *SENT)},
        openapi_extra=schema,
        max_body_size=limits.review_bytes,
    )
    async def review(request: Request) -> Response:
        """Keep what a reader says of a patch. The server asks the model itself, of the patch by itself.

        The patch is kept with it, and nowhere else is one. A reader who judges the same pixels again replaces the
        judgement.
        """
        upload, engine = await read_upload(request, limits, name="file"), engine_of(request)
        made, png = await engine.work(make_review, engine.model, upload, limits)
        await engine.ask(engine.reviews.save, made, png)
        return as_json({name: getattr(made, name) for name in COLUMNS})

    @routes.get(
        "",
        operation_id="list_reviews",
        summary="List judgements",
        response_model=ReviewPage,
        responses=problems("invalid"),
    )
    async def listed(
        request: Request,
        reader: Reader = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        after: Annotated[str, Query(pattern=r"^\d{0,18}$", description="`next` of the page before")] = "",
    ) -> Response:
        """The oldest first."""
        engine = engine_of(request)
        return as_json(await engine.ask(engine.reviews.page, spelled(reader), limit, int(after or 0)))

    @routes.get(
        "/agreement",
        operation_id="agreement",
        summary="How readers agree",
        response_model=Agreement,
        responses=problems(),
    )
    async def agreement(request: Request) -> Response:
        """Cohen's kappa of each reader with the model and with each other reader, with an interval over patients."""
        engine = engine_of(request)
        return as_json(await engine.work(engine.reviews.agreement, engine.model.graph_sha256))

    @routes.get(
        "/export.csv",
        operation_id="export_reviews",
        summary="All judgements as CSV",
        response_class=Response,
        responses={200: {"content": {"text/csv": {}}}, **problems()},
    )
    async def as_csv(request: Request) -> Response:
        """The columns of a judgement; no cell is a formula."""
        return _sent(csv_pieces(engine_of(request).reviews.database), CSV, "reviews.csv")

    @routes.get(
        "/export.zip",
        operation_id="export_patches",
        summary="Judged patches in labelled folders",
        response_class=Response,
        responses={200: {"content": {ZIP: {}}}, **problems("not-found", "invalid")},
    )
    async def as_zip(request: Request, reader: Reader = "") -> Response:
        """PATIENT/benign and PATIENT/malignant, as `cancernet data check`, `train` and `evaluate` take them.

        Patches that are unsure, or on which readers differ, are left out and listed in a CSV in it.
        """
        engine = engine_of(request)
        if not await engine.ask(engine.reviews.has_any, spelled(reader)):
            raise Problem("not-found", "no patch was judged" + (" by that reader" if reader else ""))
        return _sent(zip_pieces(engine.reviews.database, spelled(reader)), ZIP, "reviews.zip")

    @routes.delete(
        "/{digest}",
        operation_id="delete_review",
        summary="Take a judgement back",
        status_code=204,
        response_class=Response,
        responses=problems("not-found", "invalid"),
    )
    async def delete(
        request: Request,
        digest: Annotated[str, InPath(pattern="^[0-9a-f]{32}$", description="`hash` of the judgement")],
        reader: Annotated[str, Query(min_length=1, max_length=READER, description="whose")],
    ) -> Response:
        """The patch is forgotten with the last judgement of it."""
        engine = engine_of(request)
        await engine.ask(engine.reviews.delete, digest, spelled(reader))
        return Response(status_code=204)

    return routes


def _sent(pieces: Iterator[bytes], kind: str, name: str) -> Response:
    return StreamingResponse(pieces, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
