"""Recipes: what to train and how, as data (`recipes.toml`), checked here before anything is trained."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from cancernet.common.errors import UserError
from cancernet.common.limits import read_bytes
from cancernet.model.recipe import Name, Recipe

# Names that the networks and augmentations have; here too, so that reading a recipe starts no TensorFlow.
NETWORKS = ("cnn", "compact", "mobilenet")
WITH_BACKBONE = "mobilenet"
BACKBONE_LAYERS = (
    *("Conv1", "expanded_conv_depthwise", "expanded_conv_project", "Conv_1"),
    *(f"block_{block}_{part}" for block in range(1, 17) for part in ("expand", "depthwise", "project")),
)  # those with weights of their own, from which a network can learn on
AUGMENTATIONS = ("right_angle", "rotation_zoom", "stain", "light_stain", "brightness", "sharpness")
MAX_LIKE = 20  # recipes, each like the next
MAX_BYTES = 1_000_000  # of a file of recipes; the built-in ones have 2 kB


def load_recipes(extra: Path | None = None) -> dict[str, Recipe]:
    """Read the built-in recipes and, over them, those of a user's file.

    Args:
        extra: a TOML file with a table a recipe, or nothing. A table with the name of a built-in recipe
            changes the fields it gives, or with `like` replaces the recipe.

    Returns:
        Recipes by name, in the order of the files.

    Raises:
        UserError: a file that cannot be read, or a recipe that makes no sense; says which and why.
    """
    tables = tomllib.loads(resources.files("cancernet.training").joinpath("recipes.toml").read_text("utf-8"))
    if extra is not None:
        content = read_bytes(extra, "recipes from", MAX_BYTES)
        try:
            own = tomllib.loads(content.decode())  # UTF-8 and no other, says the standard
        except (ValueError, RecursionError) as error:
            raise UserError(f"cannot read recipes from {extra}: {error}") from error
        for name, table in own.items():
            changes = isinstance(table, dict) and name in tables and "like" not in table
            tables[name] = {**tables[name], **table} if changes else table
    recipes = {name: _recipe(name, tables) for name in tables}
    for recipe in recipes.values():
        _check_start(recipe, recipes)
    return recipes


def find_recipe(name: str, recipes: dict[str, Recipe]) -> Recipe:
    """Return the recipe of that name.

    Raises:
        UserError: there is none; lists those there are.
    """
    if name not in recipes:
        raise UserError(f"no recipe is called {name!r}; there are: {', '.join(recipes)}")
    return recipes[name]


def with_parents(names: Iterable[str], recipes: dict[str, Recipe]) -> list[Recipe]:
    """Return the recipes of these names, each after the one it starts from, which is added if missing.

    Raises:
        UserError: there is no recipe of a name, or recipes start from each other in a circle.
    """
    ordered: dict[str, Recipe] = {}
    for name in names:
        line: list[str] = []
        current = name
        while current and current not in ordered:
            if current in line:
                raise UserError(f"recipes start from each other: {' -> '.join([*line, current])}")
            line.append(current)
            current = find_recipe(current, recipes).start_from
        for each in reversed(line):
            ordered[each] = recipes[each]
    return list(ordered.values())


def _recipe(name: str, tables: dict[str, Any]) -> Recipe:
    fields = _inherited(name, tables)
    known = [field for field in Recipe.__struct_fields__ if field != "name"]  # which is that of its table
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise UserError(f"recipe {name!r}: unknown field {unknown[0][:60]!r}; fields are: {', '.join(known)}")
    if "network" not in fields:
        raise UserError(f'recipe {name!r}: needs a network, or `like = "..."` naming a recipe that has one')
    try:
        recipe = msgspec.convert({"summary": name, **fields, "name": name}, Recipe)
        msgspec.convert(name, Name)  # it becomes a folder
        _check(recipe)
    except (msgspec.ValidationError, ValueError) as error:
        raise UserError(f"recipe {name!r}: {error}") from error
    return recipe


def _inherited(name: str, tables: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a recipe and of those it is like."""
    line: list[str] = []
    fields: dict[str, Any] = {}
    current: str | None = name
    while current is not None:
        if current in line:
            raise UserError(f"recipe {name!r} is like itself: {' -> '.join([*line, current])}")
        if not isinstance(tables.get(current), dict):
            some = ", ".join([each for each, table in tables.items() if isinstance(table, dict)][:10])
            where = line[-1] if line else name
            raise UserError(f"recipe {where!r}: no recipe table is called {current[:60]!r}; there are: {some}")
        if len(line) > MAX_LIKE:
            raise UserError(f"recipe {name!r} is like a recipe that is like another, over {MAX_LIKE} times")
        own = dict(tables[current])
        parent = own.pop("like", None)
        if line:
            own.pop("keras_file", None)  # two recipes must not write one file
        fields = {**own, **fields}
        line.append(current)
        current = None if parent is None else str(parent)
    return fields


def _check(recipe: Recipe) -> None:
    if recipe.network not in NETWORKS:
        raise ValueError(f"network is {recipe.network!r}; it can be {', '.join(NETWORKS)}")
    layers = BACKBONE_LAYERS if recipe.network == WITH_BACKBONE else ()
    if recipe.train not in ("all", "head", *layers):
        some = ", or a layer of its backbone with weights, as block_6_expand" if layers else ""
        raise ValueError(f"train is {recipe.train!r}; of {recipe.network} it can be all or head{some}")
    for augmentation in recipe.augmentation:
        if augmentation not in AUGMENTATIONS:
            raise ValueError(f"augmentation {augmentation!r} is unknown; there are {', '.join(AUGMENTATIONS)}")
    if recipe.train == "head" and (recipe.augmentation or recipe.restain or recipe.jpeg):
        raise ValueError("a head learns from features computed once, so its patches cannot be changed")
    if recipe.pretrained and recipe.network != WITH_BACKBONE:
        raise ValueError(f"pretrained weights are of {WITH_BACKBONE}, not of {recipe.network}")
    if recipe.cross_fit == 1 or (recipe.cross_fit and (recipe.start_from or recipe.train != "all")):
        raise ValueError("cross_fit wants 2 folds or more, and a network trained whole that continues no other")


def _check_start(recipe: Recipe, recipes: dict[str, Recipe]) -> None:
    """Refuse a recipe that could not continue from the one it names, before any is trained."""
    if not recipe.start_from:
        return
    if recipe.start_from not in recipes:
        raise UserError(f"recipe {recipe.name!r}: start_from names {recipe.start_from[:60]!r}, which is no recipe")
    parent = recipes[recipe.start_from]
    if (parent.network, parent.input_size) != (recipe.network, recipe.input_size):
        raise UserError(
            f"recipe {recipe.name!r}: start_from names {parent.name!r}, which is of another network or input_size"
        )
