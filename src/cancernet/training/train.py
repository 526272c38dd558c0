"""From a recipe, a packed data set and a split to a bundle."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np

from cancernet.common.defaults import PATCH_SIZE
from cancernet.common.executor import Executor
from cancernet.common.output import Output
from cancernet.common.version import __version__
from cancernet.data.pack import Pack
from cancernet.data.sides import Split
from cancernet.model.bundle import MANIFEST
from cancernet.model.model import Model, load_model
from cancernet.model.recipe import Recipe
from cancernet.networks import cut, head_of, trainable_from
from cancernet.training.augmentation import build_augmentation
from cancernet.training.checkpoint import CHECKPOINT, Progress, load_weights
from cancernet.training.costs import pass_cost, step_cost, validation_cost
from cancernet.training.cross_fit import Held, cross_fit
from cancernet.training.engine import Examples, fit, predict_logits
from cancernet.training.examples import choose_examples, with_features
from cancernet.training.finish import finish
from cancernet.training.front import Front
from cancernet.training.options import TrainingOptions
from cancernet.training.quiet import give_back, use_threads
from cancernet.training.start import starting_network


def train(
    recipe: Recipe,
    pack: Pack,
    split: Split,
    *,
    models: Output,
    cache: Path,
    options: TrainingOptions,
    say: Callable[[str], None] = print,
    executor: Executor | None = None,
) -> Model:
    """Train a recipe, or return the bundle of the same run where it was trained before.

    A run that was stopped continues from its last whole epoch. A recipe that starts from another wants
    that one's bundle in `models`.

    Args:
        recipe: what to train.
        pack: the patches.
        split: patients (or, labelled unsafe, patches) of train, val and test; test is not touched.
        models: folder of bundles, open for writing; this one goes to the folder of the recipe's name in it.
        cache: folder for frozen features.
        options: seed and the like.
        say: where lines for the user go.
        executor: where the networks of a cross-fit are fitted; processes of this machine by default.

    Returns:
        The bundle, with thresholds chosen on validation patients.

    Raises:
        UserError: no weights, no bundle to start from, or a side of the split with one class only.
    """
    started = time.perf_counter()
    give_back()  # what another recipe has left
    use_threads(options.threads)
    if options.epochs:
        recipe = msgspec.structs.replace(recipe, epochs=options.epochs)
    examples = choose_examples(recipe, pack, split, options)
    network, weights_from = starting_network(recipe, models.folder, options, examples)
    fingerprint = _fingerprint(recipe, pack, split, options, digest(network.weights), examples)
    out = models.child(recipe.name, owner=recipe.name, exact=True)
    if (done := _finished(out.folder, fingerprint)) is not None:
        say(f"{recipe.name}: already trained on this data and split; using {out.folder}")
        return done
    folder = out.folder
    checkpoint, *_ = (out.path(name) for name in (CHECKPOINT, "history.csv", "tensorboard", "folds"))
    if (folder / MANIFEST).exists():
        say(f"{recipe.name}: the model in {folder} was trained otherwise and is replaced")
    if examples.choose is not None:
        say(
            f"  {len(examples.choose):,} of {len(examples.val):,} val patches, a share of each patient, choose the "
            "epoch; all of them calibration and thresholds"
        )
    trainable_from(network, recipe.train)
    facts: dict[str, Any] = {"weights_from": weights_from, "models": models, "cache": cache, "options": options}
    if recipe.cross_fit:
        progress, held, spent = cross_fit(
            recipe, pack, examples, folder=folder, options=options, fingerprint=fingerprint, say=say, executor=executor
        )
        load_weights(network, progress.best)
        return finish(network, recipe, pack, split, examples, progress, held, seconds=spent, **facts)
    frozen = digest(network.non_trainable_weights) if recipe.train != "all" else ""
    where = {"checkpoint": checkpoint, "log_dir": folder, "fingerprint": fingerprint}
    progress, held, fitting = _fit(network, recipe, pack, examples, cache, options, **where)
    give_back()  # what stood before the network, and what trained it
    if frozen and digest(network.non_trainable_weights) != frozen:
        raise RuntimeError(f"{recipe.name}: frozen weights or batch statistics changed in training")
    outside = time.perf_counter() - started - fitting
    spent = sum(row["seconds"] for row in progress.history) + outside  # of all sessions of a resumed run
    return finish(network, recipe, pack, split, examples, progress, held, seconds=spent, **facts)


def _fit(
    network: keras.Model,
    recipe: Recipe,
    pack: Pack,
    examples: Examples,
    cache: Path,
    options: TrainingOptions,
    **where: Any,
) -> tuple[Progress, Held, float]:
    """Fit a network, its frozen part run apart, and predict the val patients; also say how many seconds it took."""
    learner, shown, front = network, examples, None
    if recipe.train == "head":
        learner, shown = (
            head_of(network),
            with_features(network, examples, pack.data_hash, cache, cost=pass_cost(recipe)),
        )
    elif (parts := cut(network)) is not None:
        lower, learner = parts
        augmentation = build_augmentation(recipe.augmentation, side=PATCH_SIZE, seed=options.seed)
        front = Front(lower, augmentation, threads=options.threads or None)
    begun = time.perf_counter()
    cost = step_cost(recipe), validation_cost(recipe)
    progress = fit(learner, shown, recipe, seed=options.seed, front=front, cost=cost, **where)
    seconds = time.perf_counter() - begun
    logit = predict_logits(learner, shown.inputs, shown.val, front, cost=cost[1])
    return progress, Held(examples.val, logit, np.zeros(len(logit), int)), seconds


def digest(weights: list[keras.Variable]) -> str:
    """Return the SHA-256 over weights, in their order."""
    total = hashlib.sha256()
    for variable in weights:
        total.update(np.array(variable).tobytes())
    return total.hexdigest()


def _fingerprint(
    recipe: Recipe, pack: Pack, split: Split, options: TrainingOptions, start: str, examples: Examples
) -> str:
    """Hash what decides the trained weights."""
    facts = {
        "cancernet": __version__,
        "recipe": recipe.to_dict(),
        "data": pack.data_hash,
        "split": split.hash,
        "seed": options.seed,
        "max_per_patient": options.max_per_patient,
        "limit": options.limit,
        "target_recall": options.target_recall,
        "start": start,
    }
    if examples.choose is not None:  # where all choose, a run of before continues
        facts["choosing"] = len(examples.choose)
    if options.shortened:
        facts["shortened"] = options.shortened
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _finished(folder: Path, fingerprint: str) -> Model | None:
    if not (folder / MANIFEST).exists():
        return None
    model = load_model(folder)
    facts = model.manifest.training
    return model if facts and facts.fingerprint == fingerprint else None
