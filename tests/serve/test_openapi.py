"""What is drawn from the schema is answered as the schema says, without a fault."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cancernet.model.model import Model
from cancernet.serve.app import make_app
from cancernet.serve.settings import Settings

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.specs.openapi.checks import positive_data_acceptance  # noqa: E402

EXAMPLES = 8
LEFT_OUT = [positive_data_acceptance]  # it would have every form accepted that has files, whatever is in them


@pytest.fixture
def api(served_model: Model) -> Any:
    app = make_app(Settings(names=("testserver",)), served_model)
    app.state.engine.warm()
    return schemathesis.openapi.from_asgi("/v1/openapi.json", app)


def test_what_is_drawn_from_the_schema_is_answered_as_it_says(api: Any) -> None:
    for found in api.get_all_operations():
        operation = found.ok()
        if operation.path == "/v1/fields":  # whose process takes its time; see benchmarks/serve_fuzz.py
            continue

        @settings(
            max_examples=EXAMPLES, derandomize=True, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def drawn(case: Any) -> None:
            case.call_and_validate(excluded_checks=LEFT_OUT)

        drawn()
