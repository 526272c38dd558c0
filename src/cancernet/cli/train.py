"""`cancernet train`."""

from __future__ import annotations

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


@click.command()
@click.option("--recipe", "names", multiple=True, required=True, help="Recipe to train; repeat for several.")
@click.option("--data", type=PATH, required=True, help="Folder or zip of labelled patches.")
@click.option("--models", type=PATH, default=Path("models"), show_default=True, help="Folder for the models.")
@split_options
@training_options
@cache_option
def command(names: tuple[str, ...], data: Path, models: Path, cache: Path | None, **chosen: Any) -> None:
    """Train recipes into models, without scoring them on the test patients.

    A recipe that continues from another trains that one first where it is missing. Stopped at any point
    and started again with the same command, it continues.
    """
    require_training(chosen["threads"])
    from cancernet.data.pack import default_cache_dir
    from cancernet.training.recipes import load_recipes, with_parents

    recipes = with_parents(names, load_recipes(chosen["recipe_file"]))
    pack = open_pack(data, cache)
    split = make_split(pack, chosen)
    from cancernet.training.train import train

    for recipe in recipes:
        click.echo(f"{recipe.name}: {recipe.summary}")
        bundle = train(
            recipe,
            pack,
            split,
            models=models,
            cache=cache or default_cache_dir(),
            options=read_training_options(chosen),
            say=click.echo,
        )
        found = bundle.manifest["validation"]
        click.echo(
            f"  validation AUC {found['auc']:.3f} (colour floor {found['floor_auc']:.3f}), "
            f"operating threshold {bundle.threshold:.3f}, "
            f"{bundle.manifest['training']['minutes']:.1f} min: {bundle.folder}"
        )
