"""One part of a job, for queues that start it many times: job arrays of SLURM, Kubernetes or AWS Batch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from cancernet.common.errors import UserError

Item = TypeVar("Item")

WRITTEN = re.compile(r"(\d+)/(\d+)")
FOLDER = re.compile(r"shard-(\d+)-of-(\d+)")
NAMED = 10  # parts that an error names; it counts the others


@dataclass(frozen=True)
class Shard:
    """Part `number` (from 1 on) of `of` parts.

    Example:
        >>> Shard.parse("2/3").of_items("abcdefg")
        ['b', 'e']
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a user wrote, I/N.

        Raises:
            UserError: it is none, or I is not among 1 to N.
        """
        found = WRITTEN.fullmatch(text)
        number, of = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= of:
            raise UserError(f"--shard {text}: write I/N, I from 1 to N, as 3/10")
        return cls(number, of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def name(self) -> str:
        """Of the folder of its results: all sort in order."""
        width = len(str(self.of))
        return f"shard-{self.number:0{width}}-of-{self.of}"

    def of_items(self, items: Sequence[Item]) -> list[Item]:
        """Return every N-th item from the I-th on: neighbours in a list are often alike, and each part gets of all."""
        return list(items[self.number - 1 :: self.of])


def whole(folder: Path, last: str, *, make: str) -> list[Path]:
    """Return the folders of all parts in a folder, in order.

    Args:
        folder: that they lie in.
        last: the file that a part writes last.
        make: the command that makes a part, to be named in errors.

    Raises:
        UserError: there are none, one is missing or has not ended, or they are of two divisions.
    """
    numbers = {
        place: tuple(map(int, found.groups()))
        for place in sorted(folder.glob("shard-*"))
        if (found := FOLDER.fullmatch(place.name))
    }
    if not numbers:
        raise UserError(f"{folder}: holds no parts of a job; `{make}` makes them")
    divisions = sorted({of for _, of in numbers.values()})
    if len(divisions) > 1:
        listed = " and ".join(f"{of} parts" for of in divisions)
        raise UserError(f"{folder}: holds parts of divisions into {listed}; move those of one away")
    ended = {number for place, (number, _) in numbers.items() if (place / last).is_file()}
    absent = [f"{number}/{divisions[0]}" for number in range(1, divisions[0] + 1) if number not in ended]
    if absent:
        more = f" and {len(absent) - NAMED} more" if len(absent) > NAMED else ""
        raise UserError(f"{folder}: part {', '.join(absent[:NAMED])}{more} is missing or has not ended; run it (again)")
    return list(numbers)
