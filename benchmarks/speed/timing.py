"""How times are taken: ways run in turn, ratios within a round, medians over rounds; work in processes of its own."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Setup:
    """What the rows are measured on.

    Attributes:
        data: folder of patches, PATIENT/0 and PATIENT/1.
        split_file: patient, split; or nothing for a split drawn from the seed.
        weights: a file of ImageNet weights, or `none`.
        work: folder for everything that is written, emptied afterwards.
        rounds: how often each way is run.
        patches: most training patches in the rows that train (0: all).
        sizes: numbers of patches in the table of growth.
        slides: in the rows of a cohort.
        tiny: slides in its row of very many.
    """

    data: Path
    split_file: Path | None
    weights: str
    work: Path
    rounds: int
    patches: int
    sizes: tuple[int, ...]
    slides: int = 8
    tiny: int = 40


@dataclass
class Row:
    """One line of the table.

    Attributes:
        what: is measured.
        against: what.
        reach: the ratio to reach, as words.
        found: what was measured, as words.
        reached: whether.
        figures: all numbers behind it.
    """

    what: str
    against: str
    reach: str
    found: str
    reached: bool
    figures: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def alternate(ways: Mapping[str, Callable[[], object]], rounds: int, *, warm_up: bool = True) -> dict[str, list[float]]:
    """Run all ways in turn, A B C A B C, and return the seconds of each, round by round.

    Other work on the machine then falls on all of them alike, and a ratio is taken within a round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + warm_up):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            taken = time.perf_counter() - started
            if number >= warm_up:
                seconds[name].append(taken)
    return seconds


def ratio(slower: list[float], faster: list[float]) -> float:
    """Return the median over the rounds of slower / faster: how many times as fast the second is."""
    return statistics.median(a / b for a, b in zip(slower, faster, strict=True))


def median(values: list[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def in_process(function: str, *, env: Mapping[str, str | None] | None = None, **options: Any) -> dict[str, Any]:
    """Call `module:function` of this package with keyword options in a process of its own.

    Args:
        function: such as `training:plain_fit`; returns plain data.
        env: variables to set, or (None) to take away.
        options: plain data.

    Returns:
        What it returned, with `process_seconds` (whole) and `peak_mb` (resident memory) beside.
    """
    environment = {key: value for key, value in os.environ.items() if (env or {}).get(key, "") is not None}
    environment |= {key: value for key, value in (env or {}).items() if value is not None}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "speed.timing", function, json.dumps(options)]
    started = time.perf_counter()
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    taken = time.perf_counter() - started
    if ended.returncode:
        raise SystemExit(f"{function} ended with {ended.returncode}; its last words are above")
    return json.loads(ended.stdout.splitlines()[-1]) | {"process_seconds": taken}


def seconds_of(command: list[str], *, env: Mapping[str, str] | None = None) -> float:
    """Return the wall seconds of a whole command that must succeed."""
    started = time.perf_counter()
    subprocess.run(command, env=os.environ | (env or {}), stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def cancernet() -> str:
    """Return the command of this very environment."""
    return str(Path(sys.executable).with_name("cancernet"))


def peak_mb() -> float:
    """Return the peak of this process's resident memory so far, MB."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux: what getrusage tells includes the process that started this one
        return int(status.read_text("ascii").split("VmHWM:")[1].split()[0]) / (1 << 10)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _serve() -> None:
    import importlib

    name, _, function = sys.argv[1].partition(":")
    result = getattr(importlib.import_module(f"speed.{name}"), function)(**json.loads(sys.argv[2]))
    print(json.dumps(result | {"peak_mb": peak_mb()}))


if __name__ == "__main__":
    _serve()
