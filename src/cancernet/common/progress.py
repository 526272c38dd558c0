"""One look for every progress bar: done, total, rate, time left; silent where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from multiprocessing import parent_process
from typing import Any, TypeVar

from tqdm import tqdm

from cancernet.common.outlook import followed

T = TypeVar("T")
Listener = Callable[[str, float], None]

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)  # of this thread's bars


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Have every bar that this thread makes tell what is being done, and what share of it is done (0 to 1)."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)


class Bar(tqdm):
    """A bar that tells the outlook of the whole job, where one is followed, what each of its items cost."""

    def __init__(self, *args: Any, cost: float, **options: Any) -> None:
        self.cost, self.outlook = cost, followed()
        self._listener, self._counted = _listener.get(), 0.0  # tqdm counts nothing where it is not shown
        self._what, self._whole = str(options.get("desc")), options.get("total")
        super().__init__(*args, **options)

    def update(self, n: float | None = 1) -> bool | None:
        """Count n items more."""
        if self.outlook is not None and self.cost:
            self.outlook.spend(self.cost * (n or 0))
            self.set_postfix_str(str(self.outlook), refresh=False)
        if self._listener is not None and self._whole:
            self._counted += n or 0
            self._listener(self._what, min(1.0, self._counted / self._whole))
        return super().update(n)


def progress(
    items: Iterable[T] | None = None,
    *,
    total: int | None = None,
    what: str,
    unit: str = " patches",
    hidden: bool = False,
    cost: float = 0.0,
) -> tqdm:
    """Return a bar over `items` on standard error, shown only when that is a terminal.

    A process that another one started to help shows none: the other one shows one for all.

    With no `items` it is a bar to `.update(n)` by hand. `what` is the words before the bar, and `cost` what an item
    costs of the whole job, counted by `.update`.
    """
    hidden = hidden or not sys.stderr.isatty() or parent_process() is not None
    return Bar(items, total=total, desc=what, unit=unit, disable=hidden, leave=False, cost=cost)


class Pace:
    """How far a job of units is that are said one by one: of how many this is which, and how long the rest takes."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._begun = total, 0, time.monotonic()

    def ended(self) -> str:
        """Count one more, and return what to put behind its line; "" where it is the only one."""
        self._done += 1
        if self._total < 2:
            return ""
        left = (time.monotonic() - self._begun) / self._done * (self._total - self._done)
        rest = f", {tqdm.format_interval(left)} left" if self._done < self._total else ""
        return f" [{self._done:,} of {self._total:,}{rest}]"
