"""The page and what is told of the model and the server."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from cancernet.model.model import Model


def test_the_model_is_told_with_what_the_server_bears(ask: TestClient, served_model: Model) -> None:
    told = ask.get("/v1/model").json()
    assert told["model"]["graph_sha256"] == served_model.graph_sha256
    assert told["model"]["synthetic"] is served_model.synthetic
    assert told["model"]["research_only"] is True
    assert told["limits"]["explained"] == 64
    assert told["slides"] is False


def test_the_page_is_html_and_its_files_are_of_their_kinds(ask: TestClient) -> None:
    assert ask.get("/").headers["content-type"] == "text/html; charset=utf-8"
    assert ask.get("/static/index.html").status_code == 200


@pytest.mark.parametrize("name", ["..%2findex.html", ".", "a" * 300 + ".png", "__init__.py", "a%00.png", "none.js"])
def test_nothing_else_is_given_away(ask: TestClient, name: str) -> None:
    assert ask.get(f"/static/{name}").status_code == 404


def test_a_model_without_a_card_says_so(ask: TestClient) -> None:
    answer = ask.get("/v1/model/card")
    assert answer.status_code in (200, 404)
    assert answer.status_code == 200 or "cancernet card" in answer.json()["detail"]


def test_a_server_that_is_loading_is_not_ready(ask: TestClient) -> None:
    ask.app.state.engine.ready = False
    assert ask.get("/readyz").status_code == 503
    assert ask.get("/healthz").status_code == 200
