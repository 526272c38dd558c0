"""What is borne at once is bounded by what came, and given back whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from cancernet.serve.gate import Gate
from cancernet.serve.problems import Problem
from cancernet.serve.settings import Limits

SCOPE = {"type": "http", "path": "/v1/predict", "headers": [(b"content-length", b"10")]}


def chunk(size: int, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": bytes(size), "more_body": more}


async def through(gate: Gate, messages: Sequence[Any], scope: dict[str, Any] = SCOPE) -> list[int]:
    """Send messages through a gate, and return the statuses of the answers."""
    left, statuses = list(messages), []

    async def receive() -> Any:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await gate(scope, receive, send)
    return statuses


async def reads_all(scope: Any, receive: Any, send: Any) -> None:
    try:
        while (await receive()).get("more_body"):
            pass
    except Problem as problem:
        await problem.response()(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})


def test_bytes_and_requests_are_given_back_after_success_and_after_refusal() -> None:
    gate = Gate(reads_all, replace(Limits(), in_flight_bytes=100))

    async def all_of_them() -> list[int]:
        first = await through(gate, [chunk(60), chunk(30, more=False)])
        second = await through(gate, [chunk(60), chunk(60), chunk(1, more=False)])
        return first + second

    assert asyncio.run(all_of_them()) == [200, 503]
    assert (gate._bytes, gate._requests) == (0, 0)


def test_what_is_only_stated_takes_nobodys_place() -> None:
    gate = Gate(reads_all, replace(Limits(), in_flight_bytes=100, requests=1))
    stating = SCOPE | {"headers": [(b"content-length", b"90")]}

    async def both() -> list[int]:
        idle = [asyncio.create_task(through(gate, [], stating)) for _ in range(5)]
        await asyncio.sleep(0)
        found = await through(gate, [chunk(10, more=False)])
        for each in idle:
            each.cancel()
        return found

    assert asyncio.run(both()) == [200]


def test_more_than_could_ever_be_borne_is_too_large_not_busy() -> None:
    gate = Gate(reads_all, Limits())
    assert asyncio.run(through(gate, [], SCOPE | {"headers": [(b"content-length", b"9" * 30)]})) == [413]


def test_one_more_at_work_than_are_borne_is_told_to_come_again() -> None:
    begun = asyncio.Event()

    async def works(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    gate = Gate(works, replace(Limits(), requests=1))
    scope = SCOPE | {"headers": []}

    async def both() -> list[int]:
        first = asyncio.create_task(through(gate, [], scope))
        await begun.wait()
        found = await through(gate, [], scope)
        first.cancel()
        return found

    assert asyncio.run(both()) == [503]


def test_a_body_that_does_not_come_is_refused() -> None:
    gate = Gate(reads_all, replace(Limits(), patience_s=0.01))
    assert asyncio.run(through(gate, [])) == [408]


def test_work_without_end_is_ended() -> None:
    async def forever(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    gate = Gate(forever, replace(Limits(), request_s=0.01))
    assert asyncio.run(through(gate, [])) == [503]
    assert gate._requests == 0


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_answered_however_busy_it_is(path: str) -> None:
    async def fine(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    gate = Gate(fine, replace(Limits(), requests=0))
    assert asyncio.run(through(gate, [], SCOPE | {"path": path})) == [200]
