"""`cancernet run`."""

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
@click.option(
    "--data", type=PATH, help="Folder or zip of labelled patches. [default: draw the synthetic sample]"
)
@click.option("--models", type=PATH, default=Path("models"), show_default=True, help="Folder for the models.")
@click.option(
    "--results", "--out", type=PATH, default=Path("results"), show_default=True, help="Folder for the report."
)
@click.option(
    "--recipe",
    "names",
    multiple=True,
    help="Recipe to train; repeat for several. [default: the five approaches]",
)
@split_options
@training_options
@cache_option
def command(
    data: Path | None,
    models: Path,
    results: Path,
    names: tuple[str, ...],
    cache: Path | None,
    **chosen: Any,
) -> None:
    """Check, pack, split, train every recipe, evaluate on the test patients and write a report.

    Stopped at any point and started again with the same command, it continues.
    """
    from cancernet.experiment.run import run
    from cancernet.report.console import table

    found = run(
        data,
        recipes=names,
        recipe_file=chosen["recipe_file"],
        models=models,
        results=results,
        split=split_choice(chosen),
        options=read_training_options(chosen),
        cache=cache,
        say=say,
    )
    click.echo(table(found))
