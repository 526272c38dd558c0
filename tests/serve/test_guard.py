"""Only who may ask gets through, by name, origin and token; every answer bears headers that bind a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from cancernet.model.model import Model
from cancernet.serve.app import make_app
from cancernet.serve.guard import COOKIE, HEADERS, SESSIONS, Sessions
from cancernet.serve.settings import Settings

TOKEN = "0123456789abcdef"
HOST = "localhost:8050"


@pytest.fixture
def locked(served_model: Model) -> Iterator[TestClient]:
    with TestClient(make_app(Settings(token=TOKEN), served_model), base_url=f"http://{HOST}") as client:
        yield client


def test_probes_and_the_page_need_no_token_and_all_else_does(locked: TestClient) -> None:
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/", 200), ("/v1/model", 401), ("/metrics", 401)):
        assert locked.get(path).status_code == status, path
    assert locked.get("/v1/openapi.json").status_code == 401


def test_a_cookie_stands_for_the_token_and_no_script_reads_it(locked: TestClient) -> None:
    assert locked.post("/v1/session", json={"token": "guess"}).status_code == 401
    locked.headers["Authorization"] = f"Bearer {TOKEN}"
    opened = locked.post("/v1/session", json={"token": TOKEN})
    del locked.headers["Authorization"]
    assert opened.status_code == 204
    said = opened.headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said
    assert TOKEN not in said
    assert locked.get("/v1/model").status_code == 200
    locked.cookies.clear()
    locked.cookies.set(COOKIE, "A" * 43)
    assert locked.get("/v1/model").status_code == 401


def test_probes_answer_under_any_name_and_nothing_else_does(ask: TestClient) -> None:
    other = {"Host": "evil.example"}
    assert ask.get("/healthz", headers=other).status_code == 200
    assert ask.get("/v1/model", headers=other).status_code == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": f"http://{HOST}"}, 200),
        ({"Origin": f"https://{HOST}"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_a_page_that_is_not_ours_gets_nothing(ask: TestClient, headers: dict[str, str], status: int) -> None:
    assert ask.get("/v1/model", headers=headers).status_code == status


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/model", "/v1/nothing"])
def test_every_answer_binds_the_browser(ask: TestClient, path: str) -> None:
    answer = ask.get(path)
    assert all(answer.headers.get(name) for name in HEADERS)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "access-control-allow-origin" not in answer.headers


def test_even_what_the_framework_refuses_is_a_problem_with_these_headers(ask: TestClient) -> None:
    answer = ask.post("/v1/session", content=b"x" * 200_000)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_oldest_session_goes_when_there_are_too_many() -> None:
    sessions = Sessions()
    first = sessions.open()
    assert sessions.knows(first)
    last = [sessions.open() for _ in range(SESSIONS)][-1]
    assert sessions.knows(last)
    assert not sessions.knows(first)
    assert not sessions.knows("")
