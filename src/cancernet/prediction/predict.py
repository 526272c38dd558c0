"""Predict any number of image files, folders and zips: into a CSV, or into a data frame."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np
from numpy.typing import NDArray

from cancernet.common.errors import UserError
from cancernet.common.files import CsvWriter, write_rows
from cancernet.common.output import ERROR_COLUMNS, ERRORS, check_file, output_file
from cancernet.data.stream import PatchStream
from cancernet.model.decide import MALIGNANT, UNSURE, words
from cancernet.model.judge import Judge
from cancernet.model.model import Model, load_model
from cancernet.prediction.answer import COLUMNS, answer, answer_stream, cells, rows

if TYPE_CHECKING:  # pandas takes longer to import than a patch to predict
    import pandas as pd

MARK, ERRORS_MARK = ",".join(COLUMNS[:6]), ",".join(ERROR_COLUMNS)  # by which files of ours are known


@dataclass
class Tally:
    """What became of the files: patches `predicted`, of them `malignant` and `unsure`, and files that failed.

    Of the unsure, `unanswerable` are those that the model cannot judge; the others lie within the band of `abstain`.
    """

    predicted: int = 0
    malignant: int = 0
    unsure: int = 0
    unanswerable: int = 0
    failed: int = 0
    first_failure: str = ""
    alarms: dict[str, str] = field(default_factory=dict)  # patient or folder -> what to say of its stain
    notes: list[str] = field(default_factory=list)  # of what was left out as a copy


def predict(
    source: Path | str | Sequence[Path | str] | NDArray[np.uint8],
    model: Model | None = None,
    *,
    abstain: float | None = None,
    alone: bool = False,
    threads: int | None = None,
) -> pd.DataFrame:
    """Give patches a probability of malignant and a decision.

    Args:
        source: image files, folders or zips, or the patches themselves, uint8 RGB (N, 50, 50, 3).
        model: from `load_model`; by default the one that ships.
        abstain: share of patches to leave unsure, those nearest the threshold; one that the model has a band for.
        alone: judge each patch by itself. By default the others of its patient are taken in where the files' names say
            whose they are and where they lie, as in `cancernet map`.
        threads: CPU threads that read files; those this process may use by default.

    Returns:
        A row a patch, with the columns of predictions.csv: path (of an array: the row's number), patient, x, y (px, as
        the file's name says), probability (of malignant), decision (malignant, benign or unsure), reason (why a patch
        cannot be judged) and alone (the probability of the patch by itself). Files that could not be used are in
        `.attrs["errors"]`, as (path, reason), and are warned of.

    Raises:
        UserError: a path that is not there, no band for that share, or not one image that could be used.
        ValueError: an array of another shape or dtype.

    Example:
        >>> patches = np.full((2, 50, 50, 3), (200, 120, 180), "uint8")
        >>> predict(patches)[["path", "decision"]].shape
        (2, 2)
    """
    import pandas as pd

    model = model or load_model()
    if isinstance(source, np.ndarray):
        found = answer(model, source, abstain=abstain)
        names = [str(row) for row in range(len(source))]
        values = (names, "", pd.NA, pd.NA, found.probability, words(found.decision), found.reason, found.alone)
        table = pd.DataFrame(dict(zip(COLUMNS, values, strict=True)), index=range(len(names)))
        errors, notes = [], []
    else:
        stream = PatchStream([source] if isinstance(source, str | Path) else list(source))
        answers = answer_stream(model, stream, Judge(model.colours), abstain=abstain, alone=alone, threads=threads)
        table = pd.DataFrame([row for each in answers for row in rows(*each)], columns=list(COLUMNS))
        errors, notes = stream.errors, stream.notes
        if table.empty:
            raise stream.nothing_usable()
    table = table.astype({"x": "Int64", "y": "Int64", "probability": "float32", "alone": "float32"})
    table.attrs["errors"] = errors
    for note in notes:
        warnings.warn(note, stacklevel=2)
    if errors:
        warnings.warn(f"{len(errors)} files could not be used, the first: {': '.join(errors[0])}", stacklevel=2)
    return table


def predict_paths(
    paths: Sequence[Path],
    model: Model,
    *,
    out: Path | None,
    screen: TextIO,
    abstain: float | None = None,
    alone: bool = False,
    threads: int | None = None,
) -> Tally:
    """Do what `predict` does, into a CSV, and in little memory.

    Args:
        paths: image files, folders or zips.
        model: the model.
        out: CSV to write, with `errors.csv` beside it where a file could not be used; or nothing, and the
            rows go to `screen`.
        screen: where rows go when there is no `out`.
        abstain: as for `predict`.
        alone: as for `predict`.
        threads: as for `predict`.

    Returns:
        How many patches were predicted and how many files were not, and whose stain is foreign.

    Raises:
        UserError: as `predict`; also an `out` that is an input or another program's, or has the name of the list of
            errors.
    """
    if out is not None:
        if out.name == ERRORS:
            raise UserError(f"--out {out}: that name is for the files that could not be used; give another")
        check_file(out, MARK, inputs=paths)
        check_file(out.with_name(ERRORS), ERRORS_MARK, inputs=paths)
    if abstain is not None:
        model.band(abstain)
    stream, judge = PatchStream(paths), Judge(model.colours)
    tally = Tally()
    with _rows(out, screen, paths) as writer:
        for patches, found in answer_stream(model, stream, judge, abstain=abstain, alone=alone, threads=threads):
            if not tally.predicted and len(patches.members):
                writer.writerow(COLUMNS)
            writer.writerows(cells(row) for row in rows(patches, found))
            tally.predicted += len(patches.members)
            tally.malignant += int(np.sum(found.decision == MALIGNANT))
            tally.unsure += int(np.sum(found.decision == UNSURE))
            tally.unanswerable += sum(map(bool, found.reason))
        if not tally.predicted:
            raise stream.nothing_usable()
    tally.failed, tally.alarms, tally.notes = len(stream.errors), judge.alarms(), stream.notes
    if stream.errors:
        tally.first_failure = ": ".join(stream.errors[0])
    if out is not None:
        listed = out.with_name(ERRORS)
        listed.unlink(missing_ok=True)
        if stream.errors:
            write_rows(listed, [ERROR_COLUMNS, *stream.errors])
    return tally


@contextmanager
def _rows(out: Path | None, screen: TextIO, inputs: Sequence[Path]) -> Iterator[CsvWriter]:
    if out is None:
        yield CsvWriter(screen, screen=True)
        return
    with output_file(out, MARK, inputs=inputs) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        yield CsvWriter(file)
