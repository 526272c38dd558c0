"""Every figure of a run, by the name of its file."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from cancernet.evaluation.calibration import undo_platt
from cancernet.evaluation.per_patient import per_patient
from cancernet.evaluation.results import (
    RunResults,
    Shown,
    caption,
    chosen,
    models,
    reported_rows,
    shown,
    target_recall,
    warning,
)
from cancernet.report.bars import approaches, confusion_matrix, per_patient_recall
from cancernet.report.benefit import decision_curve
from cancernet.report.curves import accuracy_plot, calibration, precision_recall, roc
from cancernet.report.doubts import doubtful_labels
from cancernet.report.mistakes import confident_errors
from cancernet.report.probabilities import probability_distribution
from cancernet.report.risk import risk_coverage
from cancernet.report.style import Picture, picture
from cancernet.report.subgroups import subgroup_figure

# of the headline model, these stand among those of all
HEADLINE_FIGURES = (
    "per_patient_recall",
    "risk_coverage",
    "calibration_change",
    "probability_distribution",
    "decision_curve_restated",
    "subgroups",
)


@dataclass(frozen=True)
class Pictures:
    """Every figure of a run, drawn once for the files and for the report.

    Attributes:
        run: figure -> picture, of all models.
        models: model -> figure -> picture, of one.
    """

    run: dict[str, Picture]
    models: dict[str, dict[str, Picture]]


def draw(results: RunResults) -> Pictures:
    """Draw every figure of a run; drawing takes most of the time that a report takes, so each is drawn once."""
    own = {
        entry.model: {name: picture(made) for name, made in model_figures(results, entry).items()}
        for entry in models(results)
    }
    best = own[chosen(results)[0].model]
    of_all = {name: picture(made) for name, made in run_figures(results).items()}
    return Pictures(of_all | {name: best[name] for name in HEADLINE_FIGURES if name in best}, own)


def run_figures(results: RunResults) -> dict[str, Figure]:
    """Return the figures of all models by file name without ending; those without data are left out.

    Args:
        results: the finished run.

    Returns:
        Of accuracy_plot, confusion_matrix, roc, precision_recall, calibration, decision_curve, approaches,
        confident_errors and doubtful_labels those that can be drawn.
    """
    says = {"caption": caption(results), "warning": warning(results)}
    entries = shown(results)
    thresholds = {entry.model: entry.headline["threshold"] for entry in entries}
    rows = {entry.model: found for entry in entries if (found := reported_rows(results, entry)) is not None}
    figures = {
        "approaches": approaches(entries, target=target_recall(results), **says),
        "confusion_matrix": confusion_matrix(models(results), **says),
    }
    curves = {entry.model: found for entry in entries if (found := entry.numbers.get("decision_curve"))}
    best = chosen(results)[0].model
    if best in curves:
        figures["decision_curve"] = decision_curve(curves, thresholds, best=best, **says)
    if rows:
        figures["roc"] = roc(rows, thresholds, **says)
        figures["precision_recall"] = precision_recall(rows, thresholds, **says)
        figures["calibration"] = calibration(rows, **says)
    if results.mistakes is not None:
        figures["confident_errors"] = confident_errors(results.mistakes, **says)
    if results.doubts is not None and len(results.doubts.images):
        figures["doubtful_labels"] = doubtful_labels(results.doubts, **says)
    histories = {model: history for model, history in results.histories.items() if len(history)}
    if histories:
        figures["accuracy_plot"] = accuracy_plot(histories, warning=warning(results))
    return figures


def model_figures(results: RunResults, entry: Shown) -> dict[str, Figure]:
    """Return one model's figures: confusion_matrix, and what else there are numbers for.

    These are probability_distribution, decision_curve_restated (for another prevalence), subgroups, risk_coverage,
    calibration_change (before and after), per_patient_recall and accuracy_plot.
    """
    says = {"caption": caption(results), "warning": warning(results)}
    threshold = entry.headline["threshold"]
    figures = {"confusion_matrix": confusion_matrix([entry], **says)}
    if found := entry.numbers.get("distribution"):
        figures["probability_distribution"] = probability_distribution(found, threshold, model=entry.model, **says)
    if grouped := entry.numbers.get("subgroups"):
        figures["subgroups"] = subgroup_figure(grouped, model=entry.model, **says)
    if restated := entry.numbers.get("restated"):
        moved = {entry.model: next(iter(restated["thresholds"].values()))}
        figures["decision_curve_restated"] = decision_curve(
            {entry.model: restated["decision_curve"]},
            moved,
            best=entry.model,
            caption=f"{says['caption']}; RESTATED for a prevalence of {restated['prevalence']:.4g}",
            warning=says["warning"],
        )
    rows, bands = reported_rows(results, entry), results.bands.get(entry.model)
    if rows is not None and bands:
        figures["risk_coverage"] = risk_coverage(rows, threshold, bands, model=entry.model, **says)
    if rows is not None and entry.model in results.calibrations:
        before = undo_platt(rows["probability"], **results.calibrations[entry.model])
        names = (f"{entry.model} as trained", f"{entry.model} calibrated")
        both = dict(zip(names, (rows.assign(probability=before), rows), strict=True))
        figures["calibration_change"] = calibration(both, **says)
    if rows is not None and (rows["patient"].fillna("") != "").any():
        patients = per_patient(rows, entry.headline["threshold"])
        figures["per_patient_recall"] = per_patient_recall(
            patients, model=entry.model, target=target_recall(results), **says
        )
    history = results.histories.get(entry.model)
    if history is not None and len(history):
        figures["accuracy_plot"] = accuracy_plot({entry.model: history}, warning=warning(results))
    return figures
