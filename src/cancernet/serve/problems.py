"""Errors as RFC 9457 has them: `application/problem+json` with type, title, status and detail."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.status import HTTP_500_INTERNAL_SERVER_ERROR

MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:cancernet:problem:"  # of a type; no address that anybody would have to serve

TITLES = {
    "malformed": (400, "Not a request"),
    "unauthorized": (401, "A token is needed"),
    "forbidden": (403, "Not from there"),
    "not-found": (404, "Nothing there"),
    "method-not-allowed": (405, "Not with this method"),
    "not-acceptable": (406, "Not in this form"),
    "too-slow": (408, "The request came too slowly"),
    "conflict": (409, "Not as things are"),
    "too-large": (413, "Too large"),
    "unsupported": (415, "Not of this kind"),
    "misdirected": (421, "Not under this name"),
    "invalid": (422, "Cannot be used"),
    "scale-unknown": (422, "Its scale has to be said"),
    "head-too-large": (431, "Its head is too large"),
    "too-many": (429, "Too many at once"),
    "broken": (500, "A fault of the server"),
    "busy": (503, "Busy"),
    "too-long": (503, "It took too long"),
}  # fmt: skip
BY_STATUS = {
    400: "invalid",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported",
    500: "broken",
}
DETAILS = {413: "more bytes than such a request may have; GET /v1/model says how many"}


class Problem(Exception):  # noqa: N818 - the name of the standard
    """An answer that is an error.

    Args:
        kind: one of `TITLES`.
        detail: what was wrong, where, what to do.
        retry_s: after how many seconds it may go better.
        more: further members of the document.
    """

    def __init__(self, kind: str, detail: str, *, retry_s: int | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.more = kind, detail, more
        self.status, self.title = TITLES[kind]
        self.headers = {} if retry_s is None else {"Retry-After": str(retry_s)}
        if kind == "unauthorized":
            self.headers["WWW-Authenticate"] = "Bearer"

    def response(self) -> Response:
        """Return the document."""
        told = {"type": PREFIX + self.kind, "title": self.title, "status": self.status, "detail": self.detail}
        return Response(msgspec.json.encode(told | self.more), self.status, self.headers, MEDIA_TYPE)


async def of_problem(_: Request, problem: Exception) -> Response:
    """Answer with a Problem."""
    assert isinstance(problem, Problem)
    return problem.response()


def of_status(status: int, detail: str = "") -> Problem:
    """Return the problem for a status that the framework chose."""
    return Problem(BY_STATUS.get(status, "invalid"), DETAILS.get(status) or detail or "not as it should be")


async def of_http(_: Request, error: Exception) -> Response:
    """Answer with what the framework refuses: no such route, wrong method, a body that cannot be read."""
    status, detail = getattr(error, "status_code", HTTP_500_INTERNAL_SERVER_ERROR), str(getattr(error, "detail", ""))
    problem = of_status(status, detail)
    problem.headers |= dict(getattr(error, "headers", None) or {})
    return problem.response()


async def of_validation(_: Request, error: Exception) -> Response:
    """Answer with the fields that are not as the schema has them."""
    found = [
        {"where": "/".join(map(str, each["loc"])), "what": str(each["msg"])}
        for each in getattr(error, "errors", list)()
    ]
    said = "; ".join(f"{each['where']}: {each['what']}" for each in found)
    return Problem("invalid", said or "not as the schema has it", errors=found).response()


async def of_gone(_: Request, __: Exception) -> Response:
    """Answer who has gone before all of the request was there: nobody reads it, and it is no fault to be logged."""
    return Problem("malformed", "the connection ended before the request did").response()


async def of_user_error(_: Request, error: Exception) -> Response:
    """Answer with what a user mends."""
    return Problem("invalid", str(error)).response()


async def of_any(_: Request, error: Exception) -> Response:
    """Answer with a fault; the log has the trace, the client has none."""
    return Problem("broken", f"{type(error).__name__}; the server's log says where").response()
