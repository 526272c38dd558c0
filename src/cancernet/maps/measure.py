"""What a map says of one specimen, in numbers and in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from cancernet.context.grid import ADJOINING, MIN_NEIGHBOURS, neighbour_counts
from cancernet.context.smooth import Contextual
from cancernet.data.names import stated
from cancernet.evaluation.metrics import confusion, rates
from cancernet.evaluation.ranking import auc, ratio
from cancernet.maps.specimens import Specimen, holes
from cancernet.model.decide import MALIGNANT, UNSURE
from cancernet.model.judge import REFUSED, Stain
from cancernet.model.model import Model


def measure(
    specimen: Specimen, probability: np.ndarray, context: Contextual, model: Model, stain: Stain
) -> dict[str, Any]:
    """Return the numbers of one specimen; None where labels, a class or any answer are missing.

    Patches without a label count in the areas and in no rate; those that are unsure count in `tissue_mm2` and
    `unsure_mm2` alone. Areas in mm2 are sums over patches. Rates are at the frozen thresholds of the model.
    """
    table, area = specimen.table, specimen.area_mm2
    answered = context.decision != UNSURE
    near = float(np.mean(neighbour_counts(table["x"], table["y"]) >= MIN_NEIGHBOURS))
    row: dict[str, Any] = {
        "patient": specimen.patient,
        "n_patches": len(table),
        "n_unsure": int(np.sum(~answered)),
        "n_in_context": int(context.in_context.sum()),
        "complete": near > ADJOINING,
        "n_holes": holes(specimen.grid(probability)),
        "tissue_mm2": round(float(area.sum()), 4),
        "malignant_mm2": round(float(area[context.malignant].sum()), 4) if answered.any() else None,
        "unsure_mm2": round(float(area[~answered].sum()), 4),
        "malignant_share": _number(ratio(area[context.malignant].sum(), area[answered].sum())),
        "stain_distance": _number(stain.distance),
        "refused": stain.alarm,
        "labelled_malignant_mm2": None,
        "n_malignant": None,
    }
    for name in ("alone", "context"):
        row |= {f"{rate}_{name}": None for rate in ("auc", "recall", "specificity")}
    known = specimen.labelled
    row["n_labelled"] = int(known.sum())
    if known.any():
        malignant = table["label"].to_numpy() == 1
        row["labelled_malignant_mm2"] = round(float(area[malignant].sum()), 4)
        row["n_malignant"] = int(malignant.sum())
        row |= _rates(malignant, known & answered, probability, context, model)
    row["warnings"] = warnings(row, model)
    return row


def _rates(
    malignant: np.ndarray, known: np.ndarray, probability: np.ndarray, context: Contextual, model: Model
) -> dict[str, float | None]:
    """Return how well the labelled patches that were answered (N,) were told apart, alone and with neighbours."""
    if not known.any():
        return {}
    label = malignant[known].astype(int)
    calls = {
        "alone": (probability, model.decide(probability) == MALIGNANT),
        "context": (context.probability, context.malignant),
    }
    row = {}
    for name, (scores, called) in calls.items():
        found = rates(*confusion(label, called[known].astype(float), 0.5))
        row[f"auc_{name}"] = _number(auc(label, scores[known]))
        row[f"recall_{name}"] = _number(found["recall"])
        row[f"specificity_{name}"] = _number(found["specificity"])
    return row


def warnings(row: dict[str, Any], model: Model) -> list[str]:
    """Say what must be known before a specimen's map is believed."""
    found = [REFUSED.format(row["refused"])] if row["refused"] else []
    if model.synthetic:
        found.append("MODEL TRAINED ON SYNTHETIC PATCHES: NOT EVIDENCE")
    side = model.side_of(stated(row["patient"]) or row["patient"])  # of a slide, its patient
    if side in ("train", "val"):
        what = "LEARNED FROM" if side == "train" else "CHOSE ITS THRESHOLD ON"
        found.append(f"THE MODEL {what} THIS PATIENT: BETTER THAN ON A NEW ONE")
    if 0 < row["n_labelled"] < row["n_patches"]:
        found.append(f"ONLY {row['n_labelled']:,} OF {row['n_patches']:,} PATCHES ARE LABELLED")
    if not row["complete"]:
        found.append("INCOMPLETE SPECIMEN: most patches lack neighbours")
    return found


def caption(row: dict[str, Any], model: Model) -> str:
    """Return the line under a specimen's figure."""
    text = (
        f"n = {row['n_patches']:,} patches ({row['n_holes']} holes between them), "
        f"{_unsure(row)}{row['n_in_context']:,} judged with their neighbours; "
        f"{model.name}, {thresholds(model)}; "
        f"called {_malignant(row)} mm²"
    )
    if row["labelled_malignant_mm2"] is not None:
        text += f", labelled {row['labelled_malignant_mm2']:.1f} mm²"
    if row["n_malignant"] is not None:
        text += f"; {scores(row)}"
    return f"{text}. One specimen, so no interval."


def thresholds(model: Model) -> str:
    """Say from which probability a patch is called malignant, by itself or with its surroundings."""
    return f"malignant from {model.threshold:.3f} on (chosen for {model.manifest.target_recall:.0%} recall)"


def scores(row: dict[str, Any]) -> str:
    """Return AUC, recall and specificity in words; "–" where a class is missing."""
    names = ("auc", "recall", "specificity")
    values = [row[f"{name}_context"] for name in names]
    words = ("–" if value is None else f"{value:.3f}" for value in values)
    return ", ".join(f"{name} {word}" for name, word in zip(("AUC", *names[1:]), words, strict=True))


def line(row: dict[str, Any]) -> str:
    """Return a specimen in one line for the screen."""
    text = f"  {row['patient']}: {row['n_patches']:,} patches, {_unsure(row)}{_malignant(row)} mm2"
    if row["n_malignant"] is not None:
        text += f", {scores(row)}"
    return text + "".join(f"; {sentence(warning)}" for warning in row["warnings"])


def sentence(warning: str) -> str:
    """Return a warning as it stands in a line: what is all capitals in a figure shouts there."""
    return warning if warning.startswith("REFUSED") else warning[0] + warning[1:].lower()


def _malignant(row: dict[str, Any]) -> str:
    found = "–" if row["malignant_mm2"] is None else f"{row['malignant_mm2']:.1f}"
    return f"malignant {found} of {row['tissue_mm2']:.1f}"


def _unsure(row: dict[str, Any]) -> str:
    return f"{row['n_unsure']:,} of them unsure, " if row["n_unsure"] else ""


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
