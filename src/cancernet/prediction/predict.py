"""Predict any number of image files, folders and zips: into a CSV, or into a data frame."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from cancernet.common.errors import UserError
from cancernet.common.executor import Executor, InProcess
from cancernet.common.files import CsvWriter
from cancernet.common.shard import Shard
from cancernet.context.smooth import told
from cancernet.data.stream import PatchStream
from cancernet.model.decide import words
from cancernet.model.judge import Judge
from cancernet.model.model import Model, load_model
from cancernet.model.travel import ticket
from cancernet.prediction import parts
from cancernet.prediction.answer import COLUMNS, answer, answer_stream, cells, rows
from cancernet.prediction.table import check_out, table_file, write_failures
from cancernet.prediction.tally import Tally

if TYPE_CHECKING:  # pandas takes longer to import than a patch to predict
    import pandas as pd


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
        apart: dict[str, str] = {}
        answers = answer_stream(
            model, stream, Judge(model.colours), abstain=abstain, alone=alone, threads=threads, apart=apart
        )
        table = pd.DataFrame([row for each in answers for row in rows(*each)], columns=list(COLUMNS))
        errors, notes = stream.errors, [*stream.notes, *told(apart)]
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
    executor: Executor | None = None,
    shard: Shard | None = None,
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
        executor: where patches are predicted, in parts that are put together then; here and in one by default.
        shard: predict this part alone, into a folder in OUT.parts, where `gather` finds it.

    Returns:
        How many patches were predicted and how many files were not, and whose stain is foreign.

    Raises:
        UserError: as `predict`; also an `out` that is an input or another program's, or has the name of the list of
            errors; or none, where there is an executor or a shard.
    """
    if out is not None:
        check_out(out, paths)
    elif executor or shard:
        raise UserError("parts of a prediction are files: name the whole with --out FILE.csv")
    if abstain is not None:
        model.band(abstain)
    stream = PatchStream(paths)
    if out is not None and (executor or shard):
        at = executor or InProcess()
        first = parts.Unit(
            run=uuid4().hex,
            paths=tuple(path.absolute() for path in paths),
            named=tuple(map(str, paths)),
            shard=shard or Shard(1, max(1, len(stream) // parts.PART)),
            folder=parts.parts_folder(out).absolute(),
            model=ticket(model, threads=threads or at.threads()),
            abstain=abstain,
            alone=alone,
            threads=threads or at.threads(),
        )
        return parts.predict_shard(first, at) if shard else parts.predict_all(first, at, out)
    judge, tally = Judge(model.colours), Tally()
    with _rows(out, screen, paths) as writer:
        for patches, found in answer_stream(
            model, stream, judge, abstain=abstain, alone=alone, threads=threads, apart=tally.apart
        ):
            if not tally.predicted and len(patches.members):
                writer.writerow(COLUMNS)
            writer.writerows(cells(row) for row in rows(patches, found))
            tally.add(found)
        if not tally.predicted:
            raise stream.nothing_usable()
    tally.failed, tally.alarms, tally.copies = len(stream.errors), judge.alarms(), stream.notes
    if stream.errors:
        tally.first_failure = ": ".join(stream.errors[0])
    if out is not None:
        write_failures(out, stream.errors)
    return tally


@contextmanager
def _rows(out: Path | None, screen: TextIO, inputs: Sequence[Path]) -> Iterator[CsvWriter]:
    if out is None:
        yield CsvWriter(screen, screen=True)
        return
    with table_file(out, inputs) as writer:
        yield writer
