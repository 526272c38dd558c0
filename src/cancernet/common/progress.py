"""One look for every progress bar: done, total, rate, time left; silent where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from multiprocessing import parent_process
from typing import Any, TypeVar

from tqdm import tqdm

from cancernet.common.outlook import followed

T = TypeVar("T")


class Bar(tqdm):
    """A bar that tells the outlook of the whole job, where one is followed, what each of its items cost."""

    def __init__(self, *args: Any, cost: float, **options: Any) -> None:
        self.cost, self.outlook = cost, followed()
        super().__init__(*args, **options)

    def update(self, n: float | None = 1) -> bool | None:
        """Count n items more."""
        if self.outlook is not None and self.cost:
            self.outlook.spend(self.cost * (n or 0))
            self.set_postfix_str(str(self.outlook), refresh=False)
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
