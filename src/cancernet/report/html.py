"""The report: one HTML file that holds its own figures and styles and needs no network and no script."""

from __future__ import annotations

import base64
from typing import Any

from markupsafe import Markup

from cancernet.common import defaults
from cancernet.evaluation.results import FLOOR, RunResults, Shown, caption, models, target_recall
from cancernet.report import tables, usefulness
from cancernet.report.checklist import AUTHOR, NAMES, load
from cancernet.report.doubts import doubts
from cancernet.report.figures import Pictures, draw
from cancernet.report.page import fill
from cancernet.report.style import Picture
from cancernet.report.subgroups import by_group

# what each figure shows, for those who cannot see it and for those who do not know the plot
DESCRIPTIONS = {
    "decision_curve": "Above both black lines, acting on the calls is worth more than calling all patches malignant, "
    "or none.",
    "decision_curve_restated": "What calls are worth where another share of the patches is malignant, with the "
    "probabilities restated for it.",
    "probability_distribution": "Above: where the probabilities of each class lie; the less they overlap, the better. "
    "Below: how many of each are called malignant by a threshold there.",
    "subgroups": "Each group by itself. Where intervals are wide there are few patients, whatever the value.",
    "approaches": "Each approach's scores and intervals. Intervals that overlap widely are no difference.",
    "roc": "Every possible threshold. The nearer the curve comes to the top left corner, the better.",
    "precision_recall": "What a wider net costs: the share of malignant calls that are right.",
    "calibration": "On the diagonal a stated 70 % means 7 of 10. Above it the model says too little.",
    "per_patient_recall": "One mark a patient, the lowest at the left: there, most of the cancer is missed.",
    "confusion_matrix": "Rows: what a patch is. Columns: its call. Bottom left: cancer that was missed.",
    "risk_coverage": "Left of 100 %: the patches nearest the threshold are left to a person, the rest is surer.",
    "calibration_change": "What calibration on validation patients did to the probabilities of these.",
    "robustness": "Level lines are robust. A line that falls says what to keep away from the model.",
    "confident_errors": "Above: the patches. Below: the evidence of each part; its mean decided the call. A line "
    "surrounds the strongest for malignant, dots the strongest for benign.",
    "doubtful_labels": "Model and neighbours contradict these labels. A person decides which are wrong.",
    "accuracy_plot": "Where validation falls behind training, the model learns its patients by heart.",
}


def render(results: RunResults, pictures: Pictures | None = None) -> str:
    """Return a run's report as HTML; every name and path in it is escaped."""
    return fill("report.html", _context(results, pictures or draw(results)))


def embed(name: str, drawn: Picture, *, alt: str = "") -> dict[str, Any]:
    """Return a picture for the template: name, the PNG as a data address, width in px, text in its place."""
    return {
        "name": name,
        "source": Markup("data:image/png;base64," + base64.b64encode(drawn.png).decode("ascii")),  # noqa: S704
        "width": drawn.width,
        "alt": alt or DESCRIPTIONS.get(name, name),
        "says": DESCRIPTIONS.get(name, ""),
    }


def _context(results: RunResults, pictures: Pictures) -> dict[str, Any]:
    apart = ("split", "leakage", "quarantined")
    split = results.data.get("split", {})
    entries = models(results)
    known = {each.name: each for each in map(load, NAMES)}
    return {
        "title": results.title,
        "banners": tables.banners(results),
        "notes": results.notes,
        "headline": tables.headline(results),
        "caption": caption(results),
        "columns": tables.COLUMNS,
        "comparison": tables.comparison(results),
        "floor": FLOOR,
        "prevalence": f"{entries[0].numbers['prevalence']:.3f}",
        "figures": {name: embed(name, drawn) for name, drawn in pictures.run.items()},
        "models": [
            _model(results, entry, pictures.models[entry.model], number) for number, entry in enumerate(entries, 1)
        ],
        "mistakes": tables.mistakes(results),
        "doubts": doubts(results.doubts),
        "checklists": [
            {
                "name": name,
                "use": known[name].use,
                "source": known[name].source,
                "rows": rows,
                "answered": sum(answer != AUTHOR for _, _, answer in rows),
            }
            for name, rows in results.checklists.items()
        ],
        "data": tables.facts({key: value for key, value in results.data.items() if key not in apart}),
        "quarantine": tables.quarantine(results),
        "split": tables.facts({key: split[key] for key in split if key not in ("sizes", "notes")}),
        "split_sizes": split.get("sizes", {}),
        "split_notes": split.get("notes", []),
        "leakage": tables.facts(results.data.get("leakage", {})),
        "patient_safe": results.patient_safe,
        "run": tables.facts(results.run),
        "target": f"{target_recall(results):.0%}",
        "confidence": f"{defaults.CONFIDENCE:.0%}",
    }


def _model(results: RunResults, entry: Shown, pictures: dict[str, Picture], number: int) -> dict[str, Any]:
    numbers = entry.numbers
    patients = numbers.get("per_patient") or {}
    reports = numbers.get("class_report", {})
    median = patients.get("median_recall")
    return {
        "name": entry.model,
        "anchor": f"model-{number}",
        "below": entry.model in results.below_floor,
        "weights": results.weights.get(entry.model, ""),
        "minutes": f"{results.minutes[entry.model]:.1f}" if entry.model in results.minutes else "",
        "points": tables.operating_points(entry),
        "abstaining": tables.abstaining(numbers),
        "answered": tables.ANSWERED.values(),
        "unsure": tables.unsure(numbers),
        "benefit": usefulness.benefit(numbers.get("decision_curve")),
        "quantiles": usefulness.quantiles(numbers.get("distribution")),
        "predictive": usefulness.predictive(numbers.get("predictive_values", []), numbers["prevalence"]),
        "subgroups": by_group(numbers.get("subgroups")),
        "restated": usefulness.restated(
            numbers.get("restated"), next(iter(numbers["operating_points"])), entry.headline["threshold"]
        ),
        "figures": [embed(name, drawn, alt=f"{entry.model}: {DESCRIPTIONS[name]}") for name, drawn in pictures.items()],
        "class_report": reports.get("target_recall") or next(iter(reports.values()), ""),
        "median_recall": "" if median is None else f"{median:.0%}",
        "worst": patients.get("worst", []),
    }
