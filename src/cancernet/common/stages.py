"""Stages of work side by side: calls made in order in another thread, and how long each stage was at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self


class Seconds:
    """How long each stage was at work, s. Stages that run side by side add up to more than the clock on the wall.

    Args:
        stages: that are told even where nothing was left to do; others come as they are met.

    Example:
        >>> seconds = Seconds("read", "write")
        >>> seconds.add("read", 0.25)
        >>> seconds.rounded()
        {'read': 0.25, 'write': 0.0}
    """

    def __init__(self, *stages: str) -> None:
        self._spent = dict.fromkeys(stages, 0.0)
        self._lock = threading.Lock()

    def add(self, stage: str, seconds: float) -> None:
        """Count so much more work of a stage."""
        with self._lock:
            self._spent[stage] = self._spent.get(stage, 0.0) + seconds

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Count what is done meanwhile as work of a stage, also where it fails."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - started)

    def rounded(self) -> dict[str, float]:
        """Return the seconds of each stage so far, to hundredths."""
        with self._lock:
            return {stage: round(spent, 2) for stage, spent in self._spent.items()}


class Behind:
    """Calls a function in one other thread, in order, while the caller goes on: `with Behind(write) as behind`.

    At most one call is under way: `do` waits for the one before, so that a fast caller piles nothing up in memory.
    What a call raised is raised by the next `do`, or at the end of the block.

    Args:
        function: what to call.

    Example:
        >>> done = []
        >>> with Behind(done.append) as behind:
        ...     for i in range(3):
        ...         behind.do(i)
        >>> done
        [0, 1, 2]
    """

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function
        self._pool = ThreadPoolExecutor(1)
        self._under_way: Future[object] | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the last call; raise what it raised, unless the block itself failed."""
        self._pool.shutdown()
        if kind is None:
            self.wait()

    def do(self, *given: Any) -> None:
        """Call the function with these once the call before has ended; returns at once then."""
        self.wait()
        self._under_way = self._pool.submit(self._function, *given)

    def wait(self) -> None:
        """Wait for the call under way, if there is one, and raise what it raised."""
        if self._under_way is not None:
            under_way, self._under_way = self._under_way, None
            under_way.result()
