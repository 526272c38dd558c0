"""A file is whole or absent, whatever happens while it is written; tables and pictures come back as they were."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from cancernet.common.errors import UserError
from cancernet.common.files import (
    CsvWriter,
    read_csv,
    replacing,
    to_json,
    write_csv,
    write_figure,
    write_png,
    write_rows,
    write_text,
)
from cancernet.common.text import restore


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


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.from_regex(r"'?[=+\-@\t\r\n\x00\x1b,\"].{0,3}")


def place(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"{name}-{os.getpid()}.csv"


@given(st.lists(st.tuples(ANY, ANY), min_size=1, max_size=5))
def test_any_text_survives_a_table_of_ours(rows: list[tuple[str, str]]) -> None:
    table = pd.DataFrame(rows, columns=["path", "patient"], dtype="str")
    for write in (write_csv, lambda file, table: write_rows(file, [list(table), *table.itertuples(index=False)])):
        target = write(place("table"), table)
        assert read_csv(target, texts=("path", "patient")).equals(table)
    target.unlink()


@given(st.lists(st.tuples(ANY, ANY), min_size=1, max_size=5))
def test_any_reader_of_csv_finds_each_row_whole_and_no_formula(rows: list[tuple[str, str]]) -> None:
    target = write_rows(place("rows"), rows)
    with target.open(newline="", encoding="utf-8") as file:
        found = list(csv.reader(file))
    target.unlink()
    assert [tuple(map(restore, row)) for row in found] == rows
    for cell in (cell for row in found for cell in row):
        assert cell[:1] not in tuple("=+-@\t\r") or re.fullmatch(r"[+-][\d.]+(?:[eE][+-]?\d+)?", cell)


@pytest.mark.parametrize("patient", ["NA", "nan", "null", "None", "007", "1e5", "-1", "", "True", " a "])
def test_a_patient_stays_the_text_that_it_is(tmp_path: Path, patient: str) -> None:
    table = pd.DataFrame({"patient": [patient, "x"], "probability": [0.5, 1e-05]})
    found = read_csv(write_csv(tmp_path / "t.csv", table), texts=("patient",))
    assert found["patient"].tolist() == [patient, "x"]
    assert found["probability"].tolist() == [0.5, 1e-05]


def test_numbers_are_written_as_they_are(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", pd.DataFrame({"x": [-1, 2], "p": [-0.5, float("nan")], "t": ["-0.25", "=1"]}))
    assert (tmp_path / "t.csv").read_text() == "x,p,t\n-1,-0.5,-0.25\n2,,'=1\n"


def test_bytes_of_a_name_that_are_no_text_end_no_table(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", pd.DataFrame({"path": ["caf\udce9"]}, dtype=object))  # Arrow's texts cannot hold it
    write_rows(tmp_path / "r.csv", [["path"], ["caf\udce9"]])
    assert (tmp_path / "t.csv").read_text() == (tmp_path / "r.csv").read_text() == "path\ncaf?\n"


def test_what_a_terminal_would_obey_is_replaced_on_the_screen_alone() -> None:
    for screen, shown in ((True, "a?b?.png"), (False, "a\x1bb\u202e.png")):
        text = io.StringIO()
        CsvWriter(text, screen=screen).writerow(["a\x1bb\u202e.png", 0.5])
        assert text.getvalue() == f"{shown},0.5\n"


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
