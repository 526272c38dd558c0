"""`cancernet recipes`."""

from __future__ import annotations

from pathlib import Path

import click

from cancernet.cli.options import recipe_file_option


@click.command()
@recipe_file_option
def command(recipe_file: Path | None) -> None:
    """List the recipes, and how to add one."""
    from cancernet.training.recipes import load_recipes

    recipes = load_recipes(recipe_file)
    width = max(len(name) for name in recipes)
    for name, recipe in recipes.items():
        details = [recipe.network, f"{recipe.input_size} px", f"{recipe.epochs} epochs at most"]
        if recipe.start_from:
            details.append(f"continues from {recipe.start_from}")
        click.echo(f"{name:<{width}}  {recipe.summary}\n{'':<{width}}  ({', '.join(details)})")
    click.echo("\nA TOML file given with --recipe-file adds recipes or changes these, for example:\n")
    click.echo('    [longer]\n    like = "augmented"\n    epochs = 40')
