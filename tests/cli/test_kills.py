"""Killed at any moment and started again, a command ends as one that was not killed, and leaves nothing else."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from cancernet.cli.main import RESUMED

MODEL = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
WAIT = 0.01  # seconds between two looks at a process
KILLS = 2
VOLATILE = (
    "seconds",
    "started",
    "minutes",
    "command",
    "versions",
    "machine",
    "path",
    "settings",
)  # of this run or place
OPTIONS = ("--model", str(MODEL), "--out")
COMMANDS = {
    "predict": ("predict", "DATA", *OPTIONS, "OUT/p.csv"),
    "map": ("map", "DATA", "--patient", "S001", "--patient", "S002", *OPTIONS, "OUT/maps"),
    "data check": ("data", "check", "DATA", "--cache", "OUT/cache", "--out", "OUT/checked"),
    "slide": ("slide", "SLIDE", "--mpp", "2", *OPTIONS, "OUT/slides"),
}


@pytest.fixture(scope="module")
def slide(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patches side by side, large enough to be killed half-way."""
    patches = [cv2.imread(str(path)) for path in sorted(sample.glob("*/*/*.png"))[:144]]
    wall = np.concatenate([np.concatenate(patches[row::12], axis=1) for row in range(12)])
    path = tmp_path_factory.mktemp("slide") / "s.png"
    cv2.imwrite(str(path), cv2.resize(wall, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST))
    return path


@pytest.fixture
def start(sample: Path, slide: Path, tmp_path: Path) -> Callable[..., subprocess.Popen]:
    """Start a command that writes into a folder of this test."""

    def go(name: str, out: str) -> subprocess.Popen:
        (tmp_path / out).mkdir(exist_ok=True)
        places = {"DATA": str(sample), "OUT": str(tmp_path / out), "SLIDE": str(slide)}
        words = list(COMMANDS[name])
        for place, path in places.items():
            words = [word.replace(place, path) for word in words]
        environment = {**os.environ, "HOME": str(tmp_path), "MPLCONFIGDIR": str(tmp_path / "mpl")}
        return subprocess.Popen(
            [sys.executable, "-c", "from cancernet.cli import main; main()", *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        )  # fmt: skip

    return go


def waits(process: subprocess.Popen, most: int | None = None) -> int:
    """Wait till a process has ended, or so many times; return how often."""
    count = 0
    while process.poll() is None and count != most:
        time.sleep(WAIT)
        count += 1
    return count


def contents(folder: Path) -> dict[str, object]:
    """What lies in a folder by path, without what differs from run to run."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_dir():
            found[name] = "folder"
        elif path.suffix == ".json":
            found[name] = masked(json.loads(path.read_text("utf-8").replace(str(folder), "OUT")))
        elif path.name == "cohort.csv":
            found[name] = pd.read_csv(path).drop(columns=["seconds", "path"]).to_csv()
        elif path.suffix != ".html":  # has the facts of the run
            found[name] = path.read_bytes().replace(str(folder).encode(), b"OUT")
        else:
            found[name] = "page"
    return found


def masked(content: object) -> object:
    if isinstance(content, dict):
        return {key: masked(value) for key, value in content.items() if key not in VOLATILE}
    return content


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_any_moments_a_command_ends_as_one_that_was_not(
    name: str, start: Callable[..., subprocess.Popen], tmp_path: Path
) -> None:
    if name == "slide":
        pytest.importorskip("pyvips")
    whole = start(name, "whole")
    lasted = waits(whole)
    said = whole.communicate()[0]
    assert whole.returncode in (0, 1), said
    moments = random.Random(f"{name} 1")
    for kill in range(KILLS):
        process = start(name, "killed")
        waits(process, int(moments.uniform(0.2 if kill else 0.6, 1) * lasted))
        process.kill()
        process.communicate()
    again = start(name, "killed")
    said = again.communicate()[0]
    assert again.returncode == whole.returncode, said
    assert "Traceback" not in said
    first, second = contents(tmp_path / "whole"), contents(tmp_path / "killed")
    assert second.keys() == first.keys()
    assert [path for path in first if first[path] != second[path]] == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "how"), [*((name, signal.SIGTERM) for name in COMMANDS), ("slide", signal.SIGINT)])
def test_told_to_end_a_command_leaves_no_half_file_and_says_whether_it_goes_on(
    name: str, how: signal.Signals, start: Callable[..., subprocess.Popen], tmp_path: Path
) -> None:
    if name == "slide":
        pytest.importorskip("pyvips")
    process = start(name, "out")
    while process.poll() is None and not list((tmp_path / "out").rglob("*")):  # its work has begun
        time.sleep(WAIT)
    waits(process, 10)
    process.send_signal(how)
    said = process.communicate()[0]
    if process.returncode in (0, 1) or "patches: " in said:  # its last words; Python itself may be told while it ends
        pytest.skip("it was done before it was told to end")
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert ("goes on where it stopped" in said) == (name in RESUMED)
    assert said.count("interrupted") == 1
    assert [path for path in (tmp_path / "out").rglob("*") if ".tmp" in path.name] == []
