"""The jobs of a server: which there are and what became of each. What is not written here has not happened.

queued -> running -> done | failed, or canceled from the first two. A job that was running when its worker or server
ended is queued again, before all that came later. `removed` is seen by nobody: its files are being deleted.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cancernet.common.executor import KILLED
from cancernet.serve.database import Database
from cancernet.serve.problems import Problem

QUEUED, RUNNING, DONE, FAILED, CANCELED = STATES = ("queued", "running", "done", "failed", "canceled")
REMOVED = "removed"
MOST_DEATHS = 10  # of workers at one job; one that ends its own process has failed after two, so this is no such job
RETRY_S = 60  # after which a full queue is asked again; a slide takes a minute or so
ID_BYTES = 8
TABLES = (
    """CREATE TABLE IF NOT EXISTS jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        slide TEXT NOT NULL,
        name TEXT NOT NULL,
        asked TEXT NOT NULL,
        state TEXT NOT NULL,
        created TEXT NOT NULL,
        started TEXT,
        ended TEXT,
        attempts INTEGER NOT NULL DEFAULT 0,
        deaths INTEGER NOT NULL DEFAULT 0,
        error TEXT NOT NULL DEFAULT '',
        model TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, number)",
    "CREATE INDEX IF NOT EXISTS jobs_by_slide ON jobs (slide, number)",
    """CREATE TABLE IF NOT EXISTS job_keys (
        key TEXT PRIMARY KEY,
        asked TEXT NOT NULL,
        job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE
    )""",
)


@dataclass(frozen=True)
class Job:
    """A slide to map.

    Attributes:
        number: rises from job to job.
        id: of the job.
        slide: id of the slide.
        name: of the slide, when it was asked for.
        asked: mpp, viewer_mpp and stride, each None where nobody said.
        state: one of STATES.
        created: ISO 8601, as the next two.
        started: when it was last begun; None before.
        ended: None before.
        attempts: how often it was begun.
        deaths: how often its worker ended while at it alone.
        error: why it failed, or what it waits for.
        model: hash of the graph that it was or will be mapped by.
    """

    number: int
    id: str
    slide: str
    name: str
    asked: dict[str, Any]
    state: str
    created: str
    started: str | None
    ended: str | None
    attempts: int
    deaths: int
    error: str
    model: str


