"""Who keeps a worker: whatever ends it, no job is lost, and none keeps the others from being done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cancernet.common.output import BEGUN
from cancernet.serve import mapper as mappers
from cancernet.serve.database import Database
from cancernet.serve.mapper import Mapper
from cancernet.serve.store import MOST_DEATHS, Job, Store
from cancernet.slide.scale import BadSlide

sys.path.append(str(Path(__file__).parents[1] / "fixtures"))
import serve_workers
from served import until


@pytest.fixture(autouse=True)
def obedient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mappers, "START", serve_workers.BEGIN + "obedient()")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    database = Database(tmp_path / "x.sqlite")
    yield Store(database)
    database.close()


@pytest.fixture
def make(tmp_path: Path, store: Store) -> Callable[..., Mapper]:
    def unit_of(job: Job, folder: Path) -> Any:
        if job.name == "gone":
            raise BadSlide("the slide is gone")
        folder.mkdir(exist_ok=True)
        (folder / BEGUN).touch()
        return job.name, str(tmp_path)

    return lambda keep_days=30.0: Mapper(store, tmp_path / "jobs", unit_of, "graph", keep_days=keep_days)


def submit(store: Store, *words: str) -> list[str]:
    return [store.submit("s", each, {}, "graph", most=100).id for each in words]


def states(store: Store, jobs: list[str]) -> list[str]:
    return [found.state if (found := store.get(job)) else "gone" for job in jobs]


def times(tmp_path: Path, job: str) -> int:
    """How often a job was begun."""
    path = tmp_path / job
    return len(path.read_text()) if path.exists() else 0


def test_jobs_are_done_one_after_the_other_by_one_worker(store, make, tmp_path) -> None:
    jobs = submit(store, "done", "fail it is black", "done")
    with make() as mapper:
        until(lambda: store.counts()["done"] == 2)
        assert states(store, jobs) == ["done", "failed", "done"]
        [later] = submit(store, "done")
        mapper.wake()
        until(lambda: states(store, [later]) == ["done"])
        assert mapper.workers == 1
    failed = store.get(jobs[1])
    assert failed is not None
    assert failed.error == "it is black"
    assert [times(tmp_path, job) for job in [*jobs, later]] == [1, 1, 1, 1]


def test_no_worker_is_started_for_no_job_or_a_slide_that_is_gone(store, make) -> None:
    jobs = submit(store, "gone")
    with make() as mapper:
        until(lambda: states(store, jobs) == ["failed"])
        assert mapper.workers == 0
    failed = store.get(jobs[0])
    assert failed is not None
    assert failed.error == "the slide is gone"


def test_a_job_whose_worker_was_killed_is_begun_again(store, make, tmp_path) -> None:
    jobs = submit(store, "die once", "done")
    with make():
        until(lambda: states(store, jobs) == ["done", "done"])
    assert [times(tmp_path, job) for job in jobs] == [2, 1]
    found = store.get(jobs[0])
    assert found is not None
    assert (found.attempts, found.deaths) == (2, 1)


def test_a_job_at_which_workers_always_die_fails_and_holds_no_other_up(store, make, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(mappers, "LATEST_S", 0.0)
    jobs = submit(store, "die", "done")
    with make():
        until(lambda: states(store, jobs) == ["failed", "done"])
    assert [times(tmp_path, job) for job in jobs] == [MOST_DEATHS, 1]


def test_a_running_job_is_canceled_and_the_next_goes_to_another_worker(store, make, tmp_path) -> None:
    jobs = submit(store, "hang", "done")
    with make() as mapper:
        until(lambda: times(tmp_path, jobs[0]))
        assert mapper.cancel(jobs[0])
        assert not (tmp_path / "jobs" / jobs[0]).exists()
        until(lambda: states(store, jobs) == ["canceled", "done"])
        assert mapper.workers == 2
        assert not mapper.cancel(jobs[0])
    assert times(tmp_path, jobs[0]) == 1


def test_a_waiting_job_that_is_canceled_is_never_begun_and_ends_no_worker(store, make, tmp_path) -> None:
    jobs = submit(store, "hang", "done")
    with make() as mapper:
        until(lambda: times(tmp_path, jobs[0]))
        assert mapper.cancel(jobs[1])
        assert mapper.cancel(jobs[0])
        [last] = submit(store, "done")
        mapper.wake()
        until(lambda: states(store, [last]) == ["done"])
        assert mapper.workers == 2
    assert times(tmp_path, jobs[1]) == 0


def test_a_worker_that_says_why_it_ends_has_its_jobs_wait_with_that(store, make, monkeypatch) -> None:
    jobs = submit(store, "stop the scheduler is gone")
    with make():
        until(lambda: (found := store.get(jobs[0])) and found.error == "the scheduler is gone")
        found = store.get(jobs[0])
    assert found is not None
    assert found.deaths == 0
    assert states(store, jobs) == ["queued"]


def test_what_runs_when_the_server_ends_is_queued_and_no_process_is_blamed(store, make, tmp_path) -> None:
    jobs = submit(store, "hang")
    with make():
        until(lambda: times(tmp_path, jobs[0]))
    assert states(store, jobs) == ["queued"]
    assert not (tmp_path / "jobs" / jobs[0] / BEGUN).exists()


def test_what_ran_when_a_server_was_killed_is_begun_again(store, make, tmp_path) -> None:
    jobs = submit(store, "done")
    store.claim("graph")
    with make():
        until(lambda: states(store, jobs) == ["done"])


def test_results_are_deleted_with_their_job_and_when_they_are_old(store, make, tmp_path) -> None:
    jobs = submit(store, "done", "done", "done")
    with make() as mapper:
        until(lambda: store.counts()["done"] == 3)
        assert mapper.remove(jobs[0])
        assert not mapper.remove(jobs[0])
        assert [path.name for path in sorted((tmp_path / "jobs").iterdir())] == sorted(jobs[1:])
    store.remove(jobs[1])  # a server that was killed before it had deleted the files
    with make():
        until(lambda: not (tmp_path / "jobs" / jobs[1]).exists())
    assert (tmp_path / "jobs" / jobs[2]).exists()
    with make(keep_days=-1.0):
        until(lambda: not list((tmp_path / "jobs").iterdir()))
    assert states(store, jobs) == ["gone"] * 3
