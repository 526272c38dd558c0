"""What a model says of a chunk of patches: a probability, a decision, and why not where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cancernet.context.smooth import by_patient
from cancernet.data.names import group_of, parse_name, section_of
from cancernet.data.scan import Patches
from cancernet.data.stream import PatchStream
from cancernet.model.decide import Decisions, words
from cancernet.model.judge import Judge
from cancernet.model.model import Model

COLUMNS = ("path", "patient", "x", "y", "probability", "decision", "reason", "alone")

Row = tuple[str | int | float | None, ...]


class Answers(NamedTuple):
    """The model's answers on some patches, all in the same order."""

    probability: NDArray[np.float32]  # (N,) of malignant, with what lies around taken in where that is known
    decision: Decisions  # (N,)
    reason: list[str]  # (N,) why a patch is unsure other than by `abstain`; "" where it is not
    alone: NDArray[np.float32]  # (N,) the probability of each patch by itself


def answer(model: Model, images: NDArray[np.uint8], *, abstain: float | None = None) -> Answers:
    """Ask a model about patches of one patient or folder: uint8 RGB (N, size, size, 3)."""
    probability, reason = model.predict(images), model.judge(images).tolist()
    return Answers(probability, model.decide(probability, abstain=abstain, reasons=reason), reason, probability)


def answer_stream(
    model: Model,
    stream: PatchStream,
    judge: Judge,
    *,
    abstain: float | None = None,
    alone: bool = False,
    threads: int | None = None,
    apart: dict[str, str] | None = None,
    hidden: bool = False,
) -> Iterator[tuple[Patches, Answers]]:
    """Answer every patch of a stream, each with an answer that the model can stand behind.

    Whether the stain of a patient or folder is foreign is known when all of its patches were seen, so the first answer
    comes after the last patch was read. What is kept until then has some bytes a patch; the pixels are not.

    Args:
        model: the model.
        stream: the patches.
        judge: a new one, which then knows the stain of each patient or folder.
        abstain: as for `Model.decide`.
        alone: judge each patch by itself, also where its name says what lies around it.
        threads: CPU threads that read files.
        apart: gets the patients whose patches were judged one by one although their places are known, and why.
        hidden: show no progress bar.
    """
    seen = []
    for patches in stream.chunks(what="predict", threads=threads, hidden=hidden):
        groups = [group_of(path, stream.root) for path in patches.paths]
        reasons = judge.see(patches.images, groups)
        seen.append((patches.without_pixels(), model.predict(patches.images), reasons, groups))
    reason = [why for *_, reasons, groups in seen for why in judge.settle(reasons, groups)]
    single = np.concatenate([np.empty(0, np.float32), *(probability for _, probability, *_ in seen)])
    probability = single
    if model.context is not None and not alone:
        taken, single_ones = by_patient(model.context, *_places(patches for patches, *_ in seen), single, reason)
        probability = taken.astype(np.float32)
        if apart is not None:
            apart |= single_ones
    decision = model.decide(probability, abstain=abstain, reasons=reason)
    start = 0
    for patches, *_ in seen:
        part = slice(start, start + len(patches.members))
        yield patches, Answers(probability[part], decision[part], reason[part], single[part])
        start = part.stop


def _places(seen: Iterable[Patches]) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Return section and place of each patch, as `by_patient` takes them; a section is of one path that was named."""
    sections, places = [], []
    for patches in seen:
        for member in patches.members:
            name = parse_name(member.path)
            section = section_of(member.path, name.patient)
            sections.append(patches.prefix + section if section else "")
            places.append((name.x, name.y))
    x, y = np.array(places, np.float64).reshape(-1, 2).T  # NaN for None
    return sections, x, y


def rows(patches: Patches, answers: Answers) -> Iterator[Row]:
    """Yield the cells of `COLUMNS` for each patch: its path, what its own name says, and the answer."""
    parts = (answers.probability.tolist(), words(answers.decision), answers.reason, answers.alone.tolist())
    for member, *said in zip(patches.members, *parts, strict=True):
        name = parse_name(member.path)
        yield patches.prefix + member.path, name.patient, name.x, name.y, *said


def cells(row: Row) -> Row:
    """Return a row as a CSV has it: probabilities with six digits."""
    return tuple(f"{each:.6g}" if isinstance(each, float | np.floating) else each for each in row)
