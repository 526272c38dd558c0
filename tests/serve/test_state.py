"""The folder of a server: one server's at a time, and gone where nothing came of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.serve.settings import Settings
from cancernet.serve.state import DATABASE, State


def settings(tmp_path: Path, **more: Path) -> Settings:
    return Settings(state=tmp_path / "state", **more)


def test_a_second_server_on_the_same_folder_is_refused_with_a_line(tmp_path: Path) -> None:
    with State(settings(tmp_path)), pytest.raises(UserError, match="is being written by another cancernet"):
        State(settings(tmp_path)).__enter__()
    with State(settings(tmp_path)):
        pass


def test_it_may_be_entered_within_itself(tmp_path: Path) -> None:
    state = State(settings(tmp_path))
    with state:
        with state:
            state.database.add("CREATE TABLE IF NOT EXISTS numbers (number INTEGER)")
        with pytest.raises(UserError, match="another cancernet"):
            State(settings(tmp_path)).__enter__()
        assert state.database.rows("SELECT * FROM numbers") == []


def test_a_folder_of_which_nothing_came_is_gone_and_one_with_a_database_stays(tmp_path: Path) -> None:
    with State(settings(tmp_path)):
        assert (tmp_path / "state").is_dir()
    assert not (tmp_path / "state").exists()
    with State(settings(tmp_path)) as state:
        state.database.rows("SELECT 1")
    assert (tmp_path / "state" / DATABASE).is_file()


def test_somebody_elses_files_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / DATABASE).write_text("mine")
    with pytest.raises(UserError, match="is not ours and would be replaced"):
        State(settings(tmp_path)).__enter__()
    assert [path.name for path in (tmp_path / "state").iterdir()] == [DATABASE]


def test_a_state_folder_among_the_slides_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--state .* lies inside"):
        State(settings(tmp_path, slides=tmp_path)).__enter__()


def test_a_broken_database_is_told_at_the_start_and_lets_go_of_the_folder(tmp_path: Path) -> None:
    with State(settings(tmp_path)) as state:
        state.database.rows("SELECT 1")
    (tmp_path / "state" / DATABASE).write_bytes(b"broken" * 100)
    for _ in range(2):
        with pytest.raises(UserError, match="is not a database"):
            State(settings(tmp_path)).__enter__()
