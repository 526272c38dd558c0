"""Recipes: what to train and how, as data (`recipes.toml`), checked here."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from cancernet.common.defaults import PATCH_SIZE
from cancernet.common.errors import UserError

CLASS_WEIGHTS = ("none", "balanced")
PATIENT_WEIGHTS = ("none", "sqrt")
SCHEDULES = ("constant", "one_cycle")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # as the schema of a bundle has it
_TYPES: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "tuple[str, ...]": list,
}
AUGMENTATIONS = ("right_angle", "rotation_zoom", "stain", "light_stain", "brightness")


@dataclass(frozen=True)
class Recipe:
    """One approach. Every field but the first three has a plain default.

    Attributes:
        name: what the command line and the results call it.
        summary: one line for people.
        network: a name in `cancernet.networks.NETWORKS`.
        input_size: side in px that the network sees; larger than 50 is upsampled in the graph.
        pretrained: whether the backbone starts from ImageNet weights.
        start_from: the recipe whose trained weights it continues from, or nothing.
        train: `all`, `head`, or the backbone layer to train from.
        class_weight: `none`, or `balanced` (each class weighs as much in the loss).
        patient_weight: `none`, or `sqrt`: a patient with n patches weighs sqrt(n) in all, so that a few whole
            sections do not drown the rest.
        patient_cap: most patches of a patient in one epoch, drawn anew in each; 0 takes all. Whole sections
            then neither drown the rest nor cost what their many like patches would.
        augmentation: names in `AUGMENTATIONS`, applied in this order, in training only.
        epochs: the most passes over the training patches.
        patience: epochs without a better validation average precision before stopping.
        batch_size: patches a step.
        learning_rate: the highest rate of the schedule.
        schedule: `constant`, or `one_cycle` (warm-up over a tenth, then cosine to zero).
        weight_decay: decoupled (AdamW); 0 is plain Adam.
        label_smoothing: 0 to 0.5; moves targets towards one half.
        mixup: parameter of the Beta distribution by which patches are mixed in pairs; 0 mixes none.
        ema: momentum of the moving average of weights that is kept; 0 keeps the weights themselves.
        dropout: share of the last embedding dropped in training.
        mixed_precision: train in 16 bits where the machine is faster for it; what is saved is float32.
        cross_fit: folds of patients whose predictions by networks that never saw them choose the thresholds,
            while the network that ships learns from train and val patients alike; 0 lets val patients choose.
        in_run: whether `cancernet run` trains it unless told which to train.
        keras_file: file beside the bundles to save the model to for plain Keras; empty for none.
    """

    name: str
    summary: str
    network: str
    input_size: int = PATCH_SIZE
    pretrained: bool = False
    start_from: str = ""
    train: str = "all"
    class_weight: str = "none"
    patient_weight: str = "none"
    patient_cap: int = 0
    augmentation: tuple[str, ...] = ()
    epochs: int = 10
    patience: int = 4
    batch_size: int = 64
    learning_rate: float = 1e-3
    schedule: str = "constant"
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    mixup: float = 0.0
    ema: float = 0.0
    dropout: float = 0.5
    mixed_precision: bool = False
    cross_fit: int = 0
    in_run: bool = True
    keras_file: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON data."""
        return {**dataclasses.asdict(self), "augmentation": list(self.augmentation)}


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
        try:
            own = tomllib.loads(extra.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UserError(f"cannot read recipes from {extra}: {error}") from error
        for name, table in own.items():
            changes = isinstance(table, dict) and name in tables and "like" not in table
            tables[name] = {**tables[name], **table} if changes else table
    return {name: _recipe(name, tables) for name in tables}


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

    def add(name: str, waiting: tuple[str, ...]) -> None:
        if name in waiting:
            raise UserError(f"recipes start from each other: {' -> '.join((*waiting, name))}")
        recipe = find_recipe(name, recipes)
        if recipe.start_from:
            add(recipe.start_from, (*waiting, name))
        ordered.setdefault(name, recipe)

    for name in names:
        add(name, ())
    return list(ordered.values())


def _recipe(name: str, tables: dict[str, Any]) -> Recipe:
    fields = _inherited(name, tables, seen=())
    known = {field.name: field for field in dataclasses.fields(Recipe)}
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise UserError(f"recipe {name!r}: unknown field {unknown[0]!r}; fields are: {', '.join(known)}")
    if "network" not in fields:
        raise UserError(f'recipe {name!r}: needs a network, or `like = "..."` naming a recipe that has one')
    fields.setdefault("summary", name)
    try:
        for field, value in fields.items():
            wanted = _TYPES[str(known[field].type)]
            if not isinstance(value, wanted) or (isinstance(value, bool) and known[field].type != "bool"):
                raise ValueError(f"{field} is {value!r}; it must be of type {known[field].type}")
        fields["augmentation"] = tuple(fields.get("augmentation", ()))
        recipe = Recipe(**{**fields, "name": name})
        _check(recipe, tables)
    except ValueError as error:
        raise UserError(f"recipe {name!r}: {error}") from error
    return recipe


def _inherited(name: str, tables: dict[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
    if name in seen:
        raise UserError(f"recipe {name!r} is like itself: {' -> '.join((*seen, name))}")
    if not isinstance(tables.get(name), dict):
        raise UserError(f"recipe {seen[-1] if seen else name!r}: no recipe table is called {name!r}")
    own = dict(tables[name])
    parent = own.pop("like", None)
    if parent is None:
        return own
    inherited = _inherited(str(parent), tables, (*seen, name))
    inherited.pop("keras_file", None)  # two recipes must not write one file
    return {**inherited, **own}


def _check(recipe: Recipe, tables: dict[str, Any]) -> None:
    if not _NAME.fullmatch(recipe.name):
        raise ValueError("a name is made of letters, digits, _, - and ., for it becomes a folder")
    if recipe.keras_file and not (_NAME.fullmatch(recipe.keras_file) and recipe.keras_file.endswith(".h5")):
        raise ValueError(f"keras_file is {recipe.keras_file!r}; it must be a plain file name ending in .h5")
    choices = {"class_weight": CLASS_WEIGHTS, "patient_weight": PATIENT_WEIGHTS, "schedule": SCHEDULES}
    for field, allowed in choices.items():
        if getattr(recipe, field) not in allowed:
            raise ValueError(f"{field} is {getattr(recipe, field)!r}; it can be {', '.join(allowed)}")
    for augmentation in recipe.augmentation:
        if augmentation not in AUGMENTATIONS:
            raise ValueError(
                f"augmentation {augmentation!r} is unknown; there are {', '.join(AUGMENTATIONS)}"
            )
    if recipe.train == "head" and recipe.augmentation:
        raise ValueError("a head learns from features computed once, so it cannot be augmented")
    if recipe.cross_fit == 1 or (recipe.cross_fit and (recipe.start_from or recipe.train != "all")):
        raise ValueError(
            "cross_fit wants 2 folds or more, and a network trained whole that continues no other"
        )
    if recipe.start_from and recipe.start_from not in tables:
        raise ValueError(f"start_from names {recipe.start_from!r}, which is no recipe")
    ranges = {
        "epochs": (1, 10_000),
        "patience": (1, 10_000),
        "batch_size": (1, 65_536),
        "patient_cap": (0, 1_000_000),
        "input_size": (32, 512),
        "learning_rate": (1e-9, 10.0),
        "weight_decay": (0.0, 1.0),
        "label_smoothing": (0.0, 0.5),
        "cross_fit": (0, 100),
        "mixup": (0.0, 10.0),
        "ema": (0.0, 0.99999),
        "dropout": (0.0, 0.95),
    }
    for field, (low, high) in ranges.items():
        if not low <= getattr(recipe, field) <= high:
            raise ValueError(f"{field} is {getattr(recipe, field)}; it must be from {low} to {high}")
