"""`cancernet run`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from cancernet.cli.options import (
    PATH,
    cache_option,
    make_split,
    open_pack,
    read_training_options,
    require_training,
    split_options,
    training_options,
)

# The sample is small: fewer leave the CNNs below its colour floor, more take over five minutes.
SAMPLE_EPOCHS = 10


@click.command()
@click.option(
    "--data", type=PATH, help="Folder or zip of labelled patches. [default: draw the synthetic sample]"
)
@click.option("--models", type=PATH, default=Path("models"), show_default=True, help="Folder for the models.")
@click.option(
    "--results", type=PATH, default=Path("results"), show_default=True, help="Folder for the report."
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
    require_training(chosen["threads"])
    from cancernet.data.pack import default_cache_dir
    from cancernet.experiment.run import run
    from cancernet.training.recipes import load_recipes, with_parents

    recipes = load_recipes(chosen["recipe_file"])
    wanted = with_parents(names or [name for name, recipe in recipes.items() if recipe.in_run], recipes)
    cache = cache or default_cache_dir()
    if data is None:
        from cancernet.data.sample import write_sample

        data = write_sample(cache / "sample")
        chosen["epochs"] = chosen["epochs"] or SAMPLE_EPOCHS
    pack = open_pack(data, cache)
    split = make_split(pack, chosen)
    found = run(
        pack,
        split,
        wanted,
        models=models,
        results=results,
        cache=cache,
        options=read_training_options(chosen),
        command=shlex.join(["cancernet", *sys.argv[1:]]),
        say=click.echo,
    )
    from cancernet.report.console import table

    click.echo(table(found))
