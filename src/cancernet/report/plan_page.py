"""A plan as one page, a table, and lines for the console."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cancernet.common.output import Output
from cancernet.evaluation.plan import SLACK, Plan
from cancernet.evaluation.planning import MOST_DRAWN, SAMPLES, Need
from cancernet.evaluation.results import QUICK, SYNTHETIC
from cancernet.report import tables
from cancernet.report.html import embed
from cancernet.report.page import fill
from cancernet.report.plan_figure import plan_figure
from cancernet.report.style import picture

NAMES = ("plan.json", "plan.csv", "plan.png", "plan.html")
WIDTH = 66  # characters of what is asked for, on the console
KINDS = {"threshold": "A threshold of your own", "width": "An estimate", "difference": "One model better than another"}


def write_plan(out: Output, made: Plan, run: Mapping[str, Any]) -> Path:
    """Write plan.json, plan.csv, plan.png and the page plan.html to a folder, and return the page's path.

    Args:
        out: the folder.
        made: from `cancernet.evaluation.plan.plan`.
        run: command, time, versions and the like, as the page's last section lists them.
    """
    drawn = picture(plan_figure(made, caption=caption(made), warning=warning(made)))
    out.write_json("plan.json", {**made.to_dict(), "run": dict(run)})
    out.write_csv("plan.csv", as_table(made))
    out.write_bytes("plan.png", drawn.png)
    figure = {**embed("plan", drawn, alt="What samples of so many patients reach."), "says": caption(made)}
    return out.write_text("plan.html", fill("plan.html", {**_context(made, run), "figure": figure}))


def as_table(made: Plan) -> pd.DataFrame:
    """Return a row a purpose: what for, patients, those of half of the samples, by formula, with tumour, patches."""
    facts = made.pilot
    tumour, patches = (facts[key] / facts["n_patients"] for key in ("n_with_tumour", "n_patches"))
    rows = [
        {
            "purpose": need.purpose.key,
            "what": need.purpose.what,
            "patients": need.patients or f"more than {MOST_DRAWN}",
            "patients_half_of_samples": need.typical or f"more than {MOST_DRAWN}",
            "patients_by_formula": "" if pd.isna(need.purpose.formula) else round(need.purpose.formula, 1),
            "formula_of": need.to_dict()["formula_of"] if need.purpose.source else "",
            "formula": need.purpose.source,
            "with_tumour": round(need.patients * tumour) or "",
            "patches": round(need.patients * patches) or "",
        }
        for need in made.needs
    ]
    return pd.DataFrame(rows)


def console(made: Plan) -> str:
    """Return the plan as lines for the console."""
    share = f"{made.ask.assurance:.0%} of"
    lines = [f"drawn from {made.pilot['of']}: {made.pilot['n_patches']:,} patches", ""]
    lines += [f"{'patients that':<{WIDTH}} {share:>12} {'half of':>12} {'by':>9}"]
    lines += [f"{'are enough for':<{WIDTH}} {'samples':>12} {'samples':>12} {'formula':>9}"]
    for need in made.needs:
        first, *rest = textwrap.wrap(need.purpose.what, WIDTH)
        formula = "-" if pd.isna(need.purpose.formula) else f"{need.purpose.formula:,.0f}"
        lines += [f"{first:<{WIDTH}} {_patients(need.patients):>12} {_patients(need.typical):>12} {formula:>9}", *rest]
    lines += ["", *textwrap.wrap(free(made), 110), *(line for note in made.notes for line in textwrap.wrap(note, 110))]
    if made.synthetic:
        lines.append("SYNTHETIC patches: not evidence of anything.")
    if made.shortened:
        lines.append(f"A QUICK run trained the model ({made.shortened}): not a result.")
    return "\n".join(lines)


def caption(made: Plan) -> str:
    """Return the line under the figure and the table: what samples were drawn from."""
    facts = made.pilot
    return (
        f"n = {facts['n_patches']:,} patches of {facts['n_patients']} patients, {facts['n_with_tumour']} with tumour "
        f"({facts['of']}); {SAMPLES:,} samples of patients for each number of them"
    )


def free(made: Plan) -> str:
    """Say what a threshold needs where nothing is assumed of how alike patches are."""
    return (
        f"With no assumption at all, fewer than {made.free['on average']} patients with tumour hold no recall of "
        f"{made.ask.target_recall:g} even on average over samples, and fewer than {made.free['assured']} not with "
        f"assurance {made.ask.assurance:g}; below, a threshold rests on local patients being no more unlike each other "
        "than those drawn from here."
    )


def warning(made: Plan) -> str:
    """Return what the figure must say in red, or nothing."""
    return " · ".join([SYNTHETIC] * made.synthetic + [QUICK] * bool(made.shortened))


def _patients(n: int) -> str:
    return f"{n:,}" if n else f"> {MOST_DRAWN:,}"


def _context(made: Plan, run: Mapping[str, Any]) -> dict[str, Any]:
    facts = made.pilot
    tumour, patches = (facts[key] / facts["n_patients"] for key in ("n_with_tumour", "n_patches"))

    def row(need: Need) -> dict[str, str]:
        formula = need.purpose.formula
        return {
            "what": need.purpose.what,
            "patients": _patients(need.patients),
            "with": f"about {need.patients * tumour:,.0f} with tumour, {need.patients * patches:,.0f} patches"
            if need.patients
            else "",
            "typical": _patients(need.typical),
            "formula": "" if pd.isna(formula) else f"{formula:,.0f}",
            "source": need.purpose.source,
            "formula_of": need.to_dict()["formula_of"] if need.purpose.source else "",
        }

    return {
        "title": f"Patients needed to use {made.model}",
        "synthetic": made.synthetic,
        "shortened": made.shortened,
        "groups": [
            (KINDS[kind], [row(need) for need in made.needs if need.purpose.kind == kind])
            for kind in KINDS
            if any(need.purpose.kind == kind for need in made.needs)
        ],
        "ask": made.ask,
        "assurance": f"{made.ask.assurance:.0%}",
        "caption": caption(made),
        "free": free(made),
        "notes": made.notes,
        "holds": made.holds,
        "slack": f"{made.ask.target_recall - SLACK:g}",
        "pilot": tables.facts(facts),
        "asked": tables.facts(vars(made.ask)),
        "run": tables.facts(run),
    }
