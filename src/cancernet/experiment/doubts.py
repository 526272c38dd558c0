"""Which labels of the reported patches look wrong, for the report: see `evaluation.doubtful`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cancernet.data.pack import Pack
from cancernet.evaluation.doubtful import ALIKE, IN_PLACE, contradicted, disagree, enough, if_wrong, in_place
from cancernet.evaluation.results import Doubts, RunResults, chosen, reported_rows
from cancernet.evaluation.scoring import sections_of
from cancernet.model.examples import nearest, read_index
from cancernet.model.model import Model

SHOWN = 12  # pictures in a report: two rows
COLUMNS = ["path", "patient", "x", "y", "label", "alone", "neighbours", "n_neighbours", "n_otherwise"]


def find_doubts(results: RunResults, models: Sequence[Model], pack: Pack) -> Doubts | None:
    """Return the labels that the headline's model and their neighbours contradict; nothing without predictions.

    Neighbours are those in place where three at least are labelled, or else the training patches most alike that the
    model remembers; those are of other patients.

    Args:
        results: of these models.
        models: the models.
        pack: the patches they were scored on.
    """
    entry, _ = chosen(results)
    rows = reported_rows(results, entry)
    if rows is None or "alone" not in rows:
        return None
    model = next(each for each in models if each.name == entry.model)
    rows = rows.reset_index(drop=True)
    by_model = contradicted(rows)
    counts = in_place(rows, sections_of(rows), by_model)
    spoke = np.where(enough(counts), IN_PLACE, ALIKE)
    lone = np.flatnonzero(~enough(counts))
    if len(lone):
        counts[lone] = _alike(model, pack, rows[by_model].iloc[lone])
    listed = rows[by_model].assign(neighbours=spoke, n_neighbours=counts[:, 0], n_otherwise=counts[:, 1])
    listed = listed[disagree(counts)]
    doubtful = rows.index.isin(listed.index)
    # First those whose label is least likely by the model: the likeliest to be worth a look.
    of_label = np.where(listed["label"] == 1, listed["alone"], 1 - listed["alone"])
    listed = listed.iloc[np.argsort(of_label, kind="stable")]
    return Doubts(
        model=entry.model,
        table=listed[COLUMNS].reset_index(drop=True),
        images=_images(pack, listed.head(SHOWN)),
        n_patches=len(rows),
        n_contradicted=int(by_model.sum()),
        metrics=if_wrong(rows, doubtful, entry.headline["threshold"]),
    )


def _alike(model: Model, pack: Pack, rows: pd.DataFrame) -> np.ndarray:
    """Count the remembered training patches most like some, and those labelled otherwise: int (M, 2)."""
    index = read_index(model) if model.can_explain else None
    if index is None:
        return np.zeros((len(rows), 2), np.int64)
    _, embedding = model.embed(_images(pack, rows))
    near, _ = nearest(index, embedding)
    labels = index.table["label"].to_numpy()[near]
    return np.column_stack(
        [np.full(len(rows), near.shape[1]), (labels != rows["label"].to_numpy()[:, None]).sum(axis=1)]
    )


def _images(pack: Pack, rows: pd.DataFrame) -> np.ndarray:
    """Return the patches of some rows, uint8 (M, 50, 50, 3)."""
    at = dict(zip(pack.table["path"], range(len(pack.table)), strict=True))
    return np.array(pack.images[[at[path] for path in rows["path"]]])
