"""The faster kernels are taken, the user's own choice stands, and nothing is measured twice."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from cancernet.common.provenance import ONEDNN
from cancernet.training import kernels
from cancernet.training.kernels import REMEMBERED, choose_kernels, measure_step


class Stopwatch:
    """Says what a measurement would have found, and counts how often it was asked."""

    def __init__(self, plain: float | None, onednn: float | None) -> None:
        self.seconds, self.asked = {"0": plain, "1": onednn}, []

    def __call__(self, value: str) -> float | None:
        self.asked.append(value)
        return self.seconds[value]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has neither a switch nor TensorFlow yet, on a processor that leaves the choice."""
    monkeypatch.setenv(ONEDNN, "set so that it is put back")
    monkeypatch.delenv(ONEDNN)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


@pytest.mark.parametrize(
    ("plain", "onednn", "taken"), [(1.0, 0.5, "1"), (0.5, 1.0, "0"), (1.0, 0.99, "0"), (1.0, 0.95, "1")]
)
def test_the_faster_kernels_are_taken_where_it_is_worth_it(
    tmp_path: Path, plain: float, onednn: float, taken: str
) -> None:
    assert choose_kernels(tmp_path, say=lambda _: None, measure=Stopwatch(plain, onednn)) == taken
    assert os.environ[ONEDNN] == taken


def test_it_measures_once_and_remembers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    watch = Stopwatch(1.0, 0.5)
    choose_kernels(tmp_path, say=said.append, measure=watch)
    monkeypatch.delenv(ONEDNN)
    assert choose_kernels(tmp_path, say=said.append, measure=watch) == "1"
    assert watch.asked == ["0", "1"]
    assert len(said) == 1
    assert "once" in said[0]


def test_another_processor_is_measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Stopwatch(1.0, 0.5)
    for name in ("one", "another", "one"):
        monkeypatch.setattr(kernels, "_here", lambda name=name: name)
        monkeypatch.delenv(ONEDNN, raising=False)
        choose_kernels(tmp_path, say=lambda _: None, measure=watch)
    assert len(watch.asked) == 4
    assert set(json.loads((tmp_path / REMEMBERED).read_text())) == {"one", "another"}


def test_the_users_own_switch_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ONEDNN, "0")
    watch = Stopwatch(1.0, 0.1)
    assert choose_kernels(tmp_path, measure=watch) == "0"
    assert not watch.asked
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["arm64", "aarch64", ""])
def test_a_processor_without_the_choice_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: kind)
    watch = Stopwatch(1.0, 0.1)
    assert choose_kernels(tmp_path, measure=watch) is None
    assert not watch.asked
    assert ONEDNN not in os.environ


def test_it_is_too_late_once_tensorflow_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    watch = Stopwatch(1.0, 0.1)
    assert choose_kernels(tmp_path, measure=watch) is None
    assert not watch.asked


@pytest.mark.parametrize("seconds", [(None, 1.0), (1.0, None), (None, None)])
def test_a_measurement_that_fails_is_said_and_not_remembered(
    tmp_path: Path, seconds: tuple[float | None, float | None]
) -> None:
    said: list[str] = []
    assert choose_kernels(tmp_path, say=said.append, measure=Stopwatch(*seconds)) is None
    assert "could not be measured" in said[-1]
    assert ONEDNN not in os.environ
    assert not (tmp_path / REMEMBERED).exists()


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"here": 3}', '{"here": {"0": 1}}', '{"here": {"0": "x", "1": 2}}']
)
def test_a_damaged_memory_is_measured_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr(kernels, "_here", lambda: "here")
    (tmp_path / REMEMBERED).write_text(content)
    assert choose_kernels(tmp_path, say=lambda _: None, measure=Stopwatch(1.0, 0.5)) == "1"
    assert json.loads((tmp_path / REMEMBERED).read_text()) == {"here": {"0": 1.0, "1": 0.5}}


def test_a_cache_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert choose_kernels(tmp_path / "file", say=lambda _: None, measure=Stopwatch(1.0, 0.5)) == "1"


@pytest.mark.parametrize("printed", ["raise SystemExit(3)", "print('no number')", "pass"])
def test_a_process_that_fails_measures_nothing(monkeypatch: pytest.MonkeyPatch, printed: str) -> None:
    def instead(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        return run([sys.executable, "-c", printed], **options)  # type: ignore[call-overload]

    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", instead)
    assert measure_step("1") is None


@pytest.mark.slow
@pytest.mark.train
def test_a_step_is_measured_in_a_process_of_its_own() -> None:
    pytest.importorskip("tensorflow")
    sys.modules.pop("tensorflow.never", None)
    seconds = measure_step("0")
    assert seconds is not None
    assert 0 < seconds < 60
