"""Errors are problem documents."""

from __future__ import annotations

import json

import pytest

from cancernet.serve.problems import MEDIA_TYPE, PREFIX, TITLES, Problem, of_status


@pytest.mark.parametrize("kind", TITLES)
def test_each_kind_is_a_document_of_its_status(kind: str) -> None:
    answer = Problem(kind, "what to do", errors=[]).response()
    told = json.loads(answer.body)
    status, title = TITLES[kind]
    assert answer.media_type == MEDIA_TYPE
    assert told == {"type": PREFIX + kind, "title": title, "status": status, "detail": "what to do", "errors": []}
    assert answer.status_code == status


def test_who_is_to_come_again_is_told_when_and_who_lacks_a_token_how() -> None:
    assert Problem("busy", "x", retry_s=3).response().headers["retry-after"] == "3"
    assert Problem("unauthorized", "x").response().headers["www-authenticate"] == "Bearer"


def test_a_status_of_the_framework_has_a_kind_of_its_own() -> None:
    assert [of_status(status).status for status in (404, 405, 413, 415, 500)] == [404, 405, 413, 415, 500]
    assert of_status(418, "tea").kind == "invalid"
