"""Units of work on the workers of a Dask scheduler (https://distributed.dask.org), on any number of machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from cancernet.common.errors import UserError
from cancernet.common.executor import KILLED, TRIES, WorkerDiedError
from cancernet.common.version import __version__

Item = TypeVar("Item")
Result = TypeVar("Result")

CONNECT_S = 10  # to reach the scheduler
WORKERS_S = 60  # for the first worker to register; clusters start theirs while the first commands wait
AHEAD = 2  # units handed over for each that runs: no worker waits for the next, and the scheduler holds few
INSTALL = "pip install 'cancernet[scale]'"


class Scheduled:
    """The workers of a scheduler that runs already.

    Args:
        address: tcp://HOST:PORT, tls://HOST:PORT, or the JSON file that `dask scheduler --scheduler-file` writes.

    Raises:
        UserError: Dask is not installed, the scheduler cannot be reached, it has no workers, or a worker has another
            version of this package or none.
    """

    def __init__(self, address: str) -> None:
        try:
            distributed = import_module("distributed")
        except ImportError as error:
            raise UserError(f"--scheduler needs Dask: {INSTALL}") from error
        if address.endswith(".json") and not Path(address).is_file():  # Dask would wait for it without end
            raise UserError(f"--scheduler {address}: no such file; it is written by `dask scheduler --scheduler-file`")
        self._address = address
        where = {"scheduler_file": address} if address.endswith(".json") else {"address": address}
        try:
            self._client = distributed.Client(**where, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise UserError(
                f"--scheduler {address}: cannot be reached ({type(error).__name__}); is it running?"
            ) from error
        try:
            self._client.wait_for_workers(1, timeout=WORKERS_S)
            self._refuse_others()
        except TimeoutError as error:
            self.close()
            raise UserError(
                f"--scheduler {address}: no worker has registered; start some with `dask worker`"
            ) from error
        except BaseException:
            self.close()
            raise

    def threads(self) -> int:
        """One: a worker of Dask does as many units at once as it has threads."""
        return 1

    def each(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[int, Result | WorkerDiedError]]:
        """See `Executor`.

        Raises:
            UserError: the scheduler is gone.
        """
        distributed = import_module("distributed")
        numbered = enumerate(items)
        numbers: dict[str, int] = {}
        ended = distributed.as_completed(loop=self._client.loop)

        def hand_over(count: int) -> None:
            for number, item in islice(numbered, max(0, count)):  # below 0 where a worker has gone
                future = self._client.submit(function, item, pure=False)
                numbers[future.key] = number
                ended.add(future)

        try:
            hand_over(AHEAD * self._at_once())
            for future in ended:
                number = numbers.pop(future.key)
                result = self._result(future, distributed)
                future.release()
                hand_over(AHEAD * self._at_once() - len(numbers))
                yield number, result
        finally:
            ended.clear()  # what is not done is taken back, whatever ended this

    def close(self) -> None:
        """Leave the scheduler; its workers go on for others."""
        self._client.close()

    def _at_once(self) -> int:
        try:
            return max(1, sum(self._client.nthreads().values()))
        except (OSError, TimeoutError) as error:
            raise self._gone() from error

    def _gone(self) -> UserError:
        return UserError(
            f"--scheduler {self._address} is gone; start it and its workers, and the same command again: it goes on"
        )

    def _result(self, future: Any, distributed: Any) -> Any:
        if future.cancelled():  # a client whose scheduler went away cancels all
            raise self._gone()
        error = future.exception()
        if isinstance(error, distributed.KilledWorker):
            return WorkerDiedError(KILLED.format(TRIES))
        if error is not None:
            raise error
        return future.result()

    def _refuse_others(self) -> None:
        for worker, version in self._client.run(package_version, on_error="return").items():
            if version != __version__:
                has = f"CancerNet {version}" if isinstance(version, str) else "no CancerNet that can be imported"
                raise UserError(
                    f"worker {worker} has {has}, and this is {__version__}; install the same on all machines"
                )


def package_version() -> str:
    """Return the version of this package, where it is called."""
    return __version__
