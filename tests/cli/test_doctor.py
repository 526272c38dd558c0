"""`cancernet doctor`: a line a check, a fix where one is due, and an exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


def test_without_training_it_still_looks_at_the_rest(
    cancernet: Callable, no_tensorflow: str, sample: Path
) -> None:
    ended = cancernet("doctor", "--data", sample, before=no_tensorflow)
    assert ended.returncode == 0, ended.stderr
    states = dict(
        line.split(maxsplit=1)[::-1] for line in ended.stdout.splitlines() if not line.startswith(" ")
    )
    assert set(states.values()) <= {"PASS", "WARN"}
    assert "WARN  train" in ended.stdout
    assert "fix: pip install 'cancernet[train]'" in ended.stdout
    assert "PASS  data" in ended.stdout
    assert "Traceback" not in ended.stderr


def test_a_failure_is_exit_1_with_the_fix(cancernet: Callable, no_tensorflow: str, tmp_path: Path) -> None:
    ended = cancernet("doctor", "--data", tmp_path / "nowhere", before=no_tensorflow)
    assert ended.returncode == 1
    assert "FAIL  data" in ended.stdout
    assert ended.stdout.count("fix: ") >= 1
    assert "Traceback" not in ended.stderr


@pytest.mark.train
@pytest.mark.slow
def test_with_training_it_names_keras_and_the_weights(cancernet: Callable, tmp_path: Path) -> None:
    ended = cancernet("doctor", "--weights", tmp_path / "none.h5")
    assert ended.returncode == 1
    assert "PASS  train" in ended.stdout
    assert "FAIL  ImageNet weights" in ended.stdout
    assert "no such file" in ended.stdout
    assert ended.stderr == ""
