"""Write what a run found: predictions, metrics, facts of the run, figures and the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cancernet.common.atomic import write_text
from cancernet.common.files import write_csv
from cancernet.evaluation.results import RunResults, chosen
from cancernet.report.figures import draw, save_pictures
from cancernet.report.html import write_report


def write_results(out: Path, results: RunResults) -> Path:
    """Write everything a run leaves in its results folder.

    `metrics.json` and `predictions.csv` at the top are those of the chosen model (the highest average
    precision on validation patients); `models` in the former and a folder a model hold those of all.

    Args:
        out: made if absent; files of an earlier run are replaced, others left alone.
        results: what was found.

    Returns:
        The path of `report.html`.
    """
    best, why = chosen(results)
    entry = next(entry for entry in results.metrics if entry["model"] == best.model)
    about = {"synthetic": results.synthetic, "patient_safe": results.patient_safe, "notes": results.notes}
    top = {**entry, "chosen_by": why, **about, "below_floor": results.below_floor, "models": results.metrics}
    _write_json(out / "metrics.json", top)
    _write_json(out / "run.json", results.run)
    write_csv(out / "predictions.csv", results.predictions[best.model])
    for each in results.metrics:
        folder = out / each["model"].replace(" ", "_")
        _write_json(folder / "metrics.json", {**each, **about})
        if each["model"] in results.predictions:
            write_csv(folder / "predictions.csv", results.predictions[each["model"]])
    quarantined = results.data.get("quarantined")
    if quarantined is not None:
        write_csv(out / "quarantine.csv", quarantined)
    pictures = draw(results)
    save_pictures(pictures.run, out)
    return write_report(out, results, pictures)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=1, allow_nan=False, default=str) + "\n")
