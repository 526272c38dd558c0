"""Score a bundle on labelled patches: its predictions, its metrics, and the floor's beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cancernet.common.errors import UserError
from cancernet.common.progress import progress
from cancernet.data.pack import Pack
from cancernet.evaluation import Floor, evaluate
from cancernet.evaluation.results import FLOOR
from cancernet.model.bundle import Bundle
from cancernet.model.inference import run_batches

SCORED = ("val", "test")  # what the tables show; training patches are never scored
COLUMNS = ["path", "patient", "x", "y", "label", "probability", "split"]


@dataclass(frozen=True)
class Scores:
    """What a model makes of some patches.

    Attributes:
        predictions: columns `COLUMNS`, a row a patch.
        metrics: from `cancernet.evaluation.evaluate`.
    """

    predictions: pd.DataFrame
    metrics: dict[str, Any]


def score_model(bundle: Bundle, pack: Pack, side: pd.Series, *, threads: int | None = None) -> Scores:
    """Predict the patches of the validation and test sides and measure how well.

    Args:
        bundle: the model; its thresholds are used as they are.
        pack: labelled patches.
        side: `train`, `val`, `test` or empty for each row of `pack.table`.
        threads: CPU threads; those this process may use by default.
    """
    rows = _scored(bundle, pack.table, side)
    session = bundle.session(threads=threads)
    probability = np.empty(len(rows), "float32")
    done = 0
    with progress(total=len(rows), what=f"predict with {bundle.name}") as bar:
        for batch in run_batches(session, pack.images, rows):
            probability[done : done + len(batch)] = batch[:, 0]
            done += len(batch)
            bar.update(len(batch))
    predictions = _table(pack, side, rows, probability)
    found = evaluate(predictions, bundle.thresholds, model=bundle.name, bands=bundle.bands)
    return Scores(predictions, found)


def score_floor(bundle: Bundle, pack: Pack, side: pd.Series) -> Scores:
    """Measure the colour floor that was fitted with a bundle on the same patches."""
    stored = bundle.manifest["floor"]
    rows = _scored(bundle, pack.table, side)
    predictions = _table(pack, side, rows, Floor.from_dict(stored["model"]).predict(pack.images, rows))
    return Scores(predictions, evaluate(predictions, stored["thresholds"], model=FLOOR))


def side_of_bundle(bundle: Bundle, table: pd.DataFrame) -> pd.Series:
    """Return the side each patch had when a bundle was trained; patients it never saw are `test`.

    Raises:
        UserError: every patch is of a patient it was trained on, so nothing honest can be measured.
    """
    side = known_side(bundle, table)
    if not side.isin(["test"]).any():
        raise UserError(
            f"all {table['patient'].nunique()} patients of this folder trained {bundle.name} or chose its threshold; "
            "evaluate on patients it has not seen"
        )
    return side


def known_side(bundle: Bundle, table: pd.DataFrame) -> pd.Series:
    """Return `train`, `val` or `test` for each patch, as `side_of_bundle` does, whatever sides there are."""
    known = bundle.manifest["split"]["patients"]
    return table["patient"].map(known).fillna("test").astype("str").rename("split")


def below_floor(metrics: list[dict[str, Any]], floor: dict[str, Any]) -> list[str]:
    """Return the models whose AUC on the first split is not above the floor's."""

    def auc(entry: dict[str, Any]) -> float:
        value = next(iter(entry["splits"].values()))["auc"]["value"]
        return float("nan") if value is None else value

    return [entry["model"] for entry in metrics if not auc(entry) > auc(floor)]


def _scored(bundle: Bundle, table: pd.DataFrame, side: pd.Series) -> np.ndarray:
    """Return the rows to score, int (N,): val and test, but not the val patients that a cross-fit learned from."""
    scored = side.isin(SCORED)
    if bundle.manifest["recipe"].get("cross_fit"):
        scored &= ~((side == "val") & (known_side(bundle, table) == "train"))
    return np.flatnonzero(scored)


def _table(pack: Pack, side: pd.Series, rows: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    table = pack.table.iloc[rows][["path", "patient", "x", "y", "label"]].reset_index(drop=True)
    table["probability"] = probability
    table["split"] = side.to_numpy()[rows]
    return table[COLUMNS]
