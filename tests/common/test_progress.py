"""Bars are for people at a terminal; logs and pipes stay clean."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from cancernet.common.outlook import Outlook, following
from cancernet.common.progress import heard_by, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_drawn_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    assert list(progress(range(3), what="read")) == [0, 1, 2]
    assert screen.getvalue() == ""


def test_a_terminal_sees_what_how_many_and_how_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress(total=4, what="read") as bar:
        bar.update(4)
        bar.refresh()
    drawn = screen.getvalue()
    assert "read" in drawn
    assert "4/4" in drawn
    assert "patches" in drawn


def test_a_bar_is_wiped_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    list(progress([1, 2], what="read"))
    assert screen.getvalue().split("\r")[-1].strip() == ""


def test_a_helping_process_draws_none(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr("cancernet.common.progress.parent_process", object)
    assert list(progress(range(3), what="read")) == [0, 1, 2]
    assert screen.getvalue() == ""


def test_a_terminal_sees_how_long_the_whole_run_will_take(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    outlook = Outlook({"learn": 4.0, "rest": 12.0})
    with following(outlook), outlook.of("learn"), progress(total=4, what="learn", cost=1.0) as bar:
        bar.update(4)
        bar.refresh()
    assert "whole run: 25%" in screen.getvalue()


def test_a_listener_hears_the_bars_of_its_thread_where_nobody_watches() -> None:
    heard: list[tuple[str, float]] = []
    with heard_by(lambda what, share: heard.append((what, share))), progress(total=4, what="read") as bar:
        bar.update(1)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: progress(total=4, what="other").update(4)).result()
        bar.update(3)
    progress(total=4, what="later").update(4)
    assert heard == [("read", 0.25), ("read", 1.0)]
