"""Has jobs mapped: keeps a worker process while there are jobs, hands them over, notes what became of them.

Whatever ends the worker, its jobs are queued again and another worker goes on with what they left. A job that ends its
process by itself has failed after two (`slide.unit.map_guarded`); one at which workers end for another reason, after
`MOST_DEATHS`. Jobs that this server ends a worker at, to cancel one or to end itself, are not to blame.
"""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cancernet.common.apart import start
from cancernet.common.output import BEGUN
from cancernet.serve.store import REMOVED, Job, Store
from cancernet.serve.worker import START, units_at_once
from cancernet.slide.scale import BadSlide
from cancernet.slide.unit import Unit

SWEEP_S = 3600.0  # from one look at what is too old to the next
LATEST_S = 30.0  # that a worker which ended several times without an answer is waited for
LOG = logging.getLogger("cancernet.serve")


class _Worker:
    """A worker process, and the jobs it has been given."""

    def __init__(self, scheduler: str) -> None:
        self.process = start(START, own_group=True)
        self.jobs: dict[str, Job] = {}
        self.wanted = False  # whether it was ended from here
        self.why = ""  # it ended itself
        self.send(scheduler)

    def send(self, what: object) -> None:
        """Hand over; one that is gone is met where its answers are read."""
        assert self.process.stdin is not None
        with suppress(OSError):
            pickle.dump(what, self.process.stdin)
            self.process.stdin.flush()

    def kill(self) -> None:
        """End it and what it has started, and wait until it has ended."""
        self.wanted = True
        if os.name == "posix" and self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


class Mapper:
    """The keeper of a worker: `with Mapper(...) as mapper`.

    Args:
        store: of the jobs.
        folder: of their results, one each by its id.
        unit_of: makes the unit of a job and its folder; raises BadSlide where there is no such slide.
        model: hash of the graph.
        scheduler: of Dask; "" maps on this machine.
        keep_days: that jobs which have ended are kept.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        unit_of: Callable[[Job, Path], Unit],
        model: str,
        *,
        scheduler: str = "",
        keep_days: float,
    ) -> None:
        self._store, self._folder, self._unit_of, self._model = store, folder, unit_of, model
        self._scheduler, self._keep_days = scheduler, keep_days
        self._lock = threading.RLock()
        self._event, self._over = threading.Event(), False
        self._worker: _Worker | None = None
        self._in_vain, self._not_before = 0, 0.0  # workers that ended without an answer; when the next may start
        self._thread: threading.Thread | None = None
        self.workers = 0  # that were started

    def __enter__(self) -> Mapper:
        """Queue again what a server that was killed was at, and begin."""
        self._folder.mkdir(exist_ok=True)
        self._store.recover()
        self._over, self._thread = False, threading.Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the worker; what it is at is queued, and goes on when a server is started again."""
        self._over = True
        self._event.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._kill()

    def wake(self) -> None:
        """Look for jobs now."""
        self._event.set()

    def cancel(self, job: str) -> bool:
        """Cancel a job and delete what there is of it; False where it neither waits nor runs."""
        if not self._store.cancel(job):
            return False
        with self._lock:
            if self._worker is not None and job in self._worker.jobs:
                self._kill()
        shutil.rmtree(self._folder / job, ignore_errors=True)
        self._event.set()
        return True

    def remove(self, job: str) -> bool:
        """Delete a job that has ended and its results; False where there is none."""
        if not self._store.remove(job):
            return False
        self._sweep()
        return True

    def _run(self) -> None:
        due = 0.0
        while not self._over:
            self._event.clear()
            try:
                if time.monotonic() >= due:
                    self._store.expire(self._keep_days)
                    self._sweep()
                    due = time.monotonic() + SWEEP_S
                self._feed()
            except Exception:  # of a disk that is full, say: jobs wait, and this thread lives as long as its server
                LOG.exception("jobs wait")
                self._wait()
            now = time.monotonic()
            self._event.wait(min(due, self._not_before if self._not_before > now else due) - now)

    def _feed(self) -> None:
        """Hand over jobs as long as the worker takes any; start one where there is none."""
        while not self._over and time.monotonic() >= self._not_before:
            worker = self._worker
            if worker is not None and len(worker.jobs) >= units_at_once(self._scheduler):
                return
            job = self._store.claim(self._model)
            if job is None:
                return
            try:
                unit = self._unit_of(job, self._folder / job.id)
            except BadSlide as error:
                self._store.end(job, str(error))
                continue
            except BaseException:
                self._store.again([job])
                raise
            with self._lock:
                if self._over or not self._store.is_running(job):  # canceled meanwhile
                    self._store.again([job])
                    continue
                if self._worker is None:
                    self._start()
                assert self._worker is not None
                self._worker.jobs[job.id] = job
                self._worker.send((job.id, unit))

    def _start(self) -> None:
        worker = self._worker = _Worker(self._scheduler)
        self.workers += 1
        threading.Thread(target=self._hear, args=(worker,), name="answers", daemon=True).start()

    def _hear(self, worker: _Worker) -> None:
        """Note the answers of a worker until it ends, and that it ended."""
        assert worker.process.stdout is not None
        with suppress(EOFError, OSError, pickle.UnpicklingError):
            while True:
                key, failed = pickle.load(worker.process.stdout)  # noqa: S301 - what our own process wrote
                with self._lock:
                    if not key:
                        worker.why = failed
                        continue
                    self._in_vain = 0
                    job = worker.jobs.pop(key, None)
                    if job is not None:
                        self._store.end(job, failed)
                self._event.set()
        worker.process.kill()
        self._ended(worker, worker.process.wait())

    def _ended(self, worker: _Worker, code: int) -> None:
        with self._lock:
            if self._worker is not worker:  # it was ended from here
                return
            self._worker = None
            died = len(worker.jobs) == 1 and not worker.why
            self._store.again(worker.jobs.values(), died=died, why=worker.why)
            self._wait()
        how = worker.why or (f"signal {-code}" if code < 0 else f"exit code {code}")
        LOG.warning("the worker ended (%s); %d jobs are queued again", how, len(worker.jobs))
        self._event.set()

    def _wait(self) -> None:
        """Have the next worker wait for longer each time, but after the first."""
        delay = min(LATEST_S, 2.0 ** (self._in_vain - 1)) if self._in_vain else 0.0
        self._in_vain, self._not_before = self._in_vain + 1, time.monotonic() + delay

    def _kill(self) -> None:
        """End the worker; its jobs are queued again, those that were canceled excepted. The lock is held."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.kill()
        self._store.again(worker.jobs.values())
        for job in worker.jobs.values():
            if not job.deaths:  # it has ended no process: the mark would have it done in one of its own
                (self._folder / job.id / BEGUN).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Delete the files of jobs that have no results, and forget those that were removed."""
        for job in self._store.without_files():
            place = self._folder / job.id
            shutil.rmtree(place, ignore_errors=True)
            if job.state == REMOVED and not place.exists():
                self._store.forget(job)
