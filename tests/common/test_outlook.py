"""What is left of a job follows from what its parts cost and took."""

from __future__ import annotations

import pytest

from cancernet.common.outlook import Outlook, followed, following
from cancernet.common.progress import progress


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outlook(clock: Clock) -> Outlook:
    return Outlook({"one": 100.0, "two": 300.0}, clock=clock)


def test_nothing_is_foretold_before_something_is_done(outlook: Outlook) -> None:
    assert outlook.seconds_left is None
    assert str(outlook) == "whole run: 0%"


def test_the_rest_takes_as_long_as_what_is_done_took(outlook: Outlook, clock: Clock) -> None:
    with outlook.of("one"):
        outlook.spend(100)
    clock.now = 600.0
    assert outlook.share == pytest.approx(0.25)
    assert outlook.seconds_left == pytest.approx(1800)
    assert str(outlook) == "whole run: 25%, about 30 min left"


def test_what_a_part_did_not_need_is_expected_no_more(outlook: Outlook, clock: Clock) -> None:
    with outlook.of("one"):
        outlook.spend(50)  # it stopped early
    clock.now = 60.0
    assert outlook.share == pytest.approx(50 / 350)
    assert outlook.seconds_left == pytest.approx(360)


def test_a_part_that_costs_more_than_foretold_does_not_eat_the_others(outlook: Outlook) -> None:
    with outlook.of("one"):
        outlook.spend(1000)
    assert outlook.share == pytest.approx(0.25)


def test_all_is_done_at_the_end(outlook: Outlook, clock: Clock) -> None:
    clock.now = 10.0
    for part, cost in (("one", 100), ("two", 300)):
        with outlook.of(part):
            outlook.spend(cost)
    assert outlook.seconds_left == 0
    assert str(outlook) == "whole run: 100%, less than a minute left"


def test_bars_tell_the_outlook_that_is_followed_and_no_other(outlook: Outlook) -> None:
    with following(outlook), outlook.of("two"):
        assert followed() is outlook
        with progress(total=10, what="learn", cost=3.0) as bar:
            bar.update(4)
            bar.update(2)
        with progress(total=10, what="what is not foretold") as bar:
            bar.update(10)
    assert outlook.spent["two"] == 18
    assert followed() is None
    with progress(total=10, what="learn", cost=3.0) as bar:
        bar.update(10)
    assert outlook.spent["two"] == 18
