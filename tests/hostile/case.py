"""One row of the table of hostile and odd input: what is given, what is said, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

MODEL = Path(__file__).parents[1] / "fixtures" / "bundle_v1"  # small, and its thresholds are known


class Case(NamedTuple):
    """A command on some input.

    In `arguments`, HERE stands for the folder that `make` has filled, and OUT for a folder that is not there yet.
    """

    name: str
    make: Callable[[Path], object]  # writes the input into an empty folder
    arguments: tuple[str, ...]  # after `cancernet`
    code: int  # exit code: 0 all answered, 1 something left out or unsure, 2 nothing useful
    says: tuple[str, ...]  # all of them on the screen or in what was written to OUT
    says_not: tuple[str, ...] = ()  # none of them
    megabytes: int = 900  # greatest resident memory, the program's own 200 included
