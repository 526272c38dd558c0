"""What a user names is listed under names that tell it apart, and reasons are written beside."""

from __future__ import annotations

from pathlib import Path

import pytest
from cancernet.common.inputs import open_inputs, refuse_other_errors, write_errors

from cancernet.common.defaults import SYNTHETIC_MARKER
from cancernet.common.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a/x.png", "b/x.png", f"a/{SYNTHETIC_MARKER}"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


def test_one_folder_has_plain_names_and_several_their_folders(folder: Path) -> None:
    [alone] = open_inputs([folder / "a"])
    assert (alone.prefix, [member.path for member in alone.members]) == ("", ["x.png"])
    shown = [each.prefix + each.members[0].path for each in open_inputs([folder / "a", folder / "b"])]
    assert shown == [f"{folder.as_posix()}/a/x.png", f"{folder.as_posix()}/b/x.png"]


def test_a_file_is_named_with_its_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [one] = open_inputs([folder / "a" / "x.png"])
    assert one.prefix == f"{(folder / 'a').as_posix()}/"
    monkeypatch.chdir(folder / "a")
    assert open_inputs([Path("x.png")])[0].prefix == ""


def test_a_path_that_is_not_there_is_an_error(folder: Path) -> None:
    with pytest.raises(UserError, match="no such"):
        open_inputs([folder / "c"])


def test_reasons_are_written_and_an_old_list_goes_where_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "errors.csv"
    write_errors(path, [("a.png", "empty")])
    assert path.read_text() == "path,reason\na.png,empty\n"
    refuse_other_errors(path)
    write_errors(path, [])
    assert not path.exists()
    write_errors(path, [])


def test_a_list_of_someone_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "errors.csv").write_text("mine")
    with pytest.raises(UserError, match="not ours"):
        refuse_other_errors(tmp_path / "errors.csv")
