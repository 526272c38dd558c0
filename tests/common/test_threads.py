"""A container's share counts, not the machine's cores."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from cancernet.common import threads
from cancernet.common.threads import available_cpus


@pytest.fixture
def limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 8 cores with no control groups; write `cpu.max`, `quota` and `period` to limit it."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(threads, "_CGROUP_V2", tmp_path / "cpu.max")
    monkeypatch.setattr(threads, "_CGROUP_V1", (tmp_path / "quota", tmp_path / "period"))
    return tmp_path


def test_without_a_limit_the_affinity_mask_counts(limits: Path) -> None:
    assert available_cpus() == 8


@pytest.mark.parametrize(
    ("content", "cpus"),
    [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("10000 100000", 1), ("3200000 100000", 8)],
)
def test_a_version_2_group_cuts_it(limits: Path, content: str, cpus: int) -> None:
    (limits / "cpu.max").write_text(content)
    assert available_cpus() == cpus


@pytest.mark.parametrize(("quota", "cpus"), [("-1", 8), ("0", 8), ("300000", 3), ("250000\n", 3)])
def test_a_version_1_group_cuts_it(limits: Path, quota: str, cpus: int) -> None:
    (limits / "quota").write_text(quota)
    (limits / "period").write_text("100000\n")
    assert available_cpus() == cpus


@pytest.mark.parametrize("content", ["", "what", "a b"])
def test_a_limit_that_cannot_be_read_is_no_limit(limits: Path, content: str) -> None:
    (limits / "cpu.max").write_text(content)
    assert threads._container_limit() == math.inf
    assert available_cpus() == 8


def test_a_system_without_affinity_falls_back_to_its_cores(limits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert available_cpus() == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cpus() == 1
