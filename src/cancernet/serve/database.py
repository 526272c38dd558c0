"""What a server keeps besides files: one SQLite database in its state folder, which jobs and reviews share.

It is opened when it is first used, by one connection; threads take turns. What was written is on the disk when
`writing` ends, so a server that is killed has told nobody of anything that it forgets.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cancernet.common.errors import UserError

FORMAT = 1  # of the tables; a server refuses those of a newer one
OURS = 0x434E4554  # "CNET": tells the file from another program's
WAIT_S = 10.0  # for one who looks into the file beside the server


class Database:
    """A file of tables.

    Args:
        path: made at the first use.
        tables: statements that make what is lacking, as `CREATE TABLE IF NOT EXISTS`; see `add`.
    """

    def __init__(self, path: Path, tables: Sequence[str] = ()) -> None:
        self.path = path
        self._tables = list(tables)
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def add(self, *tables: str) -> None:
        """Have tables or indices made, if they are lacking, before anything is read or written."""
        with self._lock:
            self._tables += tables
            if self._connection is not None:
                with self.writing() as connection:
                    _make(connection, tables)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for statements that are done all together or, where an error ends the block, not at all.

        Raises:
            UserError: the file cannot be used.
        """
        with self._lock:
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # where the commit failed SQLite has rolled back itself
                    connection.execute("ROLLBACK")
                raise

    def rows(self, statement: str, given: Sequence[Any] | dict[str, Any] = ()) -> list[sqlite3.Row]:
        """Return what a SELECT finds; cells by name or place.

        Raises:
            UserError: the file cannot be used.
        """
        with self._lock:
            return self._open().execute(statement, given).fetchall()

    def reading(self) -> sqlite3.Connection:
        """Return a connection of its own, for a long answer: it sees the tables as they were at its first SELECT.

        Others write meanwhile. Its threads must take turns, and whoever asked for it closes it.

        Raises:
            UserError: the file cannot be used.
        """
        with self._lock:
            self._open()  # which makes the tables
        made = sqlite3.connect(self.path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
        made.row_factory = sqlite3.Row
        made.execute("PRAGMA query_only = ON")
        made.execute("BEGIN")
        return made

    def check(self) -> None:
        """Open the file, if it is there.

        Raises:
            UserError: it cannot be used.
        """
        if self.path.exists():
            with self._lock:
                self._open()

    def close(self) -> None:
        """Close the file; it is opened again when it is used again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        try:
            self.path.touch(mode=0o600)  # it tells of patients; what SQLite puts beside it is as its own
            made = sqlite3.connect(self.path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"cannot open {self.path}: {error}; give another --state") from error
        try:
            made.row_factory = sqlite3.Row
            _claim(made, self.path)
            made.execute("PRAGMA journal_mode = WAL")
            made.execute("PRAGMA synchronous = FULL")  # one write a job or judgement; a loss of power loses none
            made.execute("PRAGMA foreign_keys = ON")
            made.execute("BEGIN IMMEDIATE")
            _make(made, self._tables)
            made.execute("COMMIT")
        except sqlite3.Error as error:
            made.close()
            raise UserError(f"cannot use {self.path}: {error}; move it away, or give another --state") from error
        except BaseException:
            made.close()
            raise
        self._connection = made
        return made


def _make(connection: sqlite3.Connection, tables: Sequence[str]) -> None:
    for each in tables:
        connection.execute(each)


def _claim(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse the file of another program or of a newer version; put our mark on a new one."""
    [mark], [version] = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version"))
    empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if mark != OURS and not (empty and mark == 0):
        raise UserError(f"{path} is another program's database; move it away, or give another --state")
    if version > FORMAT:
        raise UserError(f"{path} was written by a newer CancerNet; update this one, or give another --state")
    if mark != OURS:
        connection.execute(f"PRAGMA application_id = {OURS}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
