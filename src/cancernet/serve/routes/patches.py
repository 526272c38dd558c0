"""POST /v1/predict, /v1/explain and /v1/fields."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from cancernet.model.travel import ticket
from cancernet.serve import answers
from cancernet.serve.engine import Engine
from cancernet.serve.fields import Field as Large
from cancernet.serve.fields import map_sent
from cancernet.serve.problems import Problem
from cancernet.serve.routes.common import SENT, as_json, engine_of, form, problems
from cancernet.serve.schemas import Explanation, FieldAnswer, Prediction
from cancernet.serve.settings import Limits
from cancernet.serve.uploads import Upload, read_upload

CSV = "text/csv"


class Asked(BaseModel):
    """What may be asked of a prediction; a word that is misspelt is refused, not left out."""

    model_config = ConfigDict(extra="forbid")
    abstain: Annotated[
        float | None, Field(gt=0, lt=1, examples=[0.1], description="share of patches to leave unsure")
    ] = None
    alone: Annotated[bool, Field(examples=[False], description="judge each patch by itself")] = False


class Scale(BaseModel):
    """What may be said of a field."""

    model_config = ConfigDict(extra="forbid")
    mpp: Annotated[
        float | None, Field(gt=0, le=20, examples=[0.25], description="um a pixel, where the file does not say")
    ] = None


class Nothing(BaseModel):
    """Nothing may be asked."""

    model_config = ConfigDict(extra="forbid")


def router(limits: Limits) -> APIRouter:
    """Return the routes, which take as much as the limits have it."""
    routes = APIRouter(prefix="/v1", tags=["patches"])

    @routes.post(
        "/predict",
        operation_id="predict",
        summary="Give patches a probability of malignant",
        responses={200: {"model": Prediction, "content": {CSV: {}}}, **problems("not-acceptable", *SENT)},
        openapi_extra=form("files", several=True),
        max_body_size=limits.body_bytes,
    )
    async def predict(request: Request, asked: Annotated[Asked, Query()]) -> Response:
        """Patches (PNG, JPEG, TIFF, at about 4 um a pixel) and zips of them.

        Those of one patient or folder are judged together, as on the command line. With `Accept: text/csv` the answer
        is predictions.csv.
        """
        kind = _accepted(request.headers.get("accept", "*/*"))
        upload, engine = await read_upload(request, limits, fields=()), engine_of(request)
        found = await engine.work(_predict, engine, upload, asked.abstain, asked.alone)
        stamp = {"X-CancerNet-Model": engine.model.graph_sha256}
        if kind == CSV:
            return Response(answers.as_csv(found), media_type=f"{CSV}; charset=utf-8", headers=stamp)
        return as_json(found, headers=stamp)

    @routes.post(
        "/explain",
        operation_id="explain",
        summary="Show why patches are called what they are",
        responses={200: {"model": Explanation}, **problems(*SENT)},
        openapi_extra=form("files", several=True),
        max_body_size=limits.body_bytes,
    )
    async def explain(request: Request, _: Annotated[Nothing, Query()]) -> Response:
        """A few patches, each by itself: where the evidence lies, and which training patches are most like it."""
        upload, engine = await read_upload(request, limits, fields=()), engine_of(request)
        return as_json(await engine.work(_explain, engine, upload))

    @routes.post(
        "/fields",
        operation_id="map_field",
        summary="Map a large field",
        responses={200: {"model": FieldAnswer}, **problems("scale-unknown", "too-long", *SENT)},
        openapi_extra=form("file", several=False),
        max_body_size=limits.field_bytes,
    )
    async def fields(request: Request, asked: Annotated[Scale, Query()]) -> Response:
        """One image of many patches, as `cancernet slide` maps it; it is gone with the answer.

        Where the file does not say how many um a pixel has, `mpp` has to: the error is `scale-unknown` then.
        """
        upload, engine = await read_upload(request, limits, name="file", fields=()), engine_of(request)
        if len(upload.files) != 1:
            raise Problem("invalid", "send one field at a time")
        return as_json(await engine.map(_field, engine, upload, asked.mpp))

    return routes


def _accepted(accept: str) -> str:
    """Return which of the two forms a client takes.

    Raises:
        Problem: neither.
    """
    kinds = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    for kind in kinds:
        if kind in (CSV, "text/*"):
            return CSV
        if kind in ("application/json", "application/*", "*/*", ""):
            return "application/json"
    raise Problem("not-acceptable", f"answers are application/json or {CSV}")


def _predict(engine: Engine, upload: Upload, abstain: float | None, alone: bool) -> dict[str, Any]:
    with upload.stream(engine.settings.limits) as stream:
        found = answers.predict(engine.model, stream, abstain=abstain, alone=alone)
    for decision in ("malignant", "benign", "unsure"):
        count = sum(each["decision"] == decision for each in found["patches"])
        engine.metrics.patches.labels(decision=decision).inc(count)
    engine.metrics.refused.inc(len(found["errors"]))
    return found


def _explain(engine: Engine, upload: Upload) -> dict[str, Any]:
    with upload.stream(engine.settings.limits) as stream:
        if len(stream) > answers.EXPLAINED:
            raise Problem("too-large", f"{len(stream):,} patches; at most {answers.EXPLAINED} are explained at once")
        return answers.explain(engine.model, engine.index, stream)


def _field(engine: Engine, upload: Upload, mpp: float | None) -> dict[str, Any]:
    [(name, content)] = upload.files.items()
    model = ticket(engine.model, threads=engine.settings.threads)
    with tempfile.TemporaryDirectory(prefix="cancernet-") as folder:
        path = Path(folder) / f"field{PurePosixPath(name).suffix.lower()[:10]}"
        path.write_bytes(content)
        limits = engine.settings.limits
        found = map_sent(Large(path, mpp, model, limits.field_pixels), limits)
    return {"model": answers.stamp(engine.model), "name": name, **found}
