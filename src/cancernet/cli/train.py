"""`cancernet train`."""

from __future__ import annotations

from typing import Any

import click

from cancernet.cli.options import (
    PATH,
    cache_option,
    collected,
    data_option,
    label_options,
    say,
    split_options,
    training_options,
    with_executor,
)


@click.command()
@click.option("--recipe", multiple=True, required=True, help="Recipe to train; repeat for several.")
@data_option
@click.option("--models", "--out", type=PATH, default="models", help="Folder for the models.")
@label_options
@split_options
@training_options
@cache_option
@with_executor
def command(**chosen: Any) -> None:
    """Train recipes into models, without scoring them on the test patients.

    --workers and --scheduler share the networks of a cross-fit out, as of the recipe `cancernet`; --models and --cache
    are folders that the workers reach then.

    A recipe that continues from another trains that one first where it is missing. Stopped at any point
    and started again with the same command, it continues.
    """
    from cancernet.data.layout import Labels
    from cancernet.data.split import SplitChoice
    from cancernet.experiment.train import train
    from cancernet.training.options import TrainingOptions

    train(**collected(chosen, labels=Labels, split=SplitChoice, options=TrainingOptions), say=say)
