"""An adaptation as one page, a table and a file of numbers, beside the bundle that came of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from cancernet.common.output import Output
from cancernet.evaluation.results import SYNTHETIC
from cancernet.model.manifest import Manifest
from cancernet.report import tables
from cancernet.report.adapt_figure import adapt_figure
from cancernet.report.html import embed
from cancernet.report.page import fill
from cancernet.report.style import picture

NAMES = ("adaptation.html", "adaptation.json", "adaptation.png")
WORDS = {
    "recall": "Recall",
    "specificity": "Specificity",
    "balanced_accuracy": "Balanced accuracy",
    "ece": "Calibration error",
    "brier": "Brier score",
    "auc": "AUC",
}


def write_adaptation(
    out: Output, manifest: Manifest, shown: pd.DataFrame, threshold: float, run: Mapping[str, Any]
) -> Path:
    """Write adaptation.json, adaptation.png and the page adaptation.html, and return the page's path.

    Args:
        out: folder of the bundle.
        manifest: of the adapted model.
        shown: from `evaluation.adaptation.told_on`.
        threshold: of its parent.
        run: command, time, versions and the like.
    """
    made = manifest.adaptation
    assert made is not None
    n = shown["patient"].nunique()
    caption = f"n = {len(shown):,} patches of {n} patients: {made.told_on}"
    warning = " · ".join(
        [SYNTHETIC] * manifest.data.synthetic + [f"PROVISIONAL: {made.patients} patients"] * made.provisional
    )
    title = f"{manifest.name}: {made.parent} adapted to {made.patients} patients"
    drawn = picture(adapt_figure(shown, threshold, title=title, caption=caption, warning=warning))
    told = {**msgspec.to_builtins(made), "name": manifest.name, "thresholds": manifest.thresholds.to_dict()}
    out.write_json("adaptation.json", {**told, "threshold_before": threshold, "run": dict(run)})
    out.write_bytes("adaptation.png", drawn.png)
    context = {
        "title": f"{manifest.name}, adapted from {made.parent}",
        "synthetic": manifest.data.synthetic,
        "made": made,
        "name": manifest.name,
        "before": f"{threshold:.3f}",
        "after": f"{manifest.thresholds.target_recall:.3f}",
        "rows": [_row(name, made.change[name]) for name in WORDS],
        "figure": {
            **embed("adaptation", drawn, alt="Reliability, and each patient before and after."),
            "says": caption,
        },
        "facts": tables.facts(
            {
                "Parent": f"{made.parent}, graph {made.parent_graph_sha256[:12]}",
                "Local patients": f"{made.patients}, {made.with_tumour} with tumour; {made.patches:,} patches",
                "Scanner": made.scanner or "not said",
                "Log odds": f"{made.scale:.3f} times the parent's, {made.offset:+.3f}",
                "Made": made.made,
                "Data": made.data_hash,
            }
        ),
        "run": tables.facts(run),
    }
    return out.write_text("adaptation.html", fill("adapt.html", context))


def console(manifest: Manifest, threshold: float) -> str:
    """Return an adaptation as lines for the console."""
    made = manifest.adaptation
    assert made is not None
    lines = [
        f"threshold {threshold:.3f} -> {manifest.thresholds.target_recall:.3f}: {made.rule}",
        f"told on {made.told_on}:",
        f"{'':<20} {'before':>8} {'after':>8}   difference (95 % interval over patients)",
    ]
    for name in WORDS:
        row = _row(name, made.change[name])
        lines.append(f"{row['what']:<20} {row['before']:>8} {row['after']:>8}   {row['gap']}")
    return "\n".join(lines)


def _row(name: str, change: Mapping[str, float | None]) -> dict[str, str]:
    def shown(key: str, sign: str = "") -> str:
        value = change.get(key)
        return "-" if value is None else f"{value:{sign}.3f}"

    return {
        "what": WORDS[name],
        "before": shown("a"),
        "after": shown("b"),
        "interval": f"{shown('b_low')} to {shown('b_high')}",
        "gap": f"{shown('value', '+')} ({shown('low', '+')} to {shown('high', '+')})",
    }
