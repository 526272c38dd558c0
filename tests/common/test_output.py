"""Results go to a folder that is ours alone: nothing of the user's is replaced, two runs never share one."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.common.files import safe_name
from cancernet.common.output import ERRORS, LOCK, RECORD, Output


def names(folder: Path) -> list[str]:
    """What a user sees in a folder."""
    return sorted(item.name for item in folder.iterdir() if item.name not in (RECORD, LOCK))


def test_what_was_written_is_there_and_can_be_replaced_by_the_next_run(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with Output(tmp_path / "out", "map") as out:
            assert out.write_text("index.html", text).read_text() == text
    assert names(tmp_path / "out") == ["index.html"]


@pytest.mark.parametrize("name", ["index.html", "pictures", ERRORS])
def test_a_file_of_somebody_elses_is_met_before_the_work(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match="is not ours"), Output(tmp_path, "map", names=("index.html", "pictures")):
        pytest.fail("the work began")
    assert (tmp_path / name).read_text() == "mine"
    assert names(tmp_path) == [name]


def test_a_name_that_was_not_announced_is_refused_as_well(tmp_path: Path) -> None:
    (tmp_path / "overlay.png").write_text("mine")
    with Output(tmp_path, "map") as out, pytest.raises(UserError, match="is not ours"):
        out.write_text("overlay.png", "ours")
    assert (tmp_path / "overlay.png").read_text() == "mine"


def test_a_link_of_the_users_is_not_followed_to_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").symlink_to(tmp_path / "precious.txt")
    with Output(tmp_path / "out", "map") as out, pytest.raises(UserError, match="is not ours"):
        out.write_text("a.txt", "ours")
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_files_of_the_users_beside_ours_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with Output(tmp_path, "map") as out:
        out.write_text("index.html", "x")
    assert names(tmp_path) == ["index.html", "notes.txt"]


@pytest.mark.parametrize("place", [".", "results", "a/b"])
def test_a_place_among_what_is_read_is_refused(tmp_path: Path, place: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with pytest.raises(UserError, match="is read"), Output(data / place, "map", inputs=[data]):
        pytest.fail("the work began")
    assert names(data) == []


def test_a_file_that_is_read_is_never_written(tmp_path: Path) -> None:
    slide = tmp_path / "a.svs"
    slide.write_text("pixels")
    with Output(tmp_path, "slide", inputs=[slide]) as out, pytest.raises(UserError, match=r"is (not ours|read)"):
        out.write_text("a.svs", "x")
    assert slide.read_text() == "pixels"


def test_a_folder_holds_the_results_of_one_command(tmp_path: Path) -> None:
    with Output(tmp_path, "map") as out:
        out.write_text("index.html", "x")
    with pytest.raises(UserError, match="holds the results of `cancernet map`"), Output(tmp_path, "slide"):
        pytest.fail("the work began")


def test_a_folder_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    record = {"format": 99, "kind": "map", "owner": "", "files": []}
    (tmp_path / RECORD).write_text(json.dumps(record))
    with pytest.raises(UserError, match="newer CancerNet"), Output(tmp_path, "map"):
        pytest.fail("the work began")


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"files": 3}', "\x00", "[" * 100_000, '{"kind": "map", "files": ' + "[" * 100_000],
)
def test_a_damaged_record_makes_every_file_somebody_elses(tmp_path: Path, content: str) -> None:
    (tmp_path / RECORD).write_text(content)
    (tmp_path / "index.html").write_text("x")
    with pytest.raises(UserError, match="is not ours"), Output(tmp_path, "map", names=("index.html",)):
        pytest.fail("the work began")


def test_a_second_run_on_the_same_folder_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from cancernet.common.output import Output\n"
        f"Output(Path({str(tmp_path)!r}), 'map').__enter__()"
    )
    with Output(tmp_path, "map") as out:
        out.write_text("a.txt", "1")
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert second.returncode != 0
        assert "being written by another cancernet" in second.stderr
        out.write_text("b.txt", "2")
    assert names(tmp_path) == ["a.txt", "b.txt"]


def test_a_killed_run_leaves_a_folder_that_the_next_one_takes_and_clears(tmp_path: Path) -> None:
    code = (
        "import os, signal; from pathlib import Path; from cancernet.common.output import Output\n"
        f"with Output(Path({str(tmp_path)!r}), 'map') as out, out.writing('a.png') as temporary:\n"
        "    temporary.write_text('half'); out.child('B 1', 'B 1').write_text('b.txt', 'whole')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert any(".tmp" in item.name for item in tmp_path.iterdir())
    with Output(tmp_path, "map") as out:
        assert names(tmp_path) == ["B 1"]  # the temporary file is gone
        assert out.child("B 1", "B 1").folder == tmp_path / "B 1"  # and no B 1-2 is made
        out.write_text("a.png", "whole")
    assert names(tmp_path) == ["B 1", "a.png"]


def test_a_folder_that_is_refused_gets_no_lock(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the user's own")
    with pytest.raises(UserError, match="is not ours"), Output(tmp_path, "map", names=("index.html",)):
        pytest.fail("the work began")
    assert [item.name for item in tmp_path.iterdir()] == ["index.html"]


def test_what_a_killed_run_was_writing_of_one_thing_is_cleared_by_the_next_of_another(tmp_path: Path) -> None:
    with Output(tmp_path, "map") as out:
        folder = out.child("B", "B").folder
    (folder / ".map.0123456789ab.tmp.png").write_text("half")
    with Output(tmp_path, "map"):
        assert names(folder) == []


def test_a_folder_whose_record_was_being_written_is_taken_by_the_next_run(tmp_path: Path) -> None:
    (tmp_path / "B").mkdir()
    (tmp_path / "B" / "..cancernet.0123456789ab.tmp.json").write_text("half")
    with Output(tmp_path, "map") as out:
        assert out.child("B", "B").folder == tmp_path / "B"
    assert names(tmp_path / "B") == []


def test_a_run_that_fails_before_it_writes_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), Output(tmp_path / "out", "map"):
        raise ValueError("broken")
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_which_nothing_came_leaves_an_empty_folder_of_the_users_where_it_is(tmp_path: Path) -> None:
    with pytest.raises(AttributeError), Output(tmp_path, "map") as out:
        out.write_text("index.html", None)  # type: ignore[arg-type]
    assert tmp_path.is_dir()
    assert names(tmp_path) == []


def test_only_temporaries_of_ours_are_cleared(tmp_path: Path) -> None:
    for name in (".notes.tmp", ".a.tmp.txt", ".a.0123456789ab.tmp.csv", "a.0123456789ab.tmp.csv"):
        (tmp_path / name).write_text("x")
    with Output(tmp_path, "map") as out:
        out.write_text("b.txt", "")
    assert names(tmp_path) == [".a.tmp.txt", ".notes.tmp", "a.0123456789ab.tmp.csv", "b.txt"]


def test_the_list_of_errors_is_that_of_the_last_run(tmp_path: Path) -> None:
    with Output(tmp_path, "map") as out:
        out.errors.append(("a, b.png", 'says "no"'))
    with (tmp_path / ERRORS).open(newline="") as file:
        assert list(csv.DictReader(file)) == [{"path": "a, b.png", "reason": 'says "no"'}]
    with Output(tmp_path, "map") as out:
        out.write_text("a.txt", "")
    assert names(tmp_path) == ["a.txt"]


def test_only_what_is_ours_is_removed(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with Output(tmp_path, "map") as out:
        out.write_text("pictures/1.png", "x")
        for name in ("mine.txt", "pictures", "absent"):
            out.remove(name)
    assert names(tmp_path) == ["mine.txt"]


def test_the_name_of_what_was_removed_is_free_for_others(tmp_path: Path) -> None:
    with Output(tmp_path, "map") as out:
        out.write_text("index.html", "ours")
        out.remove("index.html")
    (tmp_path / "index.html").write_text("mine")
    with Output(tmp_path, "map") as out:
        out.remove("index.html")
        with pytest.raises(UserError, match="is not ours"):
            out.write_text("index.html", "ours")
    assert (tmp_path / "index.html").read_text() == "mine"


def test_things_of_one_name_get_a_folder_each_and_find_it_again(tmp_path: Path) -> None:
    for _ in range(2):
        with Output(tmp_path, "slide") as out:
            folders = [out.child("a", owner).folder.name for owner in ("x/a.svs", "y/a.svs")]
            assert folders == ["a", "a-2"]
            assert [(each.folder.name, each.owner) for each in out.children()] == [("a", "x/a.svs"), ("a-2", "y/a.svs")]


def test_a_folder_of_the_users_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine.txt").write_text("mine")
    with Output(tmp_path, "slide") as out:
        assert out.child("a", "a.svs").folder.name == "a-2"
        with pytest.raises(UserError, match="no record"):
            out.child("a", "a.svs", exact=True)


def test_a_child_cannot_take_the_name_of_a_file_of_the_run(tmp_path: Path) -> None:
    with Output(tmp_path, "run", names=("run.json",)) as out:
        assert out.child("run.json", owner="run.json").folder.name == "run.json-2"
        assert out.child("ERRORS.csv", owner="e").folder.name == "ERRORS.csv-2"


def test_a_folder_whose_parent_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"), Output(tmp_path / "file" / "out", "map"):
        pytest.fail("the work began")
    with pytest.raises(UserError, match="is a file, not a folder"), Output(tmp_path / "file", "map"):
        pytest.fail("the work began")


@given(st.text(max_size=300))
def test_a_safe_name_is_one_that_stays_in_its_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert Path("out", safe).parent == Path("out")
    assert safe not in (".", "..")
    assert not safe.startswith(".")
    assert len(safe.encode()) < 255 or not safe.isascii()
    assert safe_name(safe) == safe
