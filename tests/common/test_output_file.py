"""Results that go to one file: nothing of the user's is replaced, and two runs never write the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.common.output_file import check_file, output_file


def test_one_file_is_replaced_only_where_it_is_ours(tmp_path: Path) -> None:
    target = tmp_path / "new" / "p.csv"
    for row in ("1", "2"):
        with output_file(target, "path,reason") as temporary:
            temporary.write_text(f"path,reason\n{row}\n")
    assert target.read_text() == "path,reason\n2\n"
    target.write_text("my own table\n")
    with pytest.raises(UserError, match="is not ours"):
        check_file(target, "path,reason")
    assert target.read_text() == "my own table\n"


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(item.name for item in folder.iterdir())


def writing_one(target: Path, then: str) -> subprocess.Popen:
    code = (
        "import os, signal, sys, time; from pathlib import Path; from cancernet.common.output_file import output_file\n"
        f"with output_file(Path({str(target)!r}), 'a,b') as temporary:\n"
        f"    temporary.write_text('half'); print('begun', flush=True); {then}"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    return process


def test_what_a_killed_run_was_writing_is_cleared_by_the_next_into_the_same_file_alone(tmp_path: Path) -> None:
    with writing_one(tmp_path / "p.csv", "os.kill(os.getpid(), signal.SIGKILL)"):
        pass
    others = [".p.0123456789ab.tmp.json", ".q.0123456789ab.tmp.csv", ".p.csv", ".p.tmp.csv"]
    for name in others:
        (tmp_path / name).write_text("not of this file")
    assert len(names(tmp_path)) == len(others) + 1
    with output_file(tmp_path / "p.csv", "a,b") as temporary:
        temporary.write_text("a,b\n")
    assert names(tmp_path) == sorted([*others, "p.csv"])


def test_a_second_run_into_one_file_is_refused_and_the_first_ends_right(tmp_path: Path) -> None:
    with writing_one(tmp_path / "p.csv", "sys.stdin.readline(); temporary.write_text('a,b\\n')") as first:
        with (
            pytest.raises(UserError, match=r"p\.csv is being written by another"),
            output_file(tmp_path / "p.csv", "a,b"),
        ):
            pytest.fail("the work began")
        first.communicate("go on\n")
    assert names(tmp_path) == ["p.csv"]
    assert (tmp_path / "p.csv").read_text() == "a,b\n"


def test_a_home_is_found_by_its_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with Output(Path("~/out"), "map") as out:
        out.write_text("index.html", "ours")
    with output_file(Path("~/some.csv"), "a,b") as temporary:
        temporary.write_text("a,b")
    assert names(tmp_path) == ["out", "some.csv"]
    with pytest.raises(UserError, match="lies inside"):
        check_file(Path("~/out/some.csv"), "a,b", inputs=[Path("~/out")])


def test_one_file_is_no_input_no_folder_and_no_device(tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    image.write_text("x")
    with pytest.raises(UserError, match="is what is read"):
        check_file(image, "x", inputs=[image])
    with pytest.raises(UserError, match="is read"):
        check_file(tmp_path / "p.csv", "x", inputs=[tmp_path])
    with pytest.raises(UserError, match="is a folder"):
        check_file(tmp_path, "x")
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(UserError, match="a device or a pipe"):
            check_file(place, "x")
    with pytest.raises(UserError, match="cannot write"):
        check_file(image / "p.csv", "x")
