"""Every figure of a run, by the name of its file."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from cancernet import defaults
from cancernet.atomic import replacing
from cancernet.evaluation.calibration import undo_platt
from cancernet.evaluation.per_patient import per_patient
from cancernet.report.bars import approaches, confusion_matrix, per_patient_recall
from cancernet.report.curves import accuracy_plot, calibration, precision_recall, roc
from cancernet.report.results import RunResults, Shown, caption, chosen, models, reported_rows, shown, warning
from cancernet.report.risk import risk_coverage

__all__ = [
    "accuracy_plot",
    "approaches",
    "calibration",
    "confusion_matrix",
    "model_figures",
    "per_patient_recall",
    "precision_recall",
    "risk_coverage",
    "roc",
    "run_figures",
    "save_figures",
]


HEADLINE_FIGURES = ("per_patient_recall", "risk_coverage", "calibration_change")


def run_figures(results: RunResults) -> dict[str, Figure]:
    """Return the figures of a run by file name without ending; those without data are left out.

    Args:
        results: the finished run.

    Returns:
        Of accuracy_plot, confusion_matrix, roc, precision_recall, calibration, approaches, and of the headline
        model per_patient_recall, risk_coverage and calibration_change, those that can be drawn.
    """
    says = {"caption": caption(results), "warning": warning(results)}
    entries = shown(results)
    thresholds = {entry.model: entry.headline["threshold"] for entry in entries}
    rows = {entry.model: found for entry in entries if (found := reported_rows(results, entry)) is not None}
    figures = {
        "approaches": approaches(entries, target=target_recall(results), **says),
        "confusion_matrix": confusion_matrix(models(results), **says),
    }
    if rows:
        figures["roc"] = roc(rows, thresholds, **says)
        figures["precision_recall"] = precision_recall(rows, thresholds, **says)
        figures["calibration"] = calibration(rows, **says)
    own = model_figures(results, chosen(results)[0])
    figures |= {name: own[name] for name in HEADLINE_FIGURES if name in own}
    histories = {model: history for model, history in results.histories.items() if len(history)}
    if histories:
        figures["accuracy_plot"] = accuracy_plot(histories, warning=warning(results))
    return figures


def model_figures(results: RunResults, entry: Shown) -> dict[str, Figure]:
    """Return one model's figures: confusion_matrix, and what else there are numbers for.

    These are risk_coverage, calibration_change (before and after), per_patient_recall and accuracy_plot.
    """
    says = {"caption": caption(results), "warning": warning(results)}
    figures = {"confusion_matrix": confusion_matrix([entry], **says)}
    rows, bands = reported_rows(results, entry), results.bands.get(entry.model)
    if rows is not None and bands:
        threshold = entry.headline["threshold"]
        figures["risk_coverage"] = risk_coverage(rows, threshold, bands, model=entry.model, **says)
    if rows is not None and entry.model in results.calibrations:
        before = undo_platt(rows["probability"], **results.calibrations[entry.model])
        names = (f"{entry.model} as trained", f"{entry.model} calibrated")
        both = dict(zip(names, (rows.assign(probability=before), rows), strict=True))
        figures["calibration_change"] = calibration(both, **says)
    by_patient = _patients(results, entry)
    if by_patient is not None:
        figures["per_patient_recall"] = by_patient
    history = results.histories.get(entry.model)
    if history is not None and len(history):
        figures["accuracy_plot"] = accuracy_plot({entry.model: history}, warning=warning(results))
    return figures


def save_figures(results: RunResults, out_dir: Path | str) -> list[Path]:
    """Write the figures of a run as PNG files and return their paths.

    Args:
        results: the finished run.
        out_dir: made if absent. Gets accuracy_plot.png, confusion_matrix.png, roc.png,
            precision_recall.png, calibration.png, approaches.png, per_patient_recall.png, risk_coverage.png,
            calibration_change.png: those with data.

    Raises:
        OSError: the folder cannot be written.
    """
    paths = []
    for name, figure in run_figures(results).items():
        path = Path(out_dir) / f"{name}.png"
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png")
        paths.append(path)
    return paths


def target_recall(results: RunResults) -> float:
    """Return the recall the headline threshold was chosen for."""
    return float(results.run.get("target_recall", defaults.TARGET_RECALL))


def _patients(results: RunResults, entry: Shown) -> Figure | None:
    rows = reported_rows(results, entry)
    if rows is None or not (rows["patient"].fillna("") != "").any():
        return None
    return per_patient_recall(
        per_patient(rows, entry.headline["threshold"]),
        model=entry.model,
        target=target_recall(results),
        caption=caption(results),
        warning=warning(results),
    )
