"""What readers say of patches, kept with the patch and with what the model said of it.

A patch goes by the hash of its pixels, whatever its file is called. A reader has one judgement of it: the last.
"""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations
from typing import Any

from cancernet.evaluation.agreement import RULE, agree
from cancernet.serve.database import Database
from cancernet.serve.judgement import COLUMNS, Review
from cancernet.serve.problems import Problem
from cancernet.serve.settings import Limits

TABLES = (
    "CREATE TABLE IF NOT EXISTS reviewed (hash TEXT PRIMARY KEY, png BLOB NOT NULL)",
    """CREATE TABLE IF NOT EXISTS reviews (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        hash TEXT NOT NULL REFERENCES reviewed (hash),
        path TEXT NOT NULL,
        patient TEXT NOT NULL,
        reader TEXT NOT NULL,
        verdict TEXT NOT NULL,
        note TEXT NOT NULL,
        stated TEXT,
        probability REAL NOT NULL,
        decision TEXT NOT NULL,
        reason TEXT NOT NULL,
        model TEXT NOT NULL,
        made TEXT NOT NULL,
        UNIQUE (hash, reader)
    )""",
    "CREATE INDEX IF NOT EXISTS reviews_by_reader ON reviews (reader, number)",
)
_WITH_MODEL = """SELECT verdict, decision, patient, count(*) FROM reviews WHERE reader = ? AND model = ?
    GROUP BY 1, 2, 3"""
_BETWEEN = """SELECT a.verdict, b.verdict, a.patient, count(*) FROM reviews AS a JOIN reviews AS b USING (hash)
    WHERE a.reader = ? AND b.reader = ? GROUP BY 1, 2, 3"""


class Reviews:
    """The judgements in a database.

    Args:
        database: of the server.
        limits: of the server.
    """

    def __init__(self, database: Database, limits: Limits) -> None:
        self.database, self._limits = database, limits
        database.add(*TABLES)

    def save(self, review: Review, png: bytes) -> None:
        """Keep a judgement and its patch, in place of what the reader said of it before.

        Raises:
            Problem: as many are kept as there may be.
        """
        given, cells = asdict(review), ", ".join(f":{name}" for name in COLUMNS)
        again = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS)
        with self.database.writing() as connection:
            known = connection.execute("SELECT 1 FROM reviews WHERE hash = :hash AND reader = :reader", given)
            if known.fetchone() is None:
                [kept, others, is_new] = connection.execute(
                    "SELECT count(*), count(DISTINCT reader), NOT max(reader = :reader) FROM reviews", given
                ).fetchone()
                if kept >= self._limits.reviews:
                    raise Problem("conflict", f"{kept:,} judgements are kept, as many as there may be; export them")
                if is_new and others >= self._limits.readers:
                    raise Problem("conflict", f"{others} readers judge here already, as many as there may be")
            connection.execute("INSERT OR IGNORE INTO reviewed VALUES (?, ?)", (review.hash, png))
            connection.execute(
                f"INSERT INTO reviews ({', '.join(COLUMNS)}) VALUES ({cells}) "  # noqa: S608 - names of ours
                f"ON CONFLICT (hash, reader) DO UPDATE SET {again}",
                given,
            )

    def delete(self, digest: str, reader: str) -> None:
        """Forget a judgement; with the last one of a patch, the patch.

        Raises:
            Problem: there is none.
        """
        with self.database.writing() as connection:
            gone = connection.execute("DELETE FROM reviews WHERE hash = ? AND reader = ?", (digest, reader))
            if not gone.rowcount:
                raise Problem("not-found", "that reader has no judgement of that patch")
            connection.execute(
                "DELETE FROM reviewed WHERE hash = ? AND NOT EXISTS (SELECT 1 FROM reviews WHERE hash = ?)",
                (digest, digest),
            )

    def page(self, reader: str, limit: int, after: int) -> dict[str, Any]:
        """Return judgements as GET /v1/reviews has them, the oldest first.

        Args:
            reader: whose; "" for all.
            limit: how many.
            after: number of the last one that is known already; 0 for none.
        """
        found = self.database.rows(
            "SELECT * FROM reviews WHERE number > ? AND (? = '' OR reader = ?) ORDER BY number LIMIT ?",
            (after, reader, reader, limit + 1),
        )
        more = found[limit - 1]["number"] if len(found) > limit else None
        told = [{name: row[name] for name in COLUMNS} for row in found[:limit]]
        return {"reviews": told, "next": None if more is None else str(more)}

    def has_any(self, reader: str) -> bool:
        """Whether anything was judged by a reader; "" for any."""
        return bool(self.database.rows("SELECT 1 FROM reviews WHERE ? IN ('', reader) LIMIT 1", (reader,)))

    def agreement(self, graph: str) -> dict[str, Any]:
        """Return how readers agree with the model and with each other, as GET /v1/reviews/agreement has it.

        Args:
            graph: hash of the model; what another one said of patches is not compared.
        """
        rows = self.database.rows
        readers = [row[0] for row in rows("SELECT DISTINCT reader FROM reviews ORDER BY reader")]
        with_model = [{"reader": reader} | _agreed(rows(_WITH_MODEL, (reader, graph))) for reader in readers]
        between = [
            {"first": first, "second": second} | _agreed(rows(_BETWEEN, (first, second)))
            for first, second in combinations(readers, 2)
        ]
        [[other]] = rows("SELECT count(*) FROM reviews WHERE model <> ?", (graph,))
        by_other = f" {other:,} judgements were made beside another model and are compared between readers alone."
        note = f"{RULE} The model's answers are on each patch by itself.{by_other if other else ''}"
        return {"readers": readers, "with_model": with_model, "between": between, "note": note}


def _agreed(found: list[Any]) -> dict[str, Any]:
    first, second, patients, counts = zip(*found, strict=True) if found else ((), (), (), ())
    return agree(first, second, patients, counts).to_dict()
