"""Work on several processes: in order, in-process where one will do, and a killed worker said in one line."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.common.executor import spread

sys.path.append(str(Path(__file__).parents[1] / "fixtures"))
import executor_work as work


def test_one_process_is_this_one() -> None:
    assert list(spread(work.process_of, [3, 1, 2], processes=1)) == [(n, os.getpid()) for n in (3, 1, 2)]


def test_one_item_needs_no_other_process() -> None:
    assert list(spread(work.process_of, [7], processes=4)) == [(7, os.getpid())]


def test_several_processes_answer_in_the_order_of_the_items() -> None:
    found = list(spread(work.process_of, [3, 1, 2], processes=2))
    assert [item for item, _ in found] == [3, 1, 2]
    assert os.getpid() not in {process for _, process in found}


def test_each_new_process_is_prepared_and_this_one_is_not() -> None:
    assert list(spread(work.prepared, [1, 2], processes=2, prepare=work.prepare)) == [(1, "yes"), (2, "yes")]
    assert list(spread(work.prepared, [1, 2], processes=1, prepare=work.prepare)) == [(1, ""), (2, "")]


def test_an_error_of_the_user_in_a_process_comes_through() -> None:
    with pytest.raises(UserError, match="item 1 makes no sense"):
        list(spread(work.failing, [1, 2], processes=2))


def test_a_killed_process_is_told_with_the_likely_reason() -> None:
    with pytest.raises(UserError, match="was killed, most likely for want of memory"):
        list(spread(work.killed, [1, 2], processes=2))


def test_an_error_is_raised_at_once_and_ends_what_runs_and_what_has_not_begun(tmp_path: Path) -> None:
    items = [(tmp_path, number) for number in (0, 1, 0, 0)]
    before = set(multiprocessing.active_children())
    with pytest.raises(UserError, match="item 1 makes no sense"):  # of those that wait, an AssertionError
        list(spread(work.first_waits_second_fails, items, processes=2))
    assert not set(multiprocessing.active_children()) - before


def test_processes_end_when_no_more_is_asked_for(tmp_path: Path) -> None:
    before = set(multiprocessing.active_children())
    found = spread(work.touch_in_the_end, [None, tmp_path / "end"], processes=2)
    next(found)
    found.close()
    assert not set(multiprocessing.active_children()) - before
    assert not (tmp_path / "end").exists()


FOREVER = """
import os, sys, time
from pathlib import Path
from cancernet.common.executor import spread

def wait(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)

if __name__ == "__main__":
    list(spread(wait, [sys.argv[1]] * 2, processes=2))
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
    assert list(spread(work.process_of, [], processes=2)) == []
