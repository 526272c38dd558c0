"""Work is done by as many threads at once as there are, and counted without telling of anybody."""

from __future__ import annotations

import asyncio
import threading

from cancernet.model.model import Model
from cancernet.serve.engine import Engine
from cancernet.serve.settings import Settings


def test_no_more_work_at_once_than_threads(served_model: Model) -> None:
    engine = Engine(served_model, Settings(threads=2))
    lock, now, most = threading.Lock(), 0, 0
    gate = threading.Barrier(2)

    def job() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        gate.wait(60)
        with lock:
            now -= 1

    async def six() -> None:
        await asyncio.gather(*(engine.work(job) for _ in range(6)))

    asyncio.run(six())
    assert most == 2


def test_an_engine_is_ready_when_its_graph_is_open(served_model: Model) -> None:
    engine = Engine(served_model, Settings())
    assert not engine.ready
    engine.warm()
    assert engine.ready
    assert f'graph="{served_model.graph_sha256[:12]}"'.encode() in engine.metrics.text()
