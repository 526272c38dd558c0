"""Work on several processes: in order, in-process where one will do, and a killed worker said in one line."""

from __future__ import annotations

import os
import signal

import pytest

from cancernet.errors import UserError
from cancernet.spread import spread


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


@pytest.mark.slow
def test_an_error_of_the_user_in_a_process_comes_through() -> None:
    with pytest.raises(UserError, match="item 1 makes no sense"):
        list(spread(failing, [1, 2], processes=2))


@pytest.mark.slow
def test_a_killed_process_is_told_with_the_likely_reason() -> None:
    with pytest.raises(UserError, match="was killed, most likely for want of memory"):
        list(spread(killed, [1, 2], processes=2))


def test_nothing_to_do_is_nothing_done() -> None:
    assert list(spread(process_of, [], processes=2)) == []