class Store:
    """The jobs in a database.

    Args:
        database: of the server.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.add(*TABLES)

    def submit(self, slide: str, name: str, asked: dict[str, Any], model: str, *, most: int, key: str = "") -> Job:
        """Queue a job, or return the one that was queued under that key before.

        Args:
            slide: id of the slide.
            name: of it.
            asked: see `Job`.
            model: hash of the graph.
            most: jobs that may wait or run.
            key: of the client's, which makes of two requests one job; "" for none.

        Raises:
            Problem: the key stands for another request, or too many jobs wait.
        """
        said = json.dumps([slide, asked], sort_keys=True)
        with self._database.writing() as connection:
            if key and (known := connection.execute("SELECT * FROM job_keys WHERE key = ?", [key]).fetchone()):
                if known["asked"] != said:
                    raise Problem("invalid", "this Idempotency-Key was sent with another request; take a new one")
                return _job(connection.execute("SELECT * FROM jobs WHERE id = ?", [known["job"]]).fetchone())
            waiting = connection.execute("SELECT count(*) FROM jobs WHERE state IN (?, ?)", [QUEUED, RUNNING])
            if waiting.fetchone()[0] >= most:
                raise Problem("too-many", f"{most:,} jobs wait or run; ask again when some are done", retry_s=RETRY_S)
            made = secrets.token_hex(ID_BYTES)
            connection.execute(
                "INSERT INTO jobs (id, slide, name, asked, state, created, model) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [made, slide, name, json.dumps(asked), QUEUED, now(), model],
            )
            if key:
                connection.execute("INSERT INTO job_keys VALUES (?, ?, ?)", [key, said, made])
            return _job(connection.execute("SELECT * FROM jobs WHERE id = ?", [made]).fetchone())

    def get(self, job: str) -> Job | None:
        """Return a job, if there is one of that id."""
        found = self._database.rows("SELECT * FROM jobs WHERE id = ? AND state != ?", [job, REMOVED])
        return _job(found[0]) if found else None

    def page(self, *, state: str | None = None, limit: int, after: Job | None = None) -> list[Job]:
        """Return jobs, the newest first.

        Args:
            state: of these alone.
            limit: at most so many.
            after: older ones than this.
        """
        given = {"removed": REMOVED, "state": state, "after": after and after.number, "limit": limit}
        found = self._database.rows(
            "SELECT * FROM jobs WHERE state != :removed AND (:state IS NULL OR state = :state) "
            "AND (:after IS NULL OR number < :after) ORDER BY number DESC LIMIT :limit",
            given,
        )
        return [_job(row) for row in found]

    def last_of(self, slides: Sequence[str]) -> dict[str, str]:
        """Return the id of the newest job of each slide that has any."""
        marks = ", ".join("?" * len(slides))
        found = self._database.rows(
            f"SELECT slide, id, max(number) FROM jobs WHERE state != ? AND slide IN ({marks}) GROUP BY slide",  # noqa: S608 - question marks
            [REMOVED, *slides],
        )
        return {row["slide"]: row["id"] for row in found}

    def counts(self) -> dict[str, int]:
        """Return how many jobs there are in each state."""
        found = self._database.rows("SELECT state, count(*) AS jobs FROM jobs GROUP BY state")
        return dict.fromkeys(STATES, 0) | {row["state"]: row["jobs"] for row in found if row["state"] in STATES}

    def claim(self, model: str) -> Job | None:
        """Return the job that has waited longest, which is running now; nobody else gets it. None where none waits."""
        with self._database.writing() as connection:
            oldest = "SELECT * FROM jobs WHERE state = ? ORDER BY number LIMIT 1"
            row = connection.execute(oldest, [QUEUED]).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE jobs SET state = ?, started = ?, attempts = attempts + 1, error = '', model = ? "
                "WHERE number = ?",
                [RUNNING, now(), model, row["number"]],
            )
            return _job(connection.execute("SELECT * FROM jobs WHERE number = ?", [row["number"]]).fetchone())

    def is_running(self, job: Job) -> bool:
        """Whether a job that was claimed still is what it was: neither canceled nor begun by another since."""
        found = self.get(job.id)
        return found is not None and (found.state, found.attempts) == (RUNNING, job.attempts)

    def end(self, job: Job, error: str = "") -> bool:
        """Note that a claimed job is done or, where there is an error, failed; False where it is no longer running."""
        return self._change(job, FAILED if error else DONE, error)

    def again(self, jobs: Iterable[Job], *, died: bool = False, why: str = "") -> None:
        """Queue claimed jobs again, where they are still running.

        Args:
            jobs: of a worker that ended.
            died: whether a job ended it, as far as one can tell; one that did so `MOST_DEATHS` times has failed.
            why: what they wait for, shown with them.
        """
        for job in jobs:
            deaths = job.deaths + died
            if deaths >= MOST_DEATHS:
                self._change(job, FAILED, KILLED.format(deaths), deaths)
            else:
                self._change(job, QUEUED, why, deaths)

    def recover(self) -> int:
        """Queue all again that were running when a server ended; return how many."""
        with self._database.writing() as connection:
            return connection.execute("UPDATE jobs SET state = ? WHERE state = ?", [QUEUED, RUNNING]).rowcount

    def cancel(self, job: str) -> bool:
        """Cancel a job that waits or runs; False where it does neither."""
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE jobs SET state = ?, ended = ?, error = '' WHERE id = ? AND state IN (?, ?)",
                [CANCELED, now(), job, QUEUED, RUNNING],
            )
            return changed.rowcount == 1

    def remove(self, job: str) -> bool:
        """Hide a job that has ended, before its files are deleted; False where there is none."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM job_keys WHERE job = ?", [job])  # the key is free for another
            changed = connection.execute(
                "UPDATE jobs SET state = ? WHERE id = ? AND state IN (?, ?, ?)", [REMOVED, job, DONE, FAILED, CANCELED]
            )
            return changed.rowcount == 1

    def expire(self, days: float) -> None:
        """Hide all jobs that ended longer ago."""
        before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
        for row in self._database.rows("SELECT id FROM jobs WHERE ended < ?", [before]):
            self.remove(row["id"])

    def without_files(self) -> list[Job]:
        """Return the jobs that have no results, whatever lies there: those removed, canceled or failed."""
        found = self._database.rows("SELECT * FROM jobs WHERE state IN (?, ?, ?)", [REMOVED, CANCELED, FAILED])
        return [_job(row) for row in found]

    def forget(self, job: Job) -> None:
        """Delete a removed job, whose files are gone."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM jobs WHERE id = ? AND state = ?", [job.id, REMOVED])

    def _change(self, job: Job, state: str, error: str, deaths: int | None = None) -> bool:
        ended = None if state == QUEUED else now()
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE jobs SET state = ?, ended = ?, error = ?, deaths = ? "
                "WHERE id = ? AND state = ? AND attempts = ?",
                [state, ended, error, job.deaths if deaths is None else deaths, job.id, RUNNING, job.attempts],
            )
            return changed.rowcount == 1


def now() -> str:
    """Return the time, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _job(row: sqlite3.Row) -> Job:
    found = dict(row)
    return Job(**found | {"asked": json.loads(found["asked"])})
