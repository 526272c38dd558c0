"""Jobs in the database: each is claimed by one, and what ended once stays as it ended."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cancernet.serve.database import Database
from cancernet.serve.problems import Problem
from cancernet.serve.store import MOST_DEATHS, Job, Store

ASKED = {"mpp": None, "viewer_mpp": None, "stride": None}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    database = Database(tmp_path / "x.sqlite")
    yield Store(database)
    database.close()


def submit(store: Store, slide: str = "s", *, key: str = "", most: int = 100, **asked: float) -> Job:
    return store.submit(slide, f"{slide}.svs", ASKED | asked, "graph", most=most, key=key)


def claimed(store: Store) -> Job:
    job = store.claim("graph")
    assert job is not None
    return job


def state(store: Store, job: Job) -> str:
    found = store.get(job.id)
    return found.state if found else "gone"


def test_a_job_waits_and_is_what_was_asked_for(store: Store) -> None:
    job = submit(store, mpp=0.5)
    assert (job.state, job.attempts, job.started, job.ended, job.error) == ("queued", 0, None, None, "")
    assert job.asked == ASKED | {"mpp": 0.5}
    assert store.get(job.id) == job
    assert store.get("none") is None


def test_the_one_that_waited_longest_is_claimed_first_and_by_the_model_of_now(store: Store) -> None:
    first, second = submit(store), submit(store)
    job = store.claim("another")
    assert job is not None
    assert (job.id, job.state, job.attempts, job.model) == (first.id, "running", 1, "another")
    assert claimed(store).id == second.id
    assert store.claim("graph") is None


def test_no_two_claim_one_job(store: Store) -> None:
    made = {submit(store).id for _ in range(20)}
    with ThreadPoolExecutor(8) as pool:
        got = [job.id for job in pool.map(lambda _: store.claim("graph"), range(30)) if job]
    assert len(got) == 20
    assert set(got) == made


def test_a_key_makes_of_two_requests_one_job(store: Store) -> None:
    first = submit(store, key="k")
    assert submit(store, key="k") == first
    assert submit(store, key="l").id != first.id
    with pytest.raises(Problem, match="with another request") as raised:
        submit(store, key="k", mpp=0.5)
    assert raised.value.status == 422
    with pytest.raises(Problem, match="with another request"):
        submit(store, "other", key="k")


def test_a_key_finds_its_job_however_full_the_queue_is_and_is_free_when_that_is_removed(store: Store) -> None:
    first = submit(store, key="k", most=1)
    assert submit(store, key="k", most=1) == first
    store.end(claimed(store))
    assert submit(store, key="k").state == "done"
    store.remove(first.id)
    assert submit(store, key="k").id != first.id


def test_a_full_queue_is_refused_with_when_to_ask_again_and_counts_those_that_run(store: Store) -> None:
    submit(store, most=2)
    submit(store, most=2)
    claimed(store)
    with pytest.raises(Problem, match="2 jobs wait or run") as raised:
        submit(store, most=2)
    assert raised.value.status == 429
    assert "Retry-After" in raised.value.headers
    store.cancel(submit_id := store.page(limit=1)[0].id)
    assert submit(store, most=2).id != submit_id


def test_a_job_ends_once(store: Store) -> None:
    submit(store)
    job = claimed(store)
    assert store.end(job)
    assert not store.end(job, "too late")
    found = store.get(job.id)
    assert found is not None
    assert (found.state, found.error) == ("done", "")
    assert found.ended is not None


def test_what_an_earlier_attempt_says_is_not_heard(store: Store) -> None:
    submit(store)
    before = claimed(store)
    store.again([before])
    now = claimed(store)
    assert not store.is_running(before)
    assert store.is_running(now)
    assert not store.end(before, "of the first")
    store.again([before])
    assert state(store, now) == "running"
    assert store.end(now)


def test_a_job_whose_worker_ended_is_queued_before_those_that_came_later(store: Store) -> None:
    first, second = submit(store), submit(store)
    store.again([claimed(store)], why="the scheduler is gone")
    found = store.get(first.id)
    assert found is not None
    assert (found.state, found.error, found.attempts, found.ended) == ("queued", "the scheduler is gone", 1, None)
    again = claimed(store)
    assert (again.id, again.attempts, again.error) == (first.id, 2, "")
    assert claimed(store).id == second.id


def test_one_at_which_workers_died_has_failed_at_last_and_one_that_only_met_ends_has_not(store: Store) -> None:
    deadly = submit(store)
    for _ in range(MOST_DEATHS):
        store.again([claimed(store)], died=True)
    found = store.get(deadly.id)
    assert found is not None
    assert found.state == "failed"
    assert f"ended {MOST_DEATHS} times" in found.error
    harmless = submit(store)
    for _ in range(3 * MOST_DEATHS):
        store.again([claimed(store)])
    assert state(store, harmless) == "queued"


def test_what_ran_when_a_server_ended_is_queued_and_what_ended_is_not(store: Store) -> None:
    done, running, waiting = submit(store), submit(store), submit(store)
    store.end(claimed(store))
    claimed(store)
    assert store.recover() == 1
    assert [state(store, job) for job in (done, running, waiting)] == ["done", "queued", "queued"]


def test_jobs_that_wait_or_run_are_canceled_and_those_that_ended_removed(store: Store) -> None:
    running, waiting = submit(store), submit(store)
    job = claimed(store)
    assert not store.remove(running.id)
    assert store.cancel(running.id)
    assert store.cancel(waiting.id)
    assert not store.cancel(waiting.id)
    assert not store.end(job)
    assert store.claim("graph") is None
    assert store.remove(waiting.id)
    assert not store.remove(waiting.id)
    assert [state(store, each) for each in (running, waiting)] == ["canceled", "gone"]
    assert [each.id for each in store.page(limit=9)] == [running.id]


def test_a_removed_job_is_forgotten_when_its_files_are_gone_and_no_other_is(store: Store) -> None:
    first, second = submit(store), submit(store)
    store.end(claimed(store))
    store.end(claimed(store))
    store.remove(first.id)
    [removed] = store.without_files()
    assert removed.id == first.id
    store.forget(removed)
    store.forget(second)
    assert store.without_files() == []
    assert state(store, second) == "done"


def test_jobs_go_by_their_age(store: Store) -> None:
    old, waiting = submit(store), submit(store)
    store.end(claimed(store))
    store.expire(days=1)
    assert state(store, old) == "done"
    store.expire(days=-1)
    assert [state(store, each) for each in (old, waiting)] == ["gone", "queued"]


def test_pages_begin_with_the_newest_and_leave_none_out(store: Store) -> None:
    made = [submit(store).id for _ in range(5)]
    found: list[str] = []
    last = None
    while page := store.page(limit=2, after=last):
        found += [job.id for job in page]
        last = page[-1]
    assert found == made[::-1]
    claimed(store)
    assert [job.id for job in store.page(state="running", limit=9)] == made[:1]
    assert len(store.page(state="queued", limit=9)) == 4
    assert store.counts() == {"queued": 4, "running": 1, "done": 0, "failed": 0, "canceled": 0}


def test_the_last_job_of_each_slide_is_found(store: Store) -> None:
    submit(store, "a")
    last, other = submit(store, "a"), submit(store, "b")
    assert store.last_of(["a", "b", "c"]) == {"a": last.id, "b": other.id}
    assert store.last_of([]) == {}
    store.end(claimed(store))
