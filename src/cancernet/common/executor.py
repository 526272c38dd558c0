"""The one seam for work on several processes: `spread(function, items)`, in order, in-process where one will do."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
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
    count = min(processes, len(items))
    with ProcessPoolExecutor(count, mp_context=context, initializer=_start, initargs=(prepare,)) as pool:
        try:
            yield from pool.map(function, items)
        except BrokenProcessPool as error:
            raise UserError(
                "a worker process was killed, most likely for want of memory; --threads 1 needs the least"
            ) from error


def _start(prepare: Callable[[], object] | None) -> None:
    _end_with_parent()
    if prepare is not None:
        prepare()


def _end_with_parent() -> None:
    """End this process when the one that started it is killed: it must not go on beside the next run."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
