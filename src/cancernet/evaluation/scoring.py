"""Score a model on labelled patches: its predictions, its metrics, and the floor's beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cancernet.common.errors import UserError
from cancernet.common.progress import progress
from cancernet.context.smooth import by_patient, told
from cancernet.data.names import group_of, section_of
from cancernet.data.pack import Pack
from cancernet.evaluation.evaluate import evaluate, join_labels
from cancernet.evaluation.prevalence import Restating
from cancernet.evaluation.results import FLOOR
from cancernet.evaluation.score_parts import Seen
from cancernet.evaluation.subgroups import subgroups
from cancernet.model.judge import Judge
from cancernet.model.model import Model

CHUNK = 4096  # patches between two steps of the progress bar
SCORED = ("val", "test")  # what the tables show; training patches are never scored
COLUMNS = ["path", "patient", "x", "y", "label", "probability", "split"]


@dataclass(frozen=True)
class Scores:
    """What a model makes of some patches.

    Attributes:
        predictions: columns `COLUMNS` and, of a model, reason: why it cannot judge a patch, and alone:
            the probability of the patch by itself; a row a patch. Where it was asked for, restated: the probability
            for another share of malignant patches, and restated_for: that share.
        metrics: from `cancernet.evaluation.evaluate`.
        alarms: patients or folders whose stain is foreign to the model, and what to say of it.
        notes: sentences on how patches were judged.
    """

    predictions: pd.DataFrame
    metrics: dict[str, Any]
    alarms: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def score_model(
    model: Model,
    pack: Pack,
    side: pd.Series,
    *,
    alone: bool = False,
    restating: Restating | None = None,
    by: pd.DataFrame | None = None,
    cost: float = 0.0,
    known: np.ndarray | None = None,
    seen: Seen | None = None,
) -> Scores:
    """Predict the patches of the validation and test sides and measure how well.

    As in `cancernet predict`, the others of a patch's patient are taken in where it is known where they lie.

    Args:
        model: the model; its thresholds are used as they are.
        pack: labelled patches.
        side: `train`, `val`, `test` or empty for each row of `pack.table`.
        alone: judge each patch by itself.
        restating: of the probabilities for another share of malignant patches, beside what they are.
        by: columns that group patients, indexed by patient; the side that is reported is then measured by group.
        cost: of a patch, as a run foretells it.
        known: float32 (N,), what this very model said of each row of the pack before; NaN where it is to be asked.
        seen: what other processes have made of `scored_rows`; they are looked at here by default.
    """
    rows = scored_rows(model, pack.table, side) if seen is None else seen.rows
    judge, groups = Judge(model.colours), groups_of(pack.table.iloc[rows])
    if seen is None:
        probability, reasons = _look(model, pack, rows, judge, groups, cost=cost, known=known)
    else:
        probability, reasons = seen.probability, seen.reasons
        judge.note(reasons, seen.statistics, groups)
    reasons = judge.settle(reasons, groups)
    context = None if alone else model.context
    taken, apart = by_patient(context, *places(pack.table.iloc[rows]), probability, reasons)
    predictions = _table(pack, side, rows, taken.astype("float32")).assign(reason=reasons, alone=probability)
    found = evaluate(predictions, model.thresholds, model=model.name, bands=model.bands, restating=restating)
    if by is not None:
        reported, numbers = next(iter(found["splits"].items()))
        numbers["subgroups"] = subgroups(predictions[predictions["split"] == reported], by, model.threshold)
    notes = [*_told(model, alone), *told(apart)]
    if restating:
        restated = restating(predictions["probability"]).astype("float32")
        predictions = predictions.assign(restated=restated, restated_for=restating.prevalence)
        notes.append(f"RESTATED for a prevalence of {restating.prevalence:.4g}: {restating}.")
    return Scores(predictions, found, judge.alarms(), notes)


def score_floor(model: Model, pack: Pack, side: pd.Series, *, alone: bool = False, seen: Seen | None = None) -> Scores:
    """Measure the colour floor that was fitted with a model on the same patches, with their surroundings likewise."""
    stored = model.manifest.floor
    rows = scored_rows(model, pack.table, side) if seen is None else seen.rows
    probability = stored.model.predict(pack.images, rows) if seen is None else seen.floor
    taken, _ = by_patient(None if alone else stored.context, *places(pack.table.iloc[rows]), probability)
    predictions = _table(pack, side, rows, taken.astype("float32"))
    return Scores(predictions, evaluate(predictions, stored.thresholds.to_dict(), model=FLOOR))


def side_of_model(model: Model, table: pd.DataFrame) -> pd.Series:
    """Return the side each patch had when a model was trained; patients it never saw are `test`.

    Raises:
        UserError: every patch is of a patient it was trained on, so nothing honest can be measured.
    """
    side = known_side(model, table)
    if not side.isin(["test"]).any():
        raise UserError(
            f"all {table['patient'].nunique()} patients of this folder trained {model.name} or chose its threshold; "
            "evaluate on patients it has not seen"
        )
    return side


def known_side(model: Model, table: pd.DataFrame) -> pd.Series:
    """Return `train`, `val` or `test` for each patch, as `side_of_model` does, whatever sides there are."""
    known = model.manifest.split.patients
    return table["patient"].map(known).fillna("test").astype("str").rename("split")


def scored_rows(model: Model, table: pd.DataFrame, side: pd.Series) -> np.ndarray:
    """Return the rows to score, int (N,): val and test, but not the val patients that a cross-fit learned from."""
    scored = side.isin(SCORED)
    if model.manifest.recipe.cross_fit:
        scored &= ~((side == "val") & (known_side(model, table) == "train"))
    return np.flatnonzero(scored)


def places(table: pd.DataFrame) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return section and place of each patch, as `by_patient` takes them."""
    x, y = (table[name].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan) for name in ("x", "y"))
    return sections_of(table), x, y


