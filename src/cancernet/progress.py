"""One look for every progress bar: done, total, rate, time left; silent where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(
    items: Iterable[T] | None = None, *, total: int | None = None, what: str, unit: str = " patches"
) -> tqdm:
    """Return a bar over `items` on standard error, shown only when that is a terminal.

    With no `items` it is a bar to `.update(n)` by hand. `what` is the words before the bar.
    """
    return tqdm(items, total=total, desc=what, unit=unit, disable=not sys.stderr.isatty(), leave=False)
