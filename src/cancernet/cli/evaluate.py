"""`cancernet evaluate`."""

from __future__ import annotations

from typing import Any

import click

from cancernet.cli.options import PATH, cache_option, data_option, new_patients_option, say, with_model


@click.command()
@with_model
@data_option
@click.option("--out", type=PATH, required=True, help="Folder for the results.")
@new_patients_option
@cache_option
def command(**chosen: Any) -> None:
    """Measure a model on a labelled folder: metrics, figures and a report. Needs no TensorFlow.

    Patients whose ids the model was trained with are left out, and those that chose its threshold are
    reported apart, unless --new-patients says that they are others.
    """
    from cancernet.experiment.evaluate import evaluate
    from cancernet.report.console import table

    click.echo(table(evaluate(**chosen, say=say)))
