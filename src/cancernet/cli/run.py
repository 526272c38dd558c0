"""`cancernet run`."""

from __future__ import annotations

from typing import Any

import click

from cancernet.cli.options import (
    PATH,
    by_option,
    cache_option,
    collected,
    echo,
    label_options,
    say,
    split_options,
    training_options,
)


@click.command()
@click.option("--data", type=PATH, help="Folder or zip of labelled patches. [default: draw the synthetic sample]")
@click.option("--models", type=PATH, help="Folder for the models. [default: models; models-quick with --quick]")
@click.option(
    "--results", "--out", type=PATH, help="Folder for the report. [default: results; results-quick with --quick]"
)
@click.option(
    "--quick",
    is_flag=True,
    help="A first answer in some ten minutes: fewer patches of each patient, fewer epochs. All it writes says so.",
)
@click.option(
    "--recipe", "recipes", multiple=True, help="Recipe to train; repeat for several. [default: the five approaches]"
)
@label_options
@split_options
@training_options
@by_option
@cache_option
def command(**chosen: Any) -> None:
    """Check, pack, split, train every recipe, evaluate on the test patients and write a report.

    Stopped at any point and started again with the same command, it continues.
    """
    from cancernet.data.layout import Labels
    from cancernet.data.split import SplitChoice
    from cancernet.experiment.run import run
    from cancernet.report.console import table
    from cancernet.training.options import TrainingOptions

    echo(table(run(**collected(chosen, labels=Labels, split=SplitChoice, options=TrainingOptions), say=say)))
