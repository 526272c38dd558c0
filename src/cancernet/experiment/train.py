"""Train recipes on labelled patches, without scoring them on the test patients. Needs TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from cancernet.common.errors import UserError
from cancernet.common.executor import Executor
from cancernet.common.outlook import Outlook, followed, following
from cancernet.common.output import Output
from cancernet.common.text import utf8
from cancernet.data.layout import Labels
from cancernet.data.pack import Pack, default_cache_dir
from cancernet.data.sides import Split, assign
from cancernet.data.split import SplitChoice
from cancernet.experiment.data import Say, make_split, open_pack
from cancernet.model.model import Model
from cancernet.model.recipe import Recipe
from cancernet.training.costs import foretold
from cancernet.training.options import TrainingOptions
from cancernet.training.recipes import load_recipes, with_parents


def train(
    data: Path | str,
    recipe: str | Sequence[str] = "baseline",
    *,
    recipe_file: Path | None = None,
    models: Path | str = "models",
    labels: Labels | None = None,
    split: SplitChoice | Path | str = "grouped",
    options: TrainingOptions | None = None,
    cache: Path | None = None,
    executor: Executor | None = None,
    say: Say = print,
) -> Model:
    """Train a recipe, or several, into models. Stopped at any point and called again, it continues.

    Args:
        data: folder or zip of labelled patches.
        recipe: name, or names; one that it continues from is trained first where it is missing.
        recipe_file: TOML file with recipes of the user's own.
        models: folder for the models.
        labels: what is to be said of classes and patients that folders and names do not; see `Labels`.
        split: `grouped`, `official`, the path of a CSV, or a `SplitChoice`.
        options: seed and the like.
        cache: folder for packed patches and frozen features; by default the user's cache.
        executor: where the networks of a recipe with `cross_fit` are fitted, which is most of its time; processes of
            this machine by default. `models` and `cache` are folders that it reaches.
        say: where lines for the user go.

    Returns:
        The model of the last recipe, as `load_model(models / NAME)` gives any of them.

    Raises:
        UserError: TensorFlow is not installed, no such recipe, patches that cannot be used or split so, no weights, or
            a place that cannot be written.
    """
    options = options or TrainingOptions()
    names = [recipe] if isinstance(recipe, str) else list(recipe)
    wanted = with_parents(names, load_recipes(recipe_file))
    if executor and not any(each.cross_fit for each in wanted):
        raise UserError(
            f"{', '.join(names)}: one network each, which is not shared out; give each a command of its own"
        )
    check_name(Path(models))
    start_training(options.threads, say)
    cache = cache or default_cache_dir()
    with Output(Path(models), "train", inputs=[Path(data)]) as out:
        packed = open_pack(Path(data), cache, say, labels)
        made = make_split(packed, split, say)
        return train_all(wanted, packed, made, models=out, cache=cache, options=options, executor=executor, say=say)[-1]


def train_all(
    recipes: Sequence[Recipe],
    pack: Pack,
    split: Split,
    *,
    models: Output,
    cache: Path,
    options: TrainingOptions,
    say: Say,
    executor: Executor | None = None,
) -> list[Model]:
    """Train recipes, each after the one it starts from, and say how each went."""
    from cancernet.training.train import train as train_recipe

    trained = []
    outlook = followed() or Outlook(foretold(recipes, pack.table, assign(split, pack.table), options))
    for recipe in recipes:
        say(f"{recipe.name}: {recipe.summary}")
        begun = time.perf_counter()
        with following(outlook), outlook.of(recipe.name):
            model = train_recipe(
                recipe, pack, split, models=models, cache=cache, options=options, say=say, executor=executor
            )
        took = (time.perf_counter() - begun) / 60
        facts, found = model.manifest.training, model.manifest.validation
        assert facts is not None  # of no model that was trained
        assert found is not None
        say(
            f"  {took:.1f} min, best epoch {facts.best_epoch} of {facts.epochs}, validation AUC {found.auc:.3f} "
            f"(colour floor {found.floor_auc:.3f}), operating threshold {model.threshold:.3f}, "
            f"weights: {model.manifest.weights_from}: {model.folder}"
        )
        trained.append(model)
        if len(recipes) > 1:
            say(f"  {outlook}")
    return trained


def training_minutes(model: Model) -> float:
    """Return the minutes that training took, 0 where that is not known."""
    return model.manifest.training.minutes if model.manifest.training else 0.0


def check_name(models: Path) -> None:
    """Refuse a folder that TensorFlow cannot write into.

    Raises:
        UserError: its name is not UTF-8.
    """
    if utf8(str(models.absolute())) != str(models.absolute()):
        raise UserError(f"{models}: its name is not valid UTF-8, which TensorFlow cannot write; give another folder")


def start_training(threads: int, say: Say) -> None:
    """Check that TensorFlow is installed, and start it without its start-up notes.

    Args:
        threads: CPU threads for it; 0 for those this process may use.
        say: where lines for the user go.

    Raises:
        UserError: it is not; says how to install it.
    """
    missing = [name for name in ("keras", "tensorflow", "tf2onnx") if find_spec(name) is None]
    if missing:
        raise UserError(f"training needs {missing[0]}, which is not installed; pip install 'cancernet[train]'")
    from cancernet.training.kernels import choose_kernels
    from cancernet.training.quiet import import_quietly

    choose_kernels(default_cache_dir(), say=say)
    import_quietly(threads)
