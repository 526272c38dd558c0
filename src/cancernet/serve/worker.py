"""The process that maps slides for a server: one for all jobs, started with the first; it ends with its server.

It reads pairs of a job's id and its unit from standard input, and writes pairs of an id and why there is no map (""
where there is one) to standard output, pickled. A pair without an id says why the process ends itself. Where standard
input ends, the server is gone, and so is this process, whatever it is at.
"""

from __future__ import annotations

import os
import pickle
import queue
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from cancernet.common.errors import UserError
from cancernet.common.executor import Executor, InProcess, WorkerDiedError
from cancernet.common.files import read_json, to_json, write_text
from cancernet.common.progress import heard_by
from cancernet.slide.inputs import WORK
from cancernet.slide.unit import Done, Unit, map_guarded, map_unit

START = "from cancernet.serve.worker import main; main()"
AT_ONCE = 32  # units handed to a scheduler at once; the others wait here, where they can be canceled at no cost
NICER = 5  # than the server: answers on patches go before jobs
TOLD_EVERY_S = 0.5
PROGRESS = "progress.json"


def units_at_once(scheduler: str) -> int:
    """Return how many units a worker takes before one is done."""
    return AT_ONCE if scheduler else 1


def main() -> None:
    """Do units until standard input ends. The first object that it brings is the address of a scheduler, or ""."""
    given, told = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints goes to the screen, not among the answers
    if hasattr(os, "nice"):
        os.nice(NICER)
    todo: queue.SimpleQueue[tuple[str, Unit]] = queue.SimpleQueue()
    try:
        scheduler: str = pickle.load(given)  # noqa: S301 - from the process that started this one
        threading.Thread(target=_work, args=(scheduler, todo, told), daemon=True).start()
        while True:
            todo.put(pickle.load(given))  # noqa: S301 - likewise
    except (EOFError, OSError):
        os._exit(1)  # in the middle of whatever the others are at


def _work(scheduler: str, todo: queue.SimpleQueue[tuple[str, Unit]], told: IO[bytes]) -> None:
    lock = threading.Lock()

    def tell(job: str, failed: str) -> None:
        with lock:
            pickle.dump((job, failed), told)
            told.flush()

    def work() -> None:
        while True:
            job, unit = todo.get()
            try:
                tell(job, failure(at, unit))
            except UserError as error:  # not of the slide: the scheduler is gone, or another model lies there
                tell("", str(error))
                os._exit(1)
            except OSError:  # nobody hears
                os._exit(1)

    try:
        at = _executor(scheduler)
    except UserError as error:
        tell("", str(error))
        os._exit(1)
    for _ in range(units_at_once(scheduler)):
        threading.Thread(target=work, daemon=True).start()


def _executor(scheduler: str) -> Executor:
    if not scheduler:
        return InProcess()
    from cancernet.common.scheduled import Scheduled

    return Scheduled(scheduler)


def failure(at: Executor, unit: Unit) -> str:
    """Map a slide, and return why there is no map, or "".

    Raises:
        UserError: as `map_unit`, or the scheduler is gone.
    """
    try:
        [(_, found)] = at.each(map_job, [unit])
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - of writing, as on a full disk; the other jobs are done
        said = error.strerror if isinstance(error, OSError) else str(error)
        return f"{type(error).__name__}: {said}"
    return str(found) if isinstance(found, WorkerDiedError) else found.failed


def map_job(unit: Unit) -> Done:
    """Map a slide as `cancernet slide` does, telling how far it is."""
    return map_guarded(unit, map_told)


def map_told(unit: Unit) -> Done:
    """Map a slide, and keep a note beside the work of how far it is."""
    due = 0.0

    def note(stage: str, share: float) -> None:
        nonlocal due
        if time.monotonic() >= due and (unit.folder / WORK).is_dir():
            with suppress(OSError):  # results meet a full disk themselves
                write_text(unit.folder / WORK / PROGRESS, to_json({"stage": stage, "share": round(share, 3)}))
            due = time.monotonic() + TOLD_EVERY_S

    with heard_by(note):
        return map_unit(unit)


def progress_of(folder: Path) -> dict[str, Any] | None:
    """Return stage and share of it done (0 to 1) of a unit that is at work, where that is known, from its folder."""
    return read_json(folder / WORK / PROGRESS, dict)
