"""The audit as one page and as a table for the console."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from cancernet.common import defaults
from cancernet.common.output import Output
from cancernet.evaluation.audit import Audit
from cancernet.evaluation.results import FLOOR
from cancernet.evaluation.verdicts import WARN, WORDS, signed
from cancernet.report import tables
from cancernet.report.bars import per_patient_recall
from cancernet.report.curves import calibration
from cancernet.report.html import embed
from cancernet.report.page import fill
from cancernet.report.robustness_figure import robustness_figure
from cancernet.report.style import picture

NAMES = ("audit.json", "audit.html")
WIDTH = 112  # characters of a console line
WHOSE = {
    "test": "patients the model has never seen",
    "val": "the patients that chose the model's threshold; on new patients expect somewhat less",
}


def render_audit(found: Audit, run: Mapping[str, Any]) -> str:
    """Return an audit as one self-contained HTML page.

    Args:
        found: from `cancernet.evaluation.audit.audit`.
        run: what to print about the run itself.
    """
    return fill("audit.html", _context(found, run))


def write_audit(out: Output, found: Audit, run: Mapping[str, Any]) -> Path:
    """Write audit.json and the page audit.html to a folder, and return the page's path.

    Args:
        out: the folder.
        found: from `cancernet.evaluation.audit.audit`.
        run: command, time, versions and the like, as the page's last section lists them.
    """
    out.write_json("audit.json", {**found.to_dict(), "run": dict(run)})
    return out.write_text("audit.html", render_audit(found, run))


def console(found: Audit) -> str:
    """Return the checks as lines for the console: state, name, what was found; the limit where it warns."""
    lines = ["", f"{'':<5} {'check':<15} {found.caption}"]
    indent = " " * 22
    for check in found.checks:
        text = check.found
        if check.state == WARN:
            text += f". Limit: {check.limit}; {check.why}"
        first, *rest = textwrap.wrap(text, WIDTH - len(indent)) or [""]
        lines.append(f"{check.state:<5} {check.name:<15} {first}")
        lines += [indent + line for line in rest]
    lines += ["", found.tally]
    if found.synthetic:
        lines.append("SYNTHETIC patches: not evidence of anything.")
    if found.shortened:
        lines.append(f"A QUICK run trained the model ({found.shortened}): not a result.")
    return "\n".join(lines)


def _context(found: Audit, run: Mapping[str, Any]) -> dict[str, Any]:
    shaken = found.robustness
    corrupted = f"n = {shaken['n_patches']:,} patches of {shaken['n_patients']} patients"
    model = found.metrics[0]["splits"][found.data["side"]]
    return {
        "title": f"Audit of {found.model}",
        "model": found.model,
        "synthetic": found.synthetic,
        "shortened": found.shortened,
        "caption": found.caption,
        "whose": WHOSE[found.data["side"]],
        "tally": found.tally,
        "checks": found.checks,
        "names": [check.name for check in found.warnings],
        "headline": _headline(model),
        "floor": tables.interval(found.metrics[1]["splits"][found.data["side"]]["auc"]),
        "corrupted": corrupted,
        "clean": ", ".join(
            f"{word} {tables.interval({'value': shaken['clean'][key]})[0]}" for key, word in WORDS.items()
        ),
        "samples": f"{shaken['samples']:,}",
        "severity": defaults.AUDIT_SEVERITY,
        "severities": [level["severity"] for level in next(iter(shaken["corruptions"].values()))["levels"]],
        "corruptions": [_rows(name, kind) for name, kind in shaken["corruptions"].items()],
        "figures": {name: embed(name, picture(made)) for name, made in _figures(found, corrupted).items()},
        "floor_name": FLOOR,
        "data": tables.facts(found.data),
        "run": tables.facts(run),
        "confidence": f"{defaults.CONFIDENCE:.0%}",
        "target": f"{found.target_recall:.0%}",
    }


def _figures(found: Audit, corrupted: str) -> dict[str, Figure]:
    says = {"caption": found.caption, "warning": found.warning}
    return {
        "robustness": robustness_figure(found.robustness, caption=corrupted, warning=found.warning),
        "per_patient_recall": per_patient_recall(found.patients, model=found.model, target=found.target_recall, **says),
        "calibration": calibration(found.predictions, **says),
    }


def _headline(numbers: Mapping[str, Any]) -> list[tuple[str, tuple[str, str], str]]:
    point = numbers["operating_points"]["target_recall"]
    return [
        ("Recall", tables.interval(point["recall"]), f"at the frozen threshold {point['threshold']:.3g}"),
        ("Specificity", tables.interval(point["specificity"]), "at the same threshold"),
        ("AUC", tables.interval(numbers["auc"]), "whatever the threshold"),
        ("Calibration error", tables.interval(numbers["ece"]), "between stated and observed probability"),
    ]


def _rows(name: str, kind: Mapping[str, Any]) -> dict[str, Any]:
    """A corruption for the table: for each measure the change at each severity as (value, interval)."""

    def cell(entry: Mapping[str, Any]) -> tuple[str, str]:
        value, _, between = signed(entry).partition(" (")
        return value, between.rstrip(")")

    return {
        "name": name,
        "says": kind["says"],
        "unit": kind["unit"],
        "source": kind["source"],
        "levels": ", ".join(f"{level['level']:g}" for level in kind["levels"]),
        "measures": [(word, [cell(level[key]) for level in kind["levels"]]) for key, word in WORDS.items()],
    }
