"""One unit in a process of its own: its answer comes back, and its end is no other's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cancernet.common.apart import apart, guarded
from cancernet.common.executor import WorkerDiedError

sys.path.append(str(Path(__file__).parents[1] / "fixtures"))
import executor_work
import units


def test_the_answer_of_another_process_comes_back_whatever_it_prints(capfd: pytest.CaptureFixture[str]) -> None:
    item, process = apart(executor_work.process_of, 7)
    assert item == 7
    assert process != executor_work.process_of(7)[1]
    assert apart(units.print_and_return, 3) == 3
    assert "from a library" in capfd.readouterr().err


def test_what_a_unit_raises_there_is_raised_here() -> None:
    with pytest.raises(ValueError, match="item 5"):
        apart(units.fail, 5)


def test_a_process_that_ends_is_told_with_its_signal(tmp_path: Path) -> None:
    with pytest.raises(WorkerDiedError, match=r"ended twice while at it \(signal 9\)"):
        apart(units.kill_always, (tmp_path, 1))


def test_a_unit_is_done_here_and_leaves_no_mark(tmp_path: Path) -> None:
    assert guarded(executor_work.process_of, 1, tmp_path / "mark") == executor_work.process_of(1)
    assert not (tmp_path / "mark").exists()


def test_a_unit_that_raises_leaves_no_mark_since_it_ended_no_process(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="item 1"):
        guarded(units.fail, 1, tmp_path / "mark")
    assert not (tmp_path / "mark").exists()


def test_a_unit_found_half_done_is_done_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mark").touch()
    assert guarded(executor_work.process_of, 1, tmp_path / "mark") != executor_work.process_of(1)
    assert not (tmp_path / "mark").exists()
