"""Work on several processes: in order, in-process where one will do, and a killed worker said in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.common.executor import spread


def process_of(item: int) -> tuple[int, int]:
    return item, os.getpid()


def killed(item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return item


def failing(item: int) -> int:
    raise UserError(f"item {item} makes no sense")


def test_one_process_is_this_one() -> None:
    assert list(spread(process_of, [3, 1, 2], processes=1)) == [(n, os.getpid()) for n in (3, 1, 2)]


def test_one_item_needs_no_other_process() -> None:
    assert list(spread(process_of, [7], processes=4)) == [(7, os.getpid())]


@pytest.mark.slow
def test_several_processes_answer_in_the_order_of_the_items() -> None:
    found = list(spread(process_of, [3, 1, 2], processes=2))
    assert [item for item, _ in found] == [3, 1, 2]
    assert os.getpid() not in {process for _, process in found}


def prepared(item: int) -> tuple[int, str]:
    return item, os.environ.get("PREPARED", "")


def prepare() -> None:
    os.environ["PREPARED"] = "yes"


@pytest.mark.slow
def test_each_new_process_is_prepared_and_this_one_is_not() -> None:
    assert list(spread(prepared, [1, 2], processes=2, prepare=prepare)) == [(1, "yes"), (2, "yes")]
    assert list(spread(prepared, [1, 2], processes=1, prepare=prepare)) == [(1, ""), (2, "")]


@pytest.mark.slow
def test_an_error_of_the_user_in_a_process_comes_through() -> None:
    with pytest.raises(UserError, match="item 1 makes no sense"):
        list(spread(failing, [1, 2], processes=2))


@pytest.mark.slow
def test_a_killed_process_is_told_with_the_likely_reason() -> None:
    with pytest.raises(UserError, match="was killed, most likely for want of memory"):
        list(spread(killed, [1, 2], processes=2))


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


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks the kernel of Linux which processes run")
def test_processes_end_when_the_one_that_started_them_is_killed(tmp_path: Path) -> None:
    (tmp_path / "forever.py").write_text(FOREVER)
    (tmp_path / "seen").mkdir()
    started = subprocess.Popen([sys.executable, tmp_path / "forever.py", tmp_path / "seen"])
    until(lambda: len(list((tmp_path / "seen").iterdir())) == 2)
    started.kill()
    started.wait()
    until(lambda: not any(running(int(path.name)) for path in (tmp_path / "seen").iterdir()))


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.05)


def running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"  # a dead process whose parent has not asked after it yet


def test_nothing_to_do_is_nothing_done() -> None:
    assert list(spread(process_of, [], processes=2)) == []
