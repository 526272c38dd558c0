"""`cancernet evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from cancernet.cli.options import PATH, cache_option, load, model_option, say, threads_option


@click.command()
@model_option
@click.option("--data", type=PATH, required=True, help="Folder or zip of labelled patches.")
@click.option("--out", type=PATH, required=True, help="Folder for the results.")
@click.option(
    "--new-patients",
    is_flag=True,
    help="All patients are new to the model, even those whose ids its training patients have too.",
)
@threads_option
@cache_option
def command(
    model: Path | None, data: Path, out: Path, new_patients: bool, threads: int, cache: Path | None
) -> None:
    """Measure a model on a labelled folder: metrics, figures and a report. Needs no TensorFlow.

    Patients whose ids the model was trained with are left out, and those that chose its threshold are
    reported apart, unless --new-patients says that they are others.
    """
    from cancernet.experiment.evaluate import evaluate
    from cancernet.report.console import table

    found = evaluate(data, load(model, threads), out=out, new_patients=new_patients, cache=cache, say=say)
    click.echo(table(found))