def sections_of(table: pd.DataFrame) -> list[str]:
    """Return which section each patch (N,) is of: its patient's, or that slide of hers which its name states."""
    paths = table["path"] if "path" in table else [""] * len(table)
    return list(map(section_of, paths, table["patient"]))


def groups_of(table: pd.DataFrame) -> list[str]:
    """Return whose each patch (N,) is, as stains go together: its patient, or the folder it lies in."""
    return [patient or group_of(path) for patient, path in zip(table["patient"], table["path"], strict=True)]


def below_floor(metrics: list[dict[str, Any]], floor: dict[str, Any]) -> list[str]:
    """Return the models whose AUC on the first split is not above the floor's."""

    def auc(entry: dict[str, Any]) -> float:
        value = next(iter(entry["splits"].values()))["auc"]["value"]
        return float("nan") if value is None else value

    return [entry["model"] for entry in metrics if not auc(entry) > auc(floor)]


def _look(
    model: Model,
    pack: Pack,
    rows: np.ndarray,
    judge: Judge,
    groups: list[str],
    *,
    cost: float,
    known: np.ndarray | None,
) -> tuple[np.ndarray, list[str]]:
    """Return the probability of each row, float32 (N,), and why it cannot be judged by itself, as `judge` sees it."""
    probability = np.empty(len(rows), "float32")
    reasons: list[str] = []
    if known is not None:
        cost *= float(np.isnan(known[rows]).mean())  # what is known costs next to nothing
    with progress(total=len(rows), what=f"predict with {model.name}", cost=cost) as bar:
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            images = pack.images[part]
            said = np.full(len(part), np.nan, "float32") if known is None else known[part]
            asked = np.isnan(said)
            if asked.any():
                said[asked] = model.predict(images if asked.all() else images[asked])
            probability[start : start + CHUNK] = said
            reasons += judge.see(images, groups[start : start + CHUNK])
            bar.update(len(part))
    return probability, reasons


def _told(model: Model, alone: bool) -> list[str]:
    """Say how the patches of a model that knows of surroundings were judged."""
    if model.context is None:
        return []
    how = "each patch is judged by itself" if alone else "a patch is judged with its section where its place is known"
    return [f"{model.name}: {how}."]


def _table(pack: Pack, side: pd.Series, rows: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    """Join predictions to labels, by path."""
    paths = pack.table["path"].iloc[rows].to_numpy()
    predictions = pd.DataFrame({"path": paths, "probability": probability})
    return join_labels(predictions, pack.table.assign(split=side.to_numpy()))[COLUMNS]
