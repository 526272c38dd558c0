"""A unit of work in a process of its own: what ends that process, as a damaged file may, ends no other."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cancernet.common.executor import WorkerDiedError, tried

Item = TypeVar("Item")
Result = TypeVar("Result")

START = "from cancernet.common.apart import answer; answer()"
DIED = "its process ended twice while at it{}: a damaged file, or too little memory"


def guarded(function: Callable[[Item], Result], item: Item, begun: Path) -> Result:
    """Do a unit; one at which a process ended before is done in a process of its own.

    So a unit that ends its process is begun twice at most, whoever does it: this process, another, one of another
    machine, or the next run. One that was interrupted in good order is none that ends its process.

    Args:
        function: defined at the top of a module; its result can be pickled.
        item: which can be pickled.
        begun: file that stands while the unit is at work.

    Raises:
        WorkerDiedError: its process ended again.
    """
    if begun.exists():
        found = apart(function, item)
    else:
        begun.parent.mkdir(exist_ok=True)
        begun.touch()
        try:
            found = function(item)
        except BaseException:
            begun.unlink(missing_ok=True)
            raise
    begun.unlink(missing_ok=True)
    return found


def apart(function: Callable[[Item], Result], item: Item, *, within_s: float | None = None) -> Result:
    """Do one unit in a new process, which ends with this one.

    Not one of `multiprocessing`: workers of Dask are daemons to it, and may have no children.

    Args:
        function: as for `guarded`.
        item: as for `guarded`.
        within_s: after which the process is ended.

    Raises:
        WorkerDiedError: that process ended without an answer.
        TimeoutError: it had no answer in time.
    """
    process = start(START)
    assert process.stdin is not None
    assert process.stdout is not None
    ended = threading.Event()

    def end() -> None:
        ended.set()
        process.kill()

    late = threading.Timer(within_s or 0, end)
    late.daemon = True
    with process, process.stdin, process.stdout:
        if within_s is not None:
            late.start()
        try:
            pickle.dump((function, item), process.stdin)
            process.stdin.flush()
            raised, result = pickle.load(process.stdout)  # noqa: S301 - what our own process wrote
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            process.kill()
            code = process.wait()
            if ended.is_set():
                raise TimeoutError(f"no answer within {within_s:g} s") from None
            raise WorkerDiedError(DIED.format(f" (signal {-code})" if code < 0 else f" (exit code {code})")) from None
        except BaseException:
            process.kill()
            raise
        finally:
            late.cancel()
    if raised is not None:
        raise raised
    return result


def start(code: str, *, own_group: bool = False) -> subprocess.Popen[bytes]:
    """Start an interpreter like this one, with pipes to what it reads and from what it writes.

    Args:
        code: what it does.
        own_group: whether what a terminal sends to this process, as Ctrl+C, is not for that one.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        process_group=0 if own_group and os.name == "posix" else None,
    )


def answer() -> None:
    """Do the unit that standard input brings, in the process that `apart` starts."""
    given, told = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints goes to the screen, not among the answer
    function, item = pickle.load(given)  # noqa: S301 - from the process that started this one

    def end_with_it() -> None:
        os.read(given.fileno(), 1)  # past Python's buffer, whose lock would hold the end of this process up
        os._exit(1)

    threading.Thread(target=end_with_it, daemon=True).start()
    found = tried(function, item)
    with told:
        pickle.dump(found, told)
