"""Write what a run found: predictions, metrics, facts of the run, figures and the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cancernet.common.output import Output
from cancernet.evaluation.results import RunResults, chosen
from cancernet.report.figures import draw
from cancernet.report.html import DESCRIPTIONS, render
from cancernet.report.subgroups import rows as subgroup_rows

REPORT, METRICS, RUN, SPLIT = "report.html", "metrics.json", "run.json", "split.csv"
PREDICTIONS, QUARANTINE, SUBGROUPS = "predictions.csv", "quarantine.csv", "subgroups.csv"
CHECKLISTS, DOUBTS = "checklists.csv", "doubtful_labels.csv"
# what stands at the top of a folder of results
NAMES = (REPORT, METRICS, RUN, SPLIT, PREDICTIONS, QUARANTINE, SUBGROUPS, CHECKLISTS, DOUBTS)


def write_results(out: Output, results: RunResults) -> Path:
    """Write everything a run leaves in its results folder.

    `metrics.json` and `predictions.csv` at the top are those of the chosen model (the highest average
    precision on validation patients); `models` in the former and a folder a model hold those of all.

    Args:
        out: the folder.
        results: what was found.

    Returns:
        The path of `report.html`.
    """
    best, why = chosen(results)
    entry = next(entry for entry in results.metrics if entry["model"] == best.model)
    about = {"synthetic": results.synthetic, "patient_safe": results.patient_safe, "notes": results.notes}
    if results.shortened:
        about["quick"] = results.shortened
    top = {**entry, "chosen_by": why, **about, "below_floor": results.below_floor, "models": results.metrics}
    doubts = results.doubts
    if doubts:
        counts = {"n": len(doubts.table), "n_patches": doubts.n_patches, "n_contradicted": doubts.n_contradicted}
        top["doubtful_labels"] = {**counts, "metrics": doubts.metrics}
        out.write_csv(DOUBTS, doubts.table)
    else:
        out.remove(DOUBTS)
    out.write_json(METRICS, top)
    out.write_json(RUN, results.run)
    out.write_csv(PREDICTIONS, _marked(results, best.model))
    _write_subgroups(out, entry)
    for each in results.metrics:
        folder = out.child(each["model"].replace(" ", "_"), owner=each["model"])
        folder.write_json(METRICS, {**each, **about})
        _write_subgroups(folder, each)
        if each["model"] in results.predictions:
            folder.write_csv(PREDICTIONS, _marked(results, each["model"]))
    if results.checklists:
        rows = [(name, *row) for name, listed in results.checklists.items() for row in listed]
        out.write_csv(CHECKLISTS, pd.DataFrame(rows, columns=["checklist", "item", "topic", "answer"]))
    else:
        out.remove(CHECKLISTS)
    quarantined = results.data.get("quarantined")
    if quarantined is not None:
        out.write_csv(QUARANTINE, quarantined)
    else:
        out.remove(QUARANTINE)
    pictures = draw(results)
    for name in DESCRIPTIONS:
        out.remove(f"{name}.png")  # an earlier run may have drawn what this one cannot
    for name, drawn in pictures.run.items():
        out.write_bytes(f"{name}.png", drawn.png)
    return out.write_text(REPORT, render(results, pictures))


def _write_subgroups(out: Output, entry: Mapping[str, Any]) -> None:
    """Write a model's numbers by group of patients, or remove those of an earlier run."""
    numbers: dict[str, Any] = next(iter(entry["splits"].values()), {})
    found = numbers.get("subgroups")
    if found:
        out.write_csv(SUBGROUPS, subgroup_rows(found))
    else:
        out.remove(SUBGROUPS)


def _marked(results: RunResults, model: str) -> pd.DataFrame:
    """Return the predictions of a model; those of a quick run say so in a column more."""
    rows = results.predictions[model]
    return rows.assign(run="quick") if results.shortened else rows
