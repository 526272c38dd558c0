"""A file is whole or absent, whatever happens while it is written; tables and pictures come back as they were."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from cancernet.common.errors import UserError
from cancernet.common.files import replacing, to_json, write_csv, write_figure, write_png, write_text


def test_the_target_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    target.write_text("old")
    with pytest.raises(TypeError), replacing(target) as temporary:
        temporary.write_text("half of the new") + "file"  # type: ignore[operator]
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_before_anything_is_written_is_quiet(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), replacing(tmp_path / "a.csv"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "c.txt", "x")
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "x"


def test_the_temporary_file_keeps_the_suffix_and_the_folder(tmp_path: Path) -> None:
    with replacing(tmp_path / "model.h5") as temporary:
        assert temporary.suffix == ".h5"
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")  # so that a folder of patches does not list it
        temporary.touch()


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), replacing(tmp_path / "file" / "a.txt"):
        pass


def test_a_process_killed_while_it_writes_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    code = (
        "import os, signal, sys; from pathlib import Path; from cancernet.common.files import replacing\n"
        f"with replacing(Path({str(target)!r})) as temporary:\n"
        "    temporary.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert target.read_text() == "old"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n")))
def test_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    target = tmp_path_factory.getbasetemp() / f"text-{os.getpid()}.txt"
    write_text(target, text)
    assert target.read_text(encoding="utf-8") == text


def test_a_device_or_a_pipe_is_refused_and_stays_what_it_was(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UserError, match="a device or a pipe"):
        write_text(pipe, "x")
    assert pipe.is_fifo()


def test_through_a_link_the_file_it_points_to_is_replaced(tmp_path: Path) -> None:
    real, link = tmp_path / "elsewhere" / "real.txt", tmp_path / "link.txt"
    real.parent.mkdir()
    real.write_text("old")
    link.symlink_to(real)
    write_text(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_two_writers_of_one_file_do_not_share_a_temporary_one(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.txt") as first, replacing(tmp_path / "a.txt") as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")


def test_json_refuses_what_is_not_finite() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        to_json({"a": float("nan")})


def test_a_table_has_no_index(tmp_path: Path) -> None:
    write_csv(tmp_path / "new" / "t.csv", pd.DataFrame({"a": [1, 2]}, index=[7, 8]))
    assert (tmp_path / "new" / "t.csv").read_text() == "a\n1\n2\n"


def test_a_picture_comes_back_in_its_colours(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    write_png(tmp_path / "p.png", image)
    assert np.array_equal(cv2.imread(str(tmp_path / "p.png"))[..., ::-1], image)


def test_a_picture_without_pixels_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written as PNG"):
        write_png(tmp_path / "p.png", np.zeros((0, 4, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_figure_is_a_png(tmp_path: Path) -> None:
    write_figure(tmp_path / "f.png", Figure(figsize=(1, 1), dpi=50))
    assert cv2.imread(str(tmp_path / "f.png")).shape == (50, 50, 3)
