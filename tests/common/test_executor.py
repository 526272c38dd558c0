"""Work on several processes: all of it done, and no process outlives what it was started for."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.common.executor import InProcess, Processes, WorkerDiedError

sys.path.append(str(Path(__file__).parents[1] / "fixtures"))
import executor_work as work
import units


def test_several_processes_do_all_items_and_this_one_none() -> None:
    found = dict(Processes(2).each(work.process_of, [3, 1, 2]))
    assert [found[number][0] for number in range(3)] == [3, 1, 2]
    assert os.getpid() not in {process for _, process in found.values()}


def test_each_new_process_is_prepared() -> None:
    assert dict(Processes(2, prepare=work.prepare).each(work.prepared, [1, 2])) == {0: (1, "yes"), 1: (2, "yes")}


def test_an_error_of_the_user_in_a_process_comes_through() -> None:
    with pytest.raises(UserError, match=r"item \d makes no sense"):
        list(Processes(2).each(work.failing, [1, 2]))


def test_an_error_is_raised_at_once_and_ends_what_runs_and_what_has_not_begun(tmp_path: Path) -> None:
    items = [(tmp_path, number) for number in (0, 1, 0, 0)]
    before = set(multiprocessing.active_children())
    with pytest.raises(UserError, match="item 1 makes no sense"):  # of those that wait, an AssertionError
        list(Processes(2).each(work.first_waits_second_fails, items))
    assert not set(multiprocessing.active_children()) - before


def test_processes_end_when_no_more_is_asked_for(tmp_path: Path) -> None:
    before = set(multiprocessing.active_children())
    found = Processes(2).each(work.touch_in_the_end, [None, tmp_path / "end"])
    next(found)
    found.close()
    assert not set(multiprocessing.active_children()) - before
    assert not (tmp_path / "end").exists()


FOREVER = """
import os, sys, time
from pathlib import Path
from cancernet.common.executor import Processes

def wait(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)

if __name__ == "__main__":
    list(Processes(2).each(wait, [sys.argv[1]] * 2))
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks the kernel of Linux which processes run")
def test_processes_end_when_the_one_that_started_them_is_killed(tmp_path: Path) -> None:
    (tmp_path / "forever.py").write_text(FOREVER)
    (tmp_path / "seen").mkdir()
    started = subprocess.Popen([sys.executable, tmp_path / "forever.py", tmp_path / "seen"])
    work.until(lambda: len(list((tmp_path / "seen").iterdir())) == 2)
    started.kill()
    started.wait()
    work.until(lambda: not any(running(int(path.name)) for path in (tmp_path / "seen").iterdir()))


def running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"  # a dead process whose parent has not asked after it yet


def test_nothing_to_do_is_nothing_done() -> None:
    assert list(Processes(2).each(work.process_of, [])) == []


def test_one_process_does_units_one_after_the_other() -> None:
    assert list(InProcess().each(work.process_of, iter([3, 1]))) == [(0, (3, os.getpid())), (1, (1, os.getpid()))]


def test_items_are_asked_for_as_workers_get_free(tmp_path: Path) -> None:
    asked: list[int] = []
    found = Processes(2).each(work.process_of, (asked.append(n) or n for n in range(6)))
    next(found)
    assert len(asked) <= 4  # two at work, one handed on in place of the first, one looked at
    assert len(list(found)) == 5


def test_a_unit_whose_process_ends_is_begun_again_and_the_others_are_not(tmp_path: Path) -> None:
    found = dict(Processes(2).each(units.kill_the_first, [(tmp_path, number) for number in range(4)]))
    assert found == {number: number for number in range(4)}
    assert [units.times(tmp_path, number) for number in range(4)] == [1, 2, 1, 1]


def test_a_unit_that_always_ends_its_process_costs_its_own_result_alone(tmp_path: Path) -> None:
    found = dict(Processes(2, tries=3).each(units.kill_always, [(tmp_path, number) for number in range(4)]))
    assert isinstance(found.pop(1), WorkerDiedError)
    assert found == {0: 0, 2: 2, 3: 3}
    assert units.times(tmp_path, 1) == 3


def test_with_a_mark_it_is_tried_twice_and_then_tells_why(tmp_path: Path) -> None:
    items = [(tmp_path, number) for number in range(3)]
    with pytest.raises(WorkerDiedError, match="ended twice"):
        dict(Processes(2).each(units.guarded_kill_always, items))
    assert units.times(tmp_path, 1) == 2


def test_a_worker_has_its_share_of_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cancernet.common.executor.available_cpus", lambda: 8)
    assert (InProcess().threads(), Processes(3).threads(), Processes(20).threads()) == (8, 2, 1)
