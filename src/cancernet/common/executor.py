"""The one seam for work on several processes or machines: units of work go in, results come out as they end.

    InProcess        here, one unit after the other: the default, and the fastest on one machine
    Processes        some processes of this machine, each started anew
    dask.Scheduled   the workers of a Dask scheduler, on any number of machines

A unit is a function at the top of a module and one small item. It writes its own files, each whole or absent, and
returns a path and counts: nothing large passes from process to process. A unit whose process ends is begun again in
another, so it looks first at what is there. One that ends its process by itself, as a damaged file may, is met by
`apart.guarded`: what is found half done is done in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, NamedTuple, Protocol, TypeVar

from cancernet.common.errors import UserError
from cancernet.common.threads import available_cpus

Item = TypeVar("Item")
Result = TypeVar("Result")

TRIES = 4  # of a unit whose processes end; what Dask's schedulers allow by default (allowed-failures: 3)
END_S = 5.0  # for a process that has nothing left to do to end by itself
KILLED = "its process was ended {} times while at it, as by a machine out of memory or a damaged file"


class WorkerDiedError(UserError):
    """The processes that were at a unit of work ended before it did."""


class Executor(Protocol):
    """Where units of work are done."""

    def threads(self) -> int:
        """Return how many CPU threads a unit may use."""

    def each(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[int, Result | WorkerDiedError]]:
        """Yield the number of each item and its result, as they end.

        What a unit raises is raised, and ends the others, as when the caller asks for no more. A unit whose process
        ended `TRIES` times yields `WorkerDiedError`.
        """


class InProcess:
    """One unit after the other, in this process."""

    def threads(self) -> int:
        """All that this process may use."""
        return available_cpus()

    def each(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[int, Result | WorkerDiedError]]:
        """See `Executor`; what ends the process ends all."""
        yield from enumerate(map(function, items))


class Processes:
    """Some processes of this machine, each started anew: TensorFlow survives no fork.

    Args:
        workers: at most so many at once.
        prepare: called in each new process before anything of a unit's module is imported there.
        tries: of a unit whose process ended.
    """

    def __init__(self, workers: int, *, prepare: Callable[[], object] | None = None, tries: int = TRIES) -> None:
        self._workers, self._prepare, self._tries = workers, prepare, tries

    def threads(self) -> int:
        """The share of a worker."""
        return max(1, available_cpus() // self._workers)

    def each(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Generator[tuple[int, Result | WorkerDiedError]]:
        """See `Executor`. The processes are ended with the last item, and when this one ends, however it does."""
        todo = _Todo(enumerate(items))
        context = multiprocessing.get_context("spawn")
        watched, held = context.Pipe(duplex=False)  # processes end when `held` is closed, by us or by our death
        with ExitStack() as stack:
            stack.enter_context(watched)
            at_work: dict[Connection, _Worker] = {}
            stack.callback(_stop, at_work)
            stack.enter_context(held)
            while True:
                while len(at_work) < self._workers and todo:
                    worker = _Worker(context, watched, self._prepare)
                    at_work[worker.ours] = worker
                    worker.give(function, todo.next())
                if not at_work:
                    return
                for pipe in wait(list(at_work)):
                    worker = at_work[pipe]  # type: ignore[index]
                    unit = worker.unit
                    try:
                        raised, result = worker.ours.recv()
                    except (EOFError, OSError):  # the process is gone
                        at_work.pop(worker.ours).stop()
                        if unit.tries < self._tries:
                            todo.again(unit)
                        else:
                            yield unit.number, WorkerDiedError(KILLED.format(unit.tries))
                        continue
                    if raised is not None:
                        raise raised
                    if todo:
                        worker.give(function, todo.next())
                    else:
                        at_work.pop(worker.ours).stop()
                    yield unit.number, result


class _Unit(NamedTuple):
    number: int
    item: Any
    tries: int = 0  # begun so many times


class _Todo:
    """What is left to do: what has to be tried again first; one item at a time is taken from the others."""

    def __init__(self, numbered: Iterator[tuple[int, Any]]) -> None:
        self._units = (_Unit(*each) for each in numbered)
        self._waiting: deque[_Unit] = deque()

    def __bool__(self) -> bool:
        if not self._waiting:
            self._waiting.extend(unit for unit in [next(self._units, None)] if unit is not None)
        return bool(self._waiting)

    def next(self) -> _Unit:
        unit = self._waiting.popleft()
        return unit._replace(tries=unit.tries + 1)

    def again(self, unit: _Unit) -> None:
        self._waiting.appendleft(unit)


class _Worker:
    """One process, which does the units it is given until it is stopped."""

    def __init__(self, context: SpawnContext, watched: Connection, prepare: Callable[[], object] | None) -> None:
        self.unit = _Unit(-1, None)
        self.ours, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(target=_work, args=(theirs, watched, prepare), daemon=False)
        self._process.start()
        theirs.close()  # or its end would not be seen here

    def give(self, function: Callable[[Any], Any], unit: _Unit) -> None:
        self.unit = unit
        with suppress(BrokenPipeError):  # it is gone, and `recv` will say so
            self.ours.send((function, unit.item))  # the function's module is imported when it is received: prepared

    def stop(self) -> None:
        """End the process: by itself where it waits for a unit, and at the latest after `END_S`."""
        self.ours.close()
        self._process.join(END_S)
        self._process.kill()
        self._process.join()
        self._process.close()


def _work(pipe: Connection, watched: Connection, prepare: Callable[[], object] | None) -> None:
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()
    if prepare is not None:
        prepare()
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            pipe.send(tried(*pipe.recv()))


def tried(function: Callable[[Item], Result], item: Item) -> tuple[Exception | None, Result | None]:
    """Return what a unit raised, which is to be raised where it came from, and its result."""
    try:
        return None, function(item)
    except Exception as error:  # noqa: BLE001 - see above
        return error, None


def _stop(at_work: dict[Connection, _Worker]) -> None:
    for worker in at_work.values():
        worker.stop()


def _end_with(watched: Connection) -> None:
    """End this process when the other end is closed: it must not go on beside the next run."""
    with suppress(EOFError, OSError):
        watched.recv_bytes()
    os._exit(1)
