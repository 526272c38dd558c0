"""A judgement that was sent: one patch, who judges it, and what the model says of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import cv2

from cancernet.common.defaults import CLASS_NAMES
from cancernet.common.text import printable
from cancernet.data.decode import decode, fit_patch
from cancernet.data.headers import BadImage
from cancernet.data.names import parse_name
from cancernet.data.scan import content_hash
from cancernet.model.model import Model
from cancernet.serve import answers
from cancernet.serve.problems import Problem
from cancernet.serve.settings import Limits
from cancernet.serve.uploads import NAME, Upload

VERDICTS = (*CLASS_NAMES, "unsure")
READER, NOTE = 60, 1000  # characters; of a name, and of what is noted beside a judgement
FORM = ("path", "reader", "verdict", "note")
ASKED = "patch.png"  # how a patch is called when the model is asked: it is judged by itself, whatever its name says


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
