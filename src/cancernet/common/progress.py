"""One look for every progress bar: done, total, rate, time left; silent where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from multiprocessing import parent_process
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(
    items: Iterable[T] | None = None,
    *,
    total: int | None = None,
    what: str,
    unit: str = " patches",
    hidden: bool = False,
) -> tqdm:
    """Return a bar over `items` on standard error, shown only when that is a terminal.

    A process that another one started to help shows none: the other one shows one for all.

    With no `items` it is a bar to `.update(n)` by hand. `what` is the words before the bar.
    """
    hidden = hidden or not sys.stderr.isatty() or parent_process() is not None
    return tqdm(items, total=total, desc=what, unit=unit, disable=hidden, leave=False)
