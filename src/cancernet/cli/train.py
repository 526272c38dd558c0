"""`cancernet train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cancernet.cli.options import (
    PATH,
    cache_option,
    read_training_options,
    say,
    split_choice,
    split_options,
    training_options,
)


@click.command()
@click.option("--recipe", "names", multiple=True, required=True, help="Recipe to train; repeat for several.")
@click.option("--data", type=PATH, required=True, help="Folder or zip of labelled patches.")
@click.option(
    "--models", "--out", type=PATH, default=Path("models"), show_default=True, help="Folder for the models."
)
@split_options
@training_options
@cache_option
def command(names: tuple[str, ...], data: Path, models: Path, cache: Path | None, **chosen: Any) -> None:
    """Train recipes into models, without scoring them on the test patients.

    A recipe that continues from another trains that one first where it is missing. Stopped at any point
    and started again with the same command, it continues.
    """
    from cancernet.experiment.train import train

    train(
        data,
        names,
        recipe_file=chosen["recipe_file"],
        models=models,
        split=split_choice(chosen),
        options=read_training_options(chosen),
        cache=cache,
        say=say,
    )
