"""What a model says of a chunk of patches: a probability, a decision, and why not where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cancernet.data.names import parse_name
from cancernet.data.stream import Patches, PatchStream
from cancernet.model.decide import Decisions, words
from cancernet.model.model import Model

COLUMNS = ("path", "patient", "x", "y", "probability", "decision", "reason")

Row = tuple[str | int | float | None, ...]


class Answers(NamedTuple):
    """The model's answers on some patches, all in the same order."""

    probability: NDArray[np.float32]  # (N,) of malignant
    decision: Decisions  # (N,)
    reason: NDArray[np.str_]  # (N,) why a patch is unsure other than by `abstain`; "" where it is not


def answer(model: Model, images: NDArray[np.uint8], *, abstain: float | None = None) -> Answers:
    """Ask a model: uint8 RGB patches (N, size, size, 3) to answers, each of them one that it can stand behind."""
    probability, reason = model.predict(images), model.judge(images)
    return Answers(probability, model.decide(probability, abstain=abstain, reasons=reason), reason)


def answer_stream(
    model: Model, stream: PatchStream, *, abstain: float | None = None, threads: int | None = None
) -> Iterator[tuple[Patches, Answers]]:
    """Answer every patch of a stream, a chunk at a time: memory stays flat."""
    for patches in stream.chunks(what="predict", threads=threads):
        yield patches, answer(model, patches.images, abstain=abstain)


def rows(patches: Patches, answers: Answers) -> Iterator[Row]:
    """Yield the cells of `COLUMNS` for each patch: its path, what its own name says, and the answer."""
    parts = (patches.members, answers.probability.tolist(), words(answers.decision), answers.reason.tolist())
    for member, probability, decision, reason in zip(*parts, strict=True):
        name = parse_name(member.path)
        yield patches.prefix + member.path, name.patient, name.x, name.y, probability, decision, reason


def cells(row: Row) -> Row:
    """Return a row as a CSV has it: the probability with six digits."""
    return *row[:4], f"{row[4]:.6g}", *row[5:]
