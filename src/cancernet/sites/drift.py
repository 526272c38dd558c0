"""Drift: a site held against itself, run after run, by an exponentially weighted moving average (Roberts 1959).

Each run gives one point a measure: how many errors its mean lies from the reference. The chart smooths them, so that a
small change that lasts shows sooner than in any one run. Weight 0.2 is the usual choice for small shifts (Lucas &
Saccucci 1990, who give the limits); here the limits are set by runs drawn from the public set's patients.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from cancernet.common.errors import UserError
from cancernet.common.files import read_json
from cancernet.evaluation.verdicts import PASS, SKIP, WARN, Check
from cancernet.sites.measures import BRIGHTNESS, SHARPNESS, TISSUE, UNSURE, Group
from cancernet.sites.reference import ODDS, Reference
from cancernet.sites.shifts import shift_of

NAME = "history.json"  # in the folder of results
CHARTED = (BRIGHTNESS, SHARPNESS, TISSUE, UNSURE, ODDS)
WEIGHT = 0.2  # of the newest run
WIDTH = 4.2  # standard errors of the average; of histories of 12 runs without a change 5 % pass it in some chart
FEWEST_RUNS = 2  # that a trend wants

Floats = NDArray[np.float64]


class Run(msgspec.Struct, frozen=True):
    """What is kept of one run.

    Attributes:
        date: day, ISO.
        batch: tells its patients from others, by their numbers; a batch that comes again takes its own place.
        n: patients or slides.
        z: measure -> errors by which its mean lies off.
        shared: measure -> part of that error's variance that is the reference's own.
        verdict: of the run.
    """

    date: str
    batch: str
    n: int
    z: dict[str, float]
    shared: dict[str, float]
    verdict: str


class History(msgspec.Struct, frozen=True):
    """The runs of a site against one reference, oldest first."""

    reference: str
    runs: tuple[Run, ...]
    kind: str = "cancernet_site_history"


def make_run(groups: Sequence[Group], reference: Reference, *, date: str, verdict: str) -> Run:
    """Make the point of a run."""
    shifts = {name: made for name in CHARTED if (made := shift_of(groups, name, reference)) is not None}
    told = sorted(str((group.n, [f"{value:.6g}" for value in group.means.values()])) for group in groups)
    batch = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
    z = {name: round(each.z, 4) for name, each in shifts.items()}
    return Run(date, batch, len(groups), z, {name: round(each.shared, 4) for name, each in shifts.items()}, verdict)


def add(folder: Path, run: Run, reference: Reference) -> tuple[History, str]:
    """Return the history in a folder with a run added, by its day, and a note where an older one is left behind."""
    mark = mark_of(reference)
    found = read_json(folder / NAME, History)
    note = ""
    if found is not None and found.reference != mark:
        note = f"{len(found.runs)} earlier runs in {folder} are of another reference; the chart begins anew."
        found = None
    kept = [each for each in (found.runs if found else ()) if each.batch != run.batch]
    return History(mark, tuple(sorted([*kept, run], key=lambda each: each.date))), note


def plain(history: History) -> dict[str, Any]:
    """Return a history as plain data."""
    found: dict[str, Any] = msgspec.to_builtins(history)
    return found


def mark_of(reference: Reference) -> str:
    """Return what tells a reference from others."""
    return hashlib.sha256(msgspec.json.encode(reference)).hexdigest()[:16]


def average(values: Sequence[float], shared: Sequence[float]) -> tuple[Floats, Floats]:
    """Return the moving average of values (T,) of variance 1, and how far it may stray from 0 by then, both (T,).

    Args:
        values: oldest first.
        shared: (T,) part of the variance of each that all have in common, the reference's own error: no averaging over
            runs takes it away, and a limit that left it out would call half of all quiet sites drifting.

    Source: Roberts 1959; the exact limits, without a shared part, as in Lucas & Saccucci 1990.

    Example:
        >>> smooth, limit = average([1.0, 1.0], [0.0, 0.0])
        >>> smooth.round(2).tolist(), (limit / WIDTH).round(2).tolist()
        ([0.2, 0.36], [0.2, 0.26])
    """
    ages = np.arange(len(values))
    weight = np.tril(WEIGHT * (1 - WEIGHT) ** np.maximum(ages[:, None] - ages, 0))  # (run, run that went into it)
    common = np.asarray(shared, np.float64)
    variance = weight**2 @ (1 - common) + (weight @ np.sqrt(common)) ** 2
    return weight @ np.asarray(values, np.float64), WIDTH * np.sqrt(variance)


def chart(history: History, name: str) -> tuple[list[Run], Floats, Floats]:
    """Return the runs that have a measure, its moving average and the limits of that."""
    there = [run for run in history.runs if name in run.z]
    return there, *average([run.z[name] for run in there], [run.shared.get(name, 0.0) for run in there])


def check_trend(history: History) -> Check:
    """Judge whether any chart is beyond its limits now."""
    limit = f"each moving average within {WIDTH:g} of its standard errors"
    why = "a change that lasts is told sooner by all runs together than by any one"
    if len(history.runs) < FEWEST_RUNS:
        return Check(SKIP, "trend", "the first run; a trend is told from the second on", limit, why)
    beyond = []
    for name in CHARTED:
        _, smooth, most = chart(history, name)
        if len(smooth) and abs(smooth[-1]) > most[-1]:
            beyond.append(f"{name} ({smooth[-1]:+.1f}, limit {most[-1]:.1f})")
    found = f"{len(history.runs)} runs; beyond it: {', '.join(beyond) if beyond else 'none'}"
    return Check(WARN if beyond else PASS, "trend", found, limit, why)


def day(text: str | None) -> str:
    """Return a day as ISO, today where none is given.

    Raises:
        UserError: no day.
    """
    if text is None:
        return datetime.datetime.now(datetime.UTC).date().isoformat()
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise UserError(f"--date {text}: give a day as YYYY-MM-DD") from None
