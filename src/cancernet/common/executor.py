"""The one seam for work on several processes: `spread(function, items)`, in order, in-process where one will do."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import TypeVar

from cancernet.common.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    processes: int,
    prepare: Callable[[], object] | None = None,
) -> Iterator[Result]:
    """Yield `function(item)` for each item, in the order of the items.

    What one of them raises is raised as soon as it is, whatever comes before it in the order: what has not begun is
    left undone, and the processes are ended. So are they where the caller asks for no more.

    Args:
        function: defined at the top of a module; its items and results can be pickled.
        items: what to do.
        processes: at most so many at once, each started anew (TensorFlow survives no fork); 1 stays in this.
        prepare: called in each new process before anything of `function` is imported there.

    Raises:
        UserError: a process was killed, as by a machine out of memory.
    """
    if processes <= 1 or len(items) <= 1:
        yield from map(function, items)
        return
    context = multiprocessing.get_context("spawn")
    watched, held = context.Pipe(duplex=False)  # processes end when `held` is closed, by us or by our death
    count = min(processes, len(items))
    with watched, held, ProcessPoolExecutor(count, context, _start, (watched, prepare)) as pool:
        ended: SimpleQueue[Future[Result]] = SimpleQueue()
        try:
            futures = [pool.submit(function, item) for item in items]
            for future in futures:
                future.add_done_callback(ended.put)
            for future in futures:
                while not future.done():
                    ended.get().result()  # of any of them, and raises what it raised
                yield future.result()
        except BaseException as error:
            held.close()
            if isinstance(error, BrokenProcessPool):
                raise UserError(
                    "a worker process was killed, most likely for want of memory; --threads 1 needs the least"
                ) from error
            raise


def _start(watched: Connection, prepare: Callable[[], object] | None) -> None:
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()
    if prepare is not None:
        prepare()


def _end_with(watched: Connection) -> None:
    """End this process when the other end is closed: it must not go on beside the next run."""
    with suppress(EOFError, OSError):
        watched.recv_bytes()
    os._exit(1)
