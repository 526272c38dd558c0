"""How far a whole job is and how long the rest of it will take, from what its parts cost and have taken so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

ENOUGH = 0.02  # of the whole; from less nothing can be foretold
MINUTE = 60  # seconds


class Outlook:
    """The parts of a job, each with its cost in any one unit, and what has been spent.

    Args:
        parts: cost of each part, as foretold.
        clock: seconds.
    """

    def __init__(self, parts: Mapping[str, float], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.parts = dict(parts)
        self.clock = clock
        self.started = clock()
        self.spent = dict.fromkeys(parts, 0.0)
        self.part = ""

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Do a part. What it did not need (an early stop, a model that was trained before) is no longer expected."""
        self.part = part
        try:
            yield
        finally:
            self.parts[part] = self.spent[part]
            self.part = ""

    def spend(self, cost: float) -> None:
        """Note what was done of the part that is being done; it cannot take more than was foretold."""
        if self.part:
            self.spent[self.part] = min(self.parts[self.part], self.spent[self.part] + cost)

    @property
    def share(self) -> float:
        """How much of the whole is done, 0 to 1."""
        whole = sum(self.parts.values())
        return sum(self.spent.values()) / whole if whole else 1.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take, if it goes on as so far; None while too little is done to say."""
        if self.share < ENOUGH:
            return None
        return (self.clock() - self.started) * (1 - self.share) / self.share

    def __str__(self) -> str:
        left = self.seconds_left
        if left is None:
            return f"whole run: {self.share:.0%}"
        if left < MINUTE:
            return f"whole run: {self.share:.0%}, less than a minute left"
        return f"whole run: {self.share:.0%}, about {left / MINUTE:.0f} min left"


_followed: list[Outlook] = []


@contextmanager
def following(outlook: Outlook) -> Iterator[Outlook]:
    """Have every progress bar of this process tell `outlook` what was done, and show it."""
    _followed.append(outlook)
    try:
        yield outlook
    finally:
        _followed.remove(outlook)


def followed() -> Outlook | None:
    """Return the outlook that bars tell, if there is one."""
    return _followed[-1] if _followed else None
