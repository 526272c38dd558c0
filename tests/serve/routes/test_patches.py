"""What is asked wrongly is refused, never left out; forms of answers are chosen by Accept."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from hostile.asked import SOUND

FILES = [("files", SOUND)]


@pytest.mark.parametrize("query", ["abstian=0.1", "abstain=0.123", "abstain=nan", "alone=maybe", "mpp=1"])
@pytest.mark.parametrize("path", ["predict", "explain"])
def test_a_word_that_is_not_known_is_refused(ask: TestClient, path: str, query: str) -> None:
    assert ask.post(f"/v1/{path}?{query}", files=FILES).status_code == 422


def test_what_is_asked_in_the_form_is_refused_not_left_out(ask: TestClient) -> None:
    answer = ask.post("/v1/predict", files=FILES, data={"alone": "true"})
    assert answer.status_code == 422
    assert "alone" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("text/html, application/json;q=0.9", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("image/png", "application/problem+json"),
    ],
)
def test_the_form_of_the_answer_is_chosen(ask: TestClient, accept: str, kind: str) -> None:
    answer = ask.post("/v1/predict", files=FILES, headers={"Accept": accept})
    assert answer.headers["content-type"] == kind
    assert (answer.status_code == 406) == (kind == "application/problem+json")


def test_not_one_image_that_can_be_used_is_an_error(ask: TestClient) -> None:
    answer = ask.post("/v1/predict", files=[("files", ("x.png", b"<html>"))])
    assert answer.status_code == 422
    assert "x.png: not an image" in answer.json()["detail"]


def test_more_than_are_explained_at_once_are_refused(ask: TestClient) -> None:
    assert ask.post("/v1/explain", files=FILES * 65).status_code == 413


def test_decisions_and_refusals_are_counted(ask: TestClient) -> None:
    ask.post("/v1/predict", files=[*FILES, ("files", ("bad.png", b"GIF89a"))])
    said = ask.get("/metrics").text
    assert "cancernet_files_refused_total 1.0" in said
    assert sum(float(line.split()[-1]) for line in said.splitlines() if line.startswith("cancernet_patches_total")) == 1
    assert "bad.png" not in said
