"""`cancernet gather`: what it puts together, by the name of what the jobs were given, and its exit codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from cancernet.common.shard import Shard
from hostile.made import tissue


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    folder = tmp_path / "patches"
    folder.mkdir()
    for number in range(6):
        cv2.imwrite(str(folder / f"{number // 2}_idx5_x{1 + 50 * (number % 2)}_y1.png"), tissue(number)[..., ::-1])
    return folder


def test_parts_of_patches_become_the_table(cancernet: Callable, patches: Path, tmp_path: Path) -> None:
    whole = cancernet("predict", str(patches), "--out", str(tmp_path / "whole.csv"))
    for number in (1, 2):
        ended = cancernet("predict", str(patches), "--out", str(tmp_path / "p.csv"), "--shard", f"{number}/2")
        assert ended.returncode == whole.returncode
        assert f"part {number}/2: patches: " in ended.stderr
    ended = cancernet("gather", str(tmp_path / "p.csv"))
    assert ended.returncode == whole.returncode
    assert ended.stderr.replace("p.csv", "whole.csv") == whole.stderr
    assert (tmp_path / "p.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_the_folder_of_the_parts_may_be_named_as_well(cancernet: Callable, patches: Path, tmp_path: Path) -> None:
    cancernet("predict", str(patches), "--out", str(tmp_path / "p.csv"), "--shard", "1/1")
    cancernet("gather", str(tmp_path / "p.csv.parts"))
    assert (tmp_path / "p.csv").is_file()


def test_a_missing_part_is_exit_2_and_named(cancernet: Callable, patches: Path, tmp_path: Path) -> None:
    cancernet("predict", str(patches), "--out", str(tmp_path / "p.csv"), "--shard", "1/3")
    ended = cancernet("gather", str(tmp_path / "p.csv"))
    assert ended.returncode == 2
    assert "part 2/3, 3/3 is missing or has not ended" in ended.stderr


@pytest.mark.parametrize("what", ["absent", "folder"])
def test_what_holds_no_parts_is_exit_2(cancernet: Callable, tmp_path: Path, what: str) -> None:
    (tmp_path / "folder").mkdir()
    ended = cancernet("gather", str(tmp_path / what))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1


def test_slides_become_a_cohort(cancernet: Callable, tmp_path: Path) -> None:
    pytest.importorskip("pyvips")
    (tmp_path / "slides").mkdir()
    (tmp_path / "slides" / "a.png").write_bytes(b"x")
    section = np.concatenate([np.concatenate([tissue(6 * row + i) for i in range(6)], axis=1) for row in range(4)])
    cv2.imwrite(str(tmp_path / "slides" / "b.png"), section[..., ::-1])
    out = str(tmp_path / "out")
    codes = [
        cancernet("slide", str(tmp_path / "slides"), "--mpp", "4", "--out", out, "--shard", f"{number}/2").returncode
        for number in (1, 2)
    ]
    assert codes == [1, 0]  # the first had nothing but a broken file, which is listed
    ended = cancernet("gather", out)
    assert ended.returncode == 1
    assert f"slides: 1 mapped: {out}/cohort.html" in ended.stdout
    assert f"slides that could not be mapped: 1; listed in {out}/errors.csv" in ended.stderr
    table = (tmp_path / "out" / "cohort.csv").read_text()
    assert f"{Shard(2, 2).name}/b" in table
    assert "a.png" in table
