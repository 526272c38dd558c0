"""What the API says of patches: the answers of `cancernet predict` and `cancernet explain`, as plain data."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

from cancernet.common.defaults import CLASS_NAMES
from cancernet.common.files import CsvWriter
from cancernet.context.smooth import told
from cancernet.data.names import parse_name
from cancernet.data.stream import PatchStream
from cancernet.explanation.explain import explain_stream
from cancernet.model.examples import Index
from cancernet.model.judge import Judge
from cancernet.model.model import Model
from cancernet.prediction.answer import COLUMNS, Row, answer_stream, cells, rows
from cancernet.serve.problems import Problem

EXPLAINED = 64  # patches of a request; each answer has some 5 kB


def predict(model: Model, stream: PatchStream, *, abstain: float | None, alone: bool) -> dict[str, Any]:
    """Return the answers on a stream.

    Args:
        model: the model.
        stream: the patches; those that cannot be used are listed.
        abstain: share to leave unsure; one that the model has a band for.
        alone: judge each patch by itself.

    Returns:
        model (see `stamp`), patches (the columns of predictions.csv, and the class that the name states), errors,
        stains and notes.

    Raises:
        UserError: no band for that share.
        Problem: not one image that could be used; it lists why not.
    """
    if abstain is not None:
        model.band(abstain)
    judge, apart = Judge(model.colours), dict[str, str]()
    answers = answer_stream(model, stream, judge, abstain=abstain, alone=alone, threads=1, apart=apart, hidden=True)
    found = [_patch(row) for each in answers for row in rows(*each)]
    return _whole(model, stream, judge, found, told(apart))


def explain(model: Model, index: Index | None, stream: PatchStream) -> dict[str, Any]:
    """Return the answers on a stream, each patch by itself, with the evidence and the training patches most like it.

    Raises:
        UserError: a model that cannot explain.
        Problem: not one image that could be used; it lists why not.
    """
    judge = Judge(model.colours)
    found = [
        {
            "path": each.name,
            "patient": each.patient,
            "probability": each.probability,
            "decision": each.call,
            "reason": each.reason,
            "evidence": each.evidence.tolist(),
            "nearest": [
                {
                    "path": near.path,
                    "patient": near.patient,
                    "label": CLASS_NAMES[near.label],
                    "similarity": near.similarity,
                }
                for near in each.neighbours
            ],
            "known": each.known,
        }
        for each in explain_stream(model, index, stream, judge, most=EXPLAINED, threads=1, hidden=True)
    ]
    return _whole(model, stream, judge, found)


def _whole(
    model: Model, stream: PatchStream, judge: Judge, found: list[dict[str, Any]], notes: Sequence[str] = ()
) -> dict[str, Any]:
    if not found:
        raise _nothing(stream)
    return {
        "model": stamp(model),
        "patches": found,
        "errors": errors(stream),
        "stains": stains(judge),
        "notes": [*stream.notes, *notes],
    }


def _patch(row: Row) -> dict[str, Any]:
    label = parse_name(str(row[0])).label
    return dict(zip(COLUMNS, row, strict=True)) | {"stated": None if label is None else CLASS_NAMES[label]}


def stamp(model: Model) -> dict[str, Any]:
    """Return what tells which model answered, and where its threshold stands."""
    return {
        "name": model.name,
        "graph_sha256": model.graph_sha256,
        "threshold": model.threshold,
        "synthetic": model.synthetic,
        "research_only": True,
    }


def stains(judge: Judge) -> list[dict[str, Any]]:
    """Return the verdict on the stain of each patient or folder that has tissue."""
    found = []
    for group in judge.groups:
        stain = judge.stain(group)
        if math.isfinite(stain.distance):
            told_of = {"group": group, "patches": stain.n, "distance": stain.distance, "limit": stain.limit}
            found.append(told_of | {"alarm": stain.alarm})
    return found


def errors(stream: PatchStream) -> list[dict[str, str]]:
    """Return the files that could not be used, and why."""
    return [{"path": path, "reason": reason} for path, reason in stream.errors]


def _nothing(stream: PatchStream) -> Problem:
    return Problem("invalid", str(stream.nothing_usable()), refused=errors(stream))


def as_csv(answer: dict[str, Any]) -> str:
    """Return the answers as predictions.csv has them; a file that could not be used is a row without a decision."""
    text = io.StringIO(newline="")
    writer = CsvWriter(text)
    writer.writerow(COLUMNS)
    writer.writerows(cells(tuple(each[name] for name in COLUMNS)) for each in answer["patches"])
    for each in answer["errors"]:
        lacking = dict.fromkeys(COLUMNS, "") | each
        writer.writerow([lacking[name] for name in COLUMNS])
    return text.getvalue()
