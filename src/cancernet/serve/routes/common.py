"""What routes share: the engine of a request, answers as JSON, errors as the schema shows them."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import Request
from starlette.responses import Response

from cancernet.serve.engine import Engine
from cancernet.serve.problems import MEDIA_TYPE, TITLES
from cancernet.serve.schemas import ProblemDetails

Schema = dict[str, Any]


def engine_of(request: Request) -> Engine:
    """Return what all requests share."""
    return request.app.state.engine


def as_json(answer: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return plain data as JSON; it is the schema's by the tests, and not checked again each time."""
    return Response(msgspec.json.encode(answer), status, headers, "application/json")


def problems(*kinds: str) -> dict[int | str, Schema]:
    """Return the errors of a route for its schema; any route may have the first ones."""
    found: dict[int | str, Schema] = {}
    for kind in ("unauthorized", "forbidden", "misdirected", "broken", "busy", *kinds):
        status, title = TITLES[kind]
        known = found.setdefault(
            status, {"model": ProblemDetails, "description": "", "content": {MEDIA_TYPE: {"schema": PROBLEM}}}
        )
        known["description"] = "; ".join(filter(None, [known["description"], title]))
    return found


PROBLEM = {"$ref": "#/components/schemas/ProblemDetails"}
SENT = ("too-slow", "too-large", "unsupported", "invalid")  # errors of what has a body


def form(name: str, *, several: bool, more: Schema | None = None) -> Schema:
    """Return the schema of a form with files, which routes read themselves: piece by piece, within limits."""
    file = {"type": "string", "format": "binary"}
    files: Schema = {"type": "array", "items": file, "minItems": 1} if several else file
    whole = {"type": "object", "properties": {name: files, **(more or {})}, "required": [name]}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": whole}}}}
