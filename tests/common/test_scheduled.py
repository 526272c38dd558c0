"""Units on the workers of a real Dask scheduler: they come back, survive their workers, and no stranger does any."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cancernet.common import scheduled
from cancernet.common.errors import UserError
from cancernet.common.scheduled import Scheduled

sys.path.append(str(Path(__file__).parents[1] / "fixtures"))
import executor_work as work
import units

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler with two workers of one thread, as a user starts them."""
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*filter(None, sys.path)])}

    def start(*arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "dask", *arguments, "--scheduler-file", str(file), "--no-dashboard"]
        with (folder / f"{arguments[0]}.log").open("w") as log:
            return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)

    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0")
    worker = start("worker", "--nworkers", "2", "--nthreads", "1", "--local-directory", str(folder))
    yield str(file)
    for process in (worker, scheduler):
        process.terminate()
        process.wait()


@pytest.fixture
def executor(address: str) -> Iterator[Scheduled]:
    work.until(Path(address).exists)
    found = Scheduled(address)
    yield found
    found.close()


def test_units_are_done_elsewhere_and_none_is_lost(executor: Scheduled) -> None:
    found = dict(executor.each(work.process_of, iter(range(20))))
    assert [found[number][0] for number in range(20)] == list(range(20))
    assert os.getpid() not in {process for _, process in found.values()}


def test_few_are_handed_over_at_once(executor: Scheduled) -> None:
    asked: list[int] = []
    found = executor.each(work.process_of, (asked.append(n) or n for n in range(50)))
    next(found)
    assert len(asked) <= 2 * scheduled.AHEAD * 2
    found.close()


def test_fewer_workers_than_before_are_handed_nothing_until_they_are_free(
    executor: Scheduled, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = iter([4])
    monkeypatch.setattr(executor, "_at_once", lambda: next(there, 1))  # three of four have gone
    assert sorted(dict(executor.each(work.process_of, range(12)))) == list(range(12))


def test_a_scheduler_that_goes_away_is_one_line(executor: Scheduled, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost() -> dict[str, int]:
        raise OSError("connection closed")

    monkeypatch.setattr(executor._client, "nthreads", lost)
    with pytest.raises(UserError, match="is gone; start it and its workers"):
        next(executor.each(work.process_of, range(3)))


def test_what_a_unit_raises_there_is_raised_here(executor: Scheduled) -> None:
    with pytest.raises(ValueError, match="item 5"):
        dict(executor.each(units.fail, [5]))


def test_a_unit_whose_worker_dies_is_begun_again_elsewhere(executor: Scheduled, tmp_path: Path) -> None:
    found = dict(executor.each(units.kill_the_first, [(tmp_path, number) for number in range(4)]))
    assert found == {number: number for number in range(4)}
    assert units.times(tmp_path, 1) == 2


def test_a_unit_that_always_ends_its_process_is_tried_twice_and_says_so(executor: Scheduled, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="ended twice"):
        dict(executor.each(units.guarded_kill_always, [(tmp_path, 1)]))
    assert units.times(tmp_path, 1) == 2


def test_workers_with_another_version_are_refused_by_name(
    executor: Scheduled, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduled, "__version__", "9.9")
    with pytest.raises(UserError, match=r"worker tcp://.* has CancerNet .*, and this is 9\.9"):
        Scheduled(address)


def test_a_scheduler_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduled, "CONNECT_S", 0.2)
    with pytest.raises(UserError, match=r"--scheduler tcp://127\.0\.0\.1:1: cannot be reached"):
        Scheduled("tcp://127.0.0.1:1")
    with pytest.raises(UserError, match="cannot be reached"):
        Scheduled("nonsense://x")
    with pytest.raises(UserError, match=r"absent\.json: no such file"):
        Scheduled("absent.json")


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"needs Dask: pip install 'cancernet\[scale\]'"):
        Scheduled("tcp://127.0.0.1:1")
