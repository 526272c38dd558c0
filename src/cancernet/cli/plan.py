"""`cancernet plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cancernet.cli.options import PATH, echo, load, model_option, say, seed_option
from cancernet.common import defaults

SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command()
@model_option
@click.option(
    "--results", type=PATH, help="Draw from the patients of a folder that `evaluate` left, not from a model's."
)
@click.option("--split", default="test", help="Which side of the results.")
@click.option(
    "--against",
    type=PATH,
    help="Model or results of another model on the same patients, that is to be outdone. [default: the colour floor]",
)
@click.option(
    "--target-recall",
    type=SHARE,
    help=f"Recall a threshold is to hold. [default: the model's own, or {defaults.TARGET_RECALL}]",
)
@click.option(
    "--assurance", type=SHARE, help="Share of samples of patients that are to reach a purpose. [default: 0.9]"
)
@click.option("--half-width", type=SHARE, help="Half-width of the 95 % intervals. [default: 0.05]")
@click.option("--loss", type=SHARE, help="Specificity that the threshold may cost for want of patients. [default: 0.1]")
@click.option(
    "--difference", type=SHARE, help="Difference in AUC and in specificity to be shown. [default: the one seen]"
)
@click.option(
    "--patches", type=click.IntRange(0), default=0, help="Label at most so many patches of each patient; 0 for all."
)
@seed_option
@click.option("--out", type=PATH, required=True, help="Folder for plan.html, plan.csv, plan.json and plan.png.")
def command(model: Path | None, results: Path | None, **chosen: Any) -> None:
    """Say how many local patients are needed before numbers of your own can be relied on.

    For a threshold that holds a target recall, for an estimate of recall, specificity and AUC, and for showing one
    model better than another. Samples of patients are drawn from those held out of the model.
    """
    from cancernet.common.errors import UserError
    from cancernet.evaluation.plan import PlanOptions
    from cancernet.experiment.plan import plan
    from cancernet.report.plan_page import console

    if model is not None and results is not None:
        raise UserError("--model and --results: give one; the patients of results are drawn from without the model")
    asked = {name: chosen.pop(name) for name in ("target_recall", "assurance", "half_width", "loss", "difference")}
    found = None if results is not None else load(model)
    if found is not None and asked["target_recall"] is None:
        asked["target_recall"] = found.manifest.target_recall
    ask = PlanOptions(**{name: value for name, value in asked.items() if value is not None})
    echo(console(plan(found, results=results, ask=ask, say=say, **chosen)))
