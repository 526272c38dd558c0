"""The database that jobs and reviews share."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.serve.database import FORMAT, Database

TABLE = "CREATE TABLE IF NOT EXISTS numbers (number INTEGER PRIMARY KEY)"


def numbers(database: Database) -> list[int]:
    return [row["number"] for row in database.rows("SELECT number FROM numbers ORDER BY number")]


def test_no_file_is_made_before_it_is_used(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite", [TABLE])
    database.check()
    assert not database.path.exists()
    assert numbers(database) == []
    assert database.path.exists()


def test_what_is_written_is_there_after_it_was_closed(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite", [TABLE])
    with database.writing() as connection:
        connection.execute("INSERT INTO numbers VALUES (7)")
    database.close()
    assert numbers(database) == [7]
    database.close()
    assert numbers(Database(tmp_path / "x.sqlite")) == [7]


def test_an_error_within_leaves_nothing_of_what_was_written(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite", [TABLE])
    with pytest.raises(sqlite3.IntegrityError), database.writing() as connection:
        connection.executemany("INSERT INTO numbers VALUES (?)", [(7,), (7,)])
    assert numbers(database) == []
    with database.writing() as connection:
        connection.execute("INSERT INTO numbers VALUES (8)")
    assert numbers(database) == [8]


def test_threads_take_turns_and_lose_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite", [TABLE])

    def write(number: int) -> None:
        with database.writing() as connection:
            connection.execute("INSERT INTO numbers VALUES (?)", [number])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert numbers(database) == list(range(40))


def test_a_table_is_added_whether_the_file_is_open_or_not(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite", [TABLE])
    assert numbers(database) == []
    database.add("CREATE TABLE IF NOT EXISTS others (name TEXT)")
    assert database.rows("SELECT * FROM others") == []
    early = Database(tmp_path / "y.sqlite")
    early.add(TABLE)
    assert numbers(early) == []


def test_a_process_that_is_killed_while_it_writes_leaves_what_was_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    code = (
        "import os, signal, sys, pathlib; from cancernet.serve.database import Database\n"
        f"database = Database(pathlib.Path(sys.argv[1]), [{TABLE!r}])\n"
        "with database.writing() as c: c.execute('INSERT INTO numbers VALUES (1)')\n"
        "with database.writing() as c:\n"
        "    c.execute('INSERT INTO numbers VALUES (2)'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -9
    assert numbers(Database(path)) == [1]


def test_another_programs_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(UserError, match="another program's database"):
        Database(path, [TABLE]).check()
    assert path.read_bytes() == before


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(UserError, match="is not a database"):
        Database(path).check()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    database = Database(path, [TABLE])
    assert numbers(database) == []
    database.close()
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(UserError, match="newer CancerNet"):
        Database(path).check()


def test_a_long_answer_sees_the_tables_as_they_were_and_cannot_write(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite", [TABLE])
    with closing(database.reading()) as reading:
        assert reading.execute("SELECT * FROM numbers").fetchall() == []
        with database.writing() as connection:
            connection.execute("INSERT INTO numbers VALUES (7)")
        assert reading.execute("SELECT * FROM numbers").fetchall() == []
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reading.execute("DELETE FROM numbers")
    with closing(database.reading()) as reading:
        assert [row["number"] for row in reading.execute("SELECT * FROM numbers")] == [7]


@pytest.mark.skipif(sys.platform == "win32", reason="has other permissions")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite", [TABLE])
    assert numbers(database) == []
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
