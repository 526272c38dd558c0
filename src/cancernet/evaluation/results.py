"""What a finished run hands to its figures and its report: plain data, and questions about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.model.manifest import Band

FLOOR = "colour floor"  # the name under which logistic regression on colour statistics is listed
SYNTHETIC = "SYNTHETIC, NOT EVIDENCE"
QUICK = "QUICK RUN, NOT A RESULT"
HEADLINE = "target_recall"  # the operating point that is read first


@dataclass(frozen=True)
class Mistakes:
    """The headline model's most confident errors on the split that is reported, row by row.

    Attributes:
        model: its name.
        threshold: its operating threshold.
        table: path, patient, label, probability, kind, from `confident_errors`.
        images: uint8 (N, 50, 50, 3).
        evidence: float32 (N, h, w), log odds; nothing where the model cannot explain its answers.
    """

    model: str
    threshold: float
    table: pd.DataFrame
    images: np.ndarray
    evidence: np.ndarray | None = None


@dataclass(frozen=True)
class Doubts:
    """Labels of the reported split that the headline model's score and their neighbours contradict.

    Attributes:
        model: its name.
        table: path, patient, x, y, label, alone (probability of the patch by itself), neighbours (which ones spoke),
            n_neighbours, n_otherwise (of them labelled otherwise); the least likely label first.
        images: uint8 (M, 50, 50, 3) of the first rows.
        n_patches: that were looked at.
        n_contradicted: of them by the model's score, whatever the neighbours say.
        metrics: metric -> {"as_is", "if_wrong"}, from `evaluation.doubtful.if_wrong`.
    """

    model: str
    table: pd.DataFrame
    images: np.ndarray
    n_patches: int
    n_contradicted: int
    metrics: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class RunResults:
    """Everything a report shows. All but `title` and `metrics` may be empty; what is empty is left out.

    Attributes:
        title: of the report.
        synthetic: the patches were drawn by a program.
        patient_safe: no patient lies on two sides of the split.
        metrics: `evaluate()` of each model, in the order to show them; the floor is one more, named
            `FLOOR`. Of each, the first split is the one reported (test); "val", where there, chooses the
            headline model.
        predictions: model -> columns path, patient, x, y, label, probability, split.
        histories: model -> one row an epoch: epoch, loss, accuracy, val_loss, val_accuracy,
            val_average_precision; those missing are left out.
        minutes: model -> minutes of training.
        notes: warnings to show at the top, one sentence each.
        data: path, layout, n_patches, n_patients, n_malignant, data_hash (plain);
            quarantined: DataFrame(path, reason); split: {name, hash, seed, notes: list[str],
            sizes: {split: {patients, patches, malignant}}}; leakage: {what was looked for: what was found}.
        run: what to print about the run itself: command, versions, seeds, hashes, times; nested
            dictionaries are printed as "outer, inner".
        weights: model -> what it started from, as "imagenet"; "none (random)" raises a banner.
        bands: model -> bands of abstention, from its bundle.
        calibrations: model -> scale and offset that turned its logit into the calibrated one.
        below_floor: models whose AUC does not clear the floor's.
        mistakes: the most confident errors of the headline model.
        doubts: labels that look wrong, by the headline model.
        checklists: name of a list that journals ask for -> its items as (number, topic, answer), of the headline model.
        shortened: what a quick run left out, in words; empty for a whole one.
    """

    title: str
    metrics: list[dict[str, Any]]
    synthetic: bool = False
    patient_safe: bool = True
    predictions: dict[str, pd.DataFrame] = field(default_factory=dict)
    histories: dict[str, pd.DataFrame] = field(default_factory=dict)
    minutes: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    bands: dict[str, tuple[Band, ...]] = field(default_factory=dict)
    calibrations: dict[str, dict[str, float]] = field(default_factory=dict)
    below_floor: list[str] = field(default_factory=list)
    mistakes: Mistakes | None = None
    doubts: Doubts | None = None
    checklists: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    shortened: str = ""

    def __post_init__(self) -> None:
        if not any(entry["model"] != FLOOR and entry["splits"] for entry in self.metrics):
            raise UserError(f"{self.title}: no model was evaluated, so there is nothing to report.")

    def _repr_html_(self) -> str:
        return html_table(f"{self.title}. {caption(self)}. {warning(self)}", shown(self))


@dataclass(frozen=True)
class Shown:
    """One model's numbers on the split that is reported.

    Attributes:
        model: its name.
        split: the split's name, as "test".
        numbers: that split's part of `evaluate()`.
    """

    model: str
    split: str
    numbers: dict[str, Any]

    @property
    def headline(self) -> dict[str, Any]:
        """Numbers at the target-recall threshold; the first operating point where there is none."""
        points = self.numbers["operating_points"]
        return points.get(HEADLINE) or next(iter(points.values()))


def html_table(caption: str, rows: Sequence[Shown]) -> str:
    """Return a row a model, its AUC, recall and specificity with their intervals, for a notebook."""

    def text(metric: dict[str, Any]) -> str:
        value, low, high = (metric[key] for key in ("value", "low", "high"))
        between = "" if low is None else f" ({low:.3f} to {high:.3f})"
        return "undefined" if value is None else f"{value:.3f}{between}"

    table: list[tuple[str, ...]] = [("model", "AUC", "recall", "specificity")]
    for row in rows:
        metrics = (row.numbers["auc"], row.headline["recall"], row.headline["specificity"])
        table.append((row.model, *map(text, metrics)))
    cells = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in table]
    return f"<table><caption>{escape(caption)}</caption>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def shown(results: RunResults) -> list[Shown]:
    """Return each model's reported split, floor last."""
    entries = [entry for entry in results.metrics if entry["splits"]]
    entries.sort(key=lambda entry: entry["model"] == FLOOR)  # stable: the others keep their order
    return [Shown(entry["model"], *next(iter(entry["splits"].items()))) for entry in entries]


