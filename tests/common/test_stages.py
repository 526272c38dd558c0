"""Calls behind the caller's back keep their order, pile nothing up, and lose no error; stages are counted."""

from __future__ import annotations

import threading

import pytest

from cancernet.common.stages import Behind, Seconds


def test_calls_are_made_in_order_and_all_of_them_before_the_block_ends() -> None:
    done: list[int] = []
    with Behind(done.append) as behind:
        for i in range(100):
            behind.do(i)
    assert done == list(range(100))


def test_a_caller_waits_for_the_call_before_the_last() -> None:
    """One call is under way while the next is made ready; a third is not taken."""
    go, begun = threading.Event(), threading.Event()
    taken: list[str] = []

    def slow(name: str) -> None:
        begun.set()
        assert go.wait(10)
        taken.append(name)

    with Behind(slow) as behind:
        behind.do("first")
        assert begun.wait(10)
        assert taken == []  # `do` did not wait for its own call
        caller = threading.Thread(target=behind.do, args=("second",))
        caller.start()
        caller.join(0.05)
        assert caller.is_alive()
        go.set()
        caller.join(10)
        assert taken[0] == "first"
    assert taken == ["first", "second"]


def fails(number: int) -> None:
    if number == 1:
        raise ValueError("broken")


def test_an_error_is_raised_by_the_next_call_and_nothing_is_called_after_it() -> None:
    seen: list[int] = []

    def note(number: int) -> None:
        seen.append(number)
        fails(number)

    def call_ten_times() -> None:
        with Behind(note) as behind:
            for i in range(10):
                behind.do(i)

    with pytest.raises(ValueError, match="broken"):
        call_ten_times()
    assert seen == [0, 1]


def test_an_error_of_the_last_call_is_raised_at_the_end() -> None:
    with pytest.raises(ValueError, match="broken"), Behind(fails) as behind:
        behind.do(1)


def test_an_error_of_the_caller_is_not_hidden_by_one_behind() -> None:
    def fail_meanwhile() -> None:
        with Behind(fails) as behind:
            behind.do(1)
            raise KeyError("mine")

    with pytest.raises(KeyError):
        fail_meanwhile()


def test_an_error_is_raised_once() -> None:
    with Behind(fails) as behind:
        behind.do(1)
        with pytest.raises(ValueError, match="broken"):
            behind.wait()
        behind.wait()


def test_stages_add_up_and_those_without_work_are_told_too() -> None:
    seconds = Seconds("read", "write")
    seconds.add("read", 1.25)
    seconds.add("read", 0.5)
    seconds.add("more", 2.0)
    assert seconds.rounded() == {"read": 1.75, "write": 0.0, "more": 2.0}


def test_a_stage_that_fails_is_counted() -> None:
    seconds = Seconds()
    with pytest.raises(ValueError, match="broken"), seconds.of("read"):
        fails(1)
    assert "read" in seconds.rounded()
