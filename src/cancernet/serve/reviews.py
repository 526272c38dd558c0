"""What readers say of patches, kept with the patch and with what the model said of it.

A patch goes by the hash of its pixels, whatever its file is called. A reader has one judgement of it: the last.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import cv2

from cancernet.common.defaults import CLASS_NAMES
from cancernet.common.text import printable
from cancernet.data.decode import decode, fit_patch
from cancernet.data.headers import BadImage
from cancernet.data.names import parse_name
from cancernet.data.scan import content_hash
from cancernet.evaluation.agreement import RULE, agree
from cancernet.model.model import Model
from cancernet.serve import answers
from cancernet.serve.database import Database
from cancernet.serve.problems import Problem
from cancernet.serve.settings import Limits
from cancernet.serve.uploads import NAME, Upload

VERDICTS = (*CLASS_NAMES, "unsure")
READER, NOTE = 60, 1000  # characters; of a name, and of what is noted beside a judgement
FORM = ("path", "reader", "verdict", "note")
ASKED = "patch.png"  # how a patch is called when the model is asked: it is judged by itself, whatever its name says
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


@dataclass(frozen=True)
class Review:
    """A judgement.

    Attributes:
        hash: of the decoded pixels, as in catalog.csv.
        path: name of the patch, as it was sent.
        patient: as the name says; "" where it does not.
        reader: who judged.
        verdict: benign, malignant or unsure.
        note: what the reader noted.
        stated: class that the name states, or None.
        probability: of malignant, as the model says of the patch by itself.
        decision: of the model.
        reason: why the model cannot judge it; "" where it can.
        model: hash of its graph.
        made: when, ISO 8601.
    """

    hash: str
    path: str
    patient: str
    reader: str
    verdict: str
    note: str
    stated: str | None
    probability: float
    decision: str
    reason: str
    model: str
    made: str


COLUMNS = tuple(field.name for field in fields(Review))


def make_review(model: Model, upload: Upload, limits: Limits) -> tuple[Review, bytes]:
    """Look at a judgement that was sent, and ask the model about its patch.

    Args:
        model: which is asked.
        upload: one file, and the fields of `FORM`.
        limits: of the server.

    Returns:
        the judgement, and the patch as PNG, its pixels as they were sent.

    Raises:
        Problem: not one patch, or fields that cannot be used.
    """
    if other := sorted(upload.fields.keys() - set(FORM)):
        raise Problem("invalid", f"the form has {', '.join(FORM)} and file, not {printable(other[0])[:50]!r}")
    if len(upload.files) != 1:
        raise Problem("invalid", "send one patch at a time")
    [(name, content)] = upload.files.items()
    path = printable(upload.fields.get("path", "") or name)
    if len(path) > NAME:
        raise Problem("invalid", f"path has {len(path):,} characters; at most {NAME:,}")
    reader, verdict, note = _reader(upload.fields), _verdict(upload.fields), _note(upload.fields)
    try:
        image = decode(content)
        fit_patch(image)
    except BadImage as error:
        raise Problem("invalid", f"{path}: {error}") from None
    png = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
    with Upload({ASKED: png}).stream(limits) as stream:
        [said] = answers.predict(model, stream, abstain=None, alone=True)["patches"]
    named = parse_name(path)
    review = Review(
        hash=content_hash(image),
        path=path,
        patient=named.patient,
        reader=reader,
        verdict=verdict,
        note=note,
        stated=None if named.label is None else CLASS_NAMES[named.label],
        probability=float(said["probability"]),
        decision=said["decision"],
        reason=said["reason"],
        model=model.graph_sha256,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return review, png


def spelled(reader: str) -> str:
    """Return a reader's name in the one spelling that is kept: a letter can be written in two ways."""
    return unicodedata.normalize("NFC", reader).strip()


def _reader(given: Mapping[str, str]) -> str:
    reader = spelled(given.get("reader", ""))
    if not 1 <= len(reader) <= READER:
        raise Problem("invalid", f"reader has {len(reader)} characters; say who judges in 1 to {READER}")
    if printable(reader) != reader:
        raise Problem("invalid", "reader holds control characters; say who judges in letters")
    return reader


def _verdict(given: Mapping[str, str]) -> str:
    verdict = given.get("verdict", "")
    if verdict not in VERDICTS:
        raise Problem("invalid", f"verdict is {printable(verdict)[:50]!r}; it has to be one of {', '.join(VERDICTS)}")
    return verdict


def _note(given: Mapping[str, str]) -> str:
    note = printable(" ".join(given.get("note", "").split()))
    if len(note) > NOTE:
        raise Problem("invalid", f"note has {len(note):,} characters; at most {NOTE:,}")
    return note


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
