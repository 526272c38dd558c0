"""The schema is valid and true; faults are told without a trace; answers are counted."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from cancernet.model.model import Model
from cancernet.serve.app import make_app
from cancernet.serve.problems import MEDIA_TYPE
from cancernet.serve.settings import Settings

HOST = "localhost:8050"


def test_every_error_in_the_schema_is_a_problem_document_and_nothing_else(ask: TestClient) -> None:
    schema = ask.get("/v1/openapi.json").json()
    assert "ProblemDetails" in schema["components"]["schemas"]
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            assert operation["operationId"]
            assert operation["summary"]
            for status, answer in operation["responses"].items():
                kinds = list(answer.get("content", {}))
                assert status < "400" or kinds == [MEDIA_TYPE], (path, status, kinds)


def test_each_schema_of_an_answer_that_is_shown_has_an_example_that_fits(ask: TestClient) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    parts = ask.get("/v1/openapi.json").json()["components"]
    shown = {name: part for name, part in parts["schemas"].items() if "example" in part}
    assert {"Patch", "Prediction", "ProblemDetails"} <= set(shown)
    for part in shown.values():
        jsonschema.validate(part["example"], {**part, "components": parts})


def test_a_fault_is_told_without_its_trace(served_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(Settings(), served_model)
    monkeypatch.setattr("cancernet.serve.answers.stamp", lambda _: 1 / 0)
    client = TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=False)
    answer = client.get("/v1/model")
    assert (answer.status_code, answer.headers["content-type"]) == (500, MEDIA_TYPE)
    assert "division" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_answers_are_counted_by_route_and_made_up_methods_as_one(ask: TestClient) -> None:
    ask.get("/v1/model")
    ask.request("EVIL", "/v1/model")
    ask.get("/v1/nothing")
    said = ask.get("/metrics").text
    assert 'cancernet_requests_total{method="GET",route="/v1/model",status="200"} 1.0' in said
    assert 'method="other"' in said
    assert 'route="none",status="404"' in said
    assert "nothing" not in said