def models(results: RunResults) -> list[Shown]:
    """Return the reported split of each model but the floor."""
    return [entry for entry in shown(results) if entry.model != FLOOR]


def floor(results: RunResults) -> Shown | None:
    """Return the colour floor's numbers, if it was evaluated."""
    return next((entry for entry in shown(results) if entry.model == FLOOR), None)


def chosen(results: RunResults) -> tuple[Shown, str]:
    """Return the model of the headline, and how it was chosen.

    Never by the reported split, which would flatter it: by average precision on the validation patients,
    or the first model where those were not evaluated.
    """
    candidates = models(results)
    if len(candidates) == 1:
        return candidates[0], "the only model"
    validation = {
        entry["model"]: entry["splits"].get("val", {}).get("average_precision", {}).get("value")
        for entry in results.metrics
    }
    scored = [entry for entry in candidates if validation.get(entry.model) is not None]
    if not scored:
        return candidates[0], "the first model listed: no validation numbers to choose by"
    best = max(scored, key=lambda entry: validation[entry.model])
    return best, "the highest average precision on the validation patients"


def reported_rows(results: RunResults, entry: Shown) -> pd.DataFrame | None:
    """Return a model's predictions on the split that is reported, if they are there."""
    predictions = results.predictions.get(entry.model)
    if predictions is None:
        return None
    rows = predictions[predictions["split"] == entry.split]
    return rows if len(rows) else None


def target_recall(results: RunResults) -> float:
    """Return the recall the headline threshold was chosen for."""
    return float(results.run.get("target_recall", defaults.TARGET_RECALL))


def random_weights(results: RunResults) -> list[str]:
    """Return the models that should have started from trained weights and started from random ones."""
    return [model for model, weights in results.weights.items() if "random" in weights or weights == "none"]


def caption(results: RunResults) -> str:
    """Return the line under every figure: how many patches and patients, of what split."""
    entry = shown(results)[0]
    numbers = entry.numbers
    whose = f" of {numbers['n_patients']} patients" if numbers["n_patients"] else " of unknown patients"
    malignant = f"{numbers['prevalence']:.0%} malignant"
    return f"n = {numbers['n_patches']:,} patches{whose} ({entry.split}), {malignant}"


def warning(results: RunResults) -> str:
    """Return what every figure must say in red, or nothing."""
    words = []
    if results.synthetic:
        words.append(SYNTHETIC)
    if not results.patient_safe:
        words.append("NOT SPLIT BY PATIENT: SCORES TOO HIGH")
    if results.shortened:
        words.append(QUICK)
    return " · ".join(words)
