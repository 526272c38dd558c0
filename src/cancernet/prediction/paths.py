"""Predict any number of image files, folders and zips into a CSV, a chunk at a time: memory stays flat."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from cancernet.common.atomic import replacing
from cancernet.common.defaults import CLASS_NAMES
from cancernet.common.errors import UserError
from cancernet.common.inputs import ERRORS, open_inputs, refuse_other_errors, write_errors
from cancernet.common.progress import progress
from cancernet.data.names import parse_name
from cancernet.data.scan import scan
from cancernet.model.bundle import Bundle
from cancernet.model.decide import UNSURE, apply_selective
from cancernet.model.inference import predict

COLUMNS = ("path", "patient", "x", "y", "probability", "decision")


@dataclass
class Tally:
    """What became of the files: patches `predicted`, of them `malignant` and `unsure`, and files `failed`."""

    predicted: int = 0
    malignant: int = 0
    unsure: int = 0
    failed: int = 0
    first_failure: str = ""


def predict_paths(
    paths: Sequence[Path],
    bundle: Bundle,
    *,
    out: Path | None,
    threads: int | None,
    screen: TextIO,
    abstain: float | None = None,
) -> Tally:
    """Predict every image of some paths.

    Args:
        paths: image files, folders or zips.
        bundle: the model; malignant is a probability of at least its operating threshold.
        out: CSV to write, with `errors.csv` beside it where a file could not be used; or nothing, and the
            rows go to `screen`.
        threads: CPU threads; those this process may use by default.
        screen: where rows go when there is no `out`.
        abstain: share of patches to answer with `unsure`, one that the bundle has a band for.

    Returns:
        How many patches were predicted and how many files were not.

    Raises:
        UserError: a path that is not there, no band for that share, not one image in all of them that could be
            used, or `out` has the name of the list of errors.
    """
    if out is not None and out.name == ERRORS:
        raise UserError(f"--out {out}: that name is for the files that could not be used; give another")
    if out is not None:
        refuse_other_errors(out.with_name(ERRORS))
    band = {"threshold": bundle.threshold, "width": 0.0} if abstain is None else bundle.band(abstain)
    inputs = open_inputs(paths)
    total = sum(len(each.members) for each in inputs)
    session = bundle.session(threads=threads)
    tally = Tally()
    errors: list[tuple[str, str]] = []
    with _rows(out, screen) as writer, progress(total=total, what="predict") as bar:
        for prefix, source, members in inputs:
            for chunk in scan(source, members, workers=threads):
                probabilities = predict(session, chunk.images)
                if not tally.predicted and len(probabilities):
                    writer.writerow(COLUMNS)
                answers = apply_selective(band, probabilities)
                for member, probability, answer in zip(chunk.members, probabilities, answers, strict=True):
                    writer.writerow(
                        prediction_row(prefix + member.path, member.path, probability, int(answer))
                    )
                tally.predicted += len(probabilities)
                tally.malignant += int(np.sum(answers == 1))
                tally.unsure += int(np.sum(answers == UNSURE))
                errors += [(prefix + name, reason) for name, reason in chunk.bad]
                bar.update(chunk.n_files)
        tally.failed = len(errors)
        if not tally.predicted:
            first = f": {errors[0][0]}: {errors[0][1]}" if errors else ""
            raise UserError(f"no image could be used of {total} files{first}")
    if errors:
        tally.first_failure = ": ".join(errors[0])
    if out is not None:
        write_errors(out.with_name(ERRORS), errors)
    return tally


def prediction_row(shown: str, name: str, probability: float, answer: int) -> tuple[str | int | None, ...]:
    """Return the cells of `COLUMNS` for a patch: its path as shown, and what its own name and the model say."""
    parsed = parse_name(name)
    decision = "unsure" if answer == UNSURE else CLASS_NAMES[answer]
    return shown, parsed.patient, parsed.x, parsed.y, f"{probability:.6g}", decision


@contextmanager
def _rows(out: Path | None, screen: TextIO) -> Iterator[csv.writer]:  # type: ignore[valid-type]
    if out is None:
        yield csv.writer(screen, lineterminator="\n")
        return
    with ExitStack() as stack:
        temporary = stack.enter_context(replacing(out))
        file = stack.enter_context(temporary.open("w", newline="", encoding="utf-8"))
        yield csv.writer(file, lineterminator="\n")
