"""Two folders of results: is the second model better than the first, on the same patches?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from cancernet.common.errors import UserError
from cancernet.common.files import read_csv, to_json
from cancernet.common.output_file import output_file
from cancernet.evaluation.compare import paired_difference
from cancernet.report.card import read_measured
from cancernet.report.folder import METRICS, PREDICTIONS

MARK = '"comparison": 1'  # by which a file of ours is known; the number is its format


def compare(
    first: Path | str, second: Path | str, *, split: str = "test", out: Path | str | None = None
) -> dict[str, Any]:
    """Compare two models by a paired bootstrap over patients of the difference.

    Args:
        first: folder with predictions.csv and metrics.json, as `run` leaves one for each model and `evaluate` one.
        second: the same of the other model.
        split: which side of the predictions to compare on.
        out: JSON file to write the differences to.

    Returns:
        What `evaluation.compare.paired_difference` does, with the names `first` and `second`.

    Raises:
        UserError: a folder that holds no such results, results on other patches, or a place that cannot be written.
    """
    folders = (Path(first), Path(second))
    (name_a, rows_a, at_a), (name_b, rows_b, at_b) = (read(folder, split) for folder in folders)
    if name_a == name_b:  # one model on two folders of results, or two trainings of one recipe
        told_apart = folders[0].name != folders[1].name
        name_a, name_b = (folders[0].name, folders[1].name) if told_apart else ("first", "second")
    names = {"comparison": 1, "first": name_a, "second": name_b, "split": split}
    found = {**names, **paired_difference(rows_a, rows_b, at_a, at_b)}
    if out is not None:
        with output_file(Path(out), MARK, inputs=folders) as temporary:
            temporary.write_text(to_json(found), encoding="utf-8")
    return found


def read(folder: Path, split: str) -> tuple[str, pd.DataFrame, dict[str, float]]:
    """Read a model's name, its predictions of one side, and its thresholds from a results folder.

    Raises:
        UserError: a file is missing or not one that this package writes; there is no such side.
    """
    for name in (METRICS, PREDICTIONS):
        if not (folder / name).is_file():
            raise UserError(f"{folder / name} is missing; name a folder that `run` or `evaluate` wrote")
    metrics = read_measured(folder / METRICS).content
    try:
        rows = read_csv(folder / PREDICTIONS, texts=("path", "patient", "split"))
        rows = rows[rows["split"] == split]
        points = metrics["splits"][split]["operating_points"]
        thresholds = {name: point["threshold"] for name, point in points.items()}
        if not (rows["label"].isin([0, 1]).all() and rows["probability"].between(0, 1).all()):
            raise ValueError("a label other than 0 and 1, or what is no probability")
        if not (isinstance(metrics["model"], str) and all(0 <= value <= 1 for value in thresholds.values())):
            raise ValueError("a model without a name, or a threshold that is none")
        return metrics["model"], rows, thresholds
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{folder}: no results with a side {split!r} ({error}); name a folder of results") from error
