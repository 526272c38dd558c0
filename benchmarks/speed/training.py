"""From patches to a model: the transfer, fine-tuning and flagship recipes against plain Keras."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from cancernet.common import defaults
from cancernet.common.defaults import PATCH_SIZE
from cancernet.common.provenance import ONEDNN
from cancernet.data.pack import Pack, pack
from cancernet.data.sides import Split, assign
from cancernet.data.split import grouped_split
from cancernet.data.split_lists import split_from_file
from cancernet.training.options import TrainingOptions
from cancernet.training.recipes import load_recipes
from speed.timing import Row, Setup, alternate, in_process, median, ratio

PLAIN = {ONEDNN: None}  # TensorFlow as it comes
NAIVE_EPOCHS = 5
STEPPED = ("baseline", "fine_tuned", "cancernet")


def rows(setup: Setup) -> list[Row]:
    """Measure fine-tuning and the flagship, each once: minutes of work are not repeated."""
    common, models = _common(setup), str(setup.work / "models")
    if not (setup.work / "models" / "transfer").exists():  # what fine-tuning starts from
        in_process("training:ours", recipe="transfer", epochs=NAIVE_EPOCHS, models=models, **common)
    return [
        fine_tuned_row(common, models),
        flagship_row(common, str(setup.work / "flagship"), epochs=1 if setup.split_file is None else 2),
    ]


def rows_of_transfer(setup: Setup) -> list[Row]:
    """Measure the recipe with a frozen base, once."""
    return [transfer_row(_common(setup), str(setup.work / "models"))]


def _common(setup: Setup) -> dict[str, Any]:
    return {
        "data": str(setup.data),
        "packs": str(setup.work / "cache"),
        "split_file": str(setup.split_file or ""),
        "weights": setup.weights,
        "limit": setup.patches,
    }


def rows_of_kernels(setup: Setup) -> list[Row]:
    """Training steps with TensorFlow's own convolution kernels and with oneDNN's."""
    rounds = [{value: _steps(value) for value in ("0", "1")} for _ in range(setup.rounds)]
    gains = {name: median([each["0"][name] / each["1"][name] for each in rounds]) for name in STEPPED}
    return [
        Row(
            "A training step with the kernels that are chosen here",
            "TensorFlow's own kernels, its default without VNNI instructions",
            "never slower",
            ", ".join(f"{name} {gain:.2f}x" for name, gain in gains.items()),
            min(gains.values()) >= 1,
            {"rounds": rounds},
        )
    ]


def _steps(value: str) -> dict[str, float]:
    found = in_process("training:step_seconds", env={ONEDNN: value})
    return {name: found[name] for name in STEPPED}


def step_seconds() -> dict[str, Any]:
    """Return the median seconds of a step of some recipes on one batch of noise; MobileNetV2 with random weights."""
    from cancernet.training.quiet import import_quietly

    import_quietly()
    from cancernet.networks import build_network, trainable_from
    from cancernet.training.augmentation import build_augmentation
    from cancernet.training.trainer import build_trainer

    found = {}
    for name in STEPPED:
        recipe = load_recipes()[name]
        network = build_network(recipe.network, input_size=recipe.input_size, dropout=recipe.dropout)
        trainable_from(network, recipe.train)
        augmentation = build_augmentation(recipe.augmentation, side=PATCH_SIZE, seed=1)
        trainer = build_trainer(network, recipe, steps=100, augmentation=augmentation)
        rng = np.random.default_rng(1)
        patches = rng.integers(0, 256, (recipe.batch_size, PATCH_SIZE, PATCH_SIZE, 3), dtype=np.uint8)
        label = (rng.random((recipe.batch_size, 1)) < 0.3).astype("float32")
        taken = alternate({"step": lambda t=trainer, p=patches, y=label: t.train_on_batch(p, y)}, 7)["step"]
        found[name] = median(taken)
    return found


def transfer_row(common: dict[str, Any], models: str) -> Row:
    """Five epochs of a new head: the whole recipe against running the frozen base every epoch."""
    naive = in_process("training:plain_fit", env=PLAIN, recipe="transfer", epochs=NAIVE_EPOCHS, models="", **common)
    ours = in_process("training:ours", recipe="transfer", epochs=NAIVE_EPOCHS, models=models, **common)
    gain, pass_seconds = naive["seconds"] / ours["seconds"], ours["pass_seconds"]
    return Row(
        "`transfer`, 5 epochs, whole (features, head, thresholds, export)",
        "Keras `fit` that runs the frozen base every epoch, nothing else",
        "4x as fast at the same AUC; one pass over the data plus seconds",
        f"{gain:.1f}x as fast; AUC {ours['auc']:.3f}, naive {naive['auc']:.3f}; "
        f"{ours['seconds']:.0f} s, of which the pass {pass_seconds:.0f} s",
        gain >= 4 and ours["auc"] >= naive["auc"] - 0.005,
        {"naive": naive, "ours": ours},
    )


def fine_tuned_row(common: dict[str, Any], models: str) -> Row:
    """The whole recipe against plain `fit` of the same layers from the same start."""
    plain = in_process("training:plain_fit", env=PLAIN, recipe="fine_tuned", epochs=0, models=models, **common)
    ours = in_process("training:ours", recipe="fine_tuned", epochs=0, models=models, **common)
    gain = plain["seconds"] / ours["seconds"]
    return Row(
        "`fine_tuned`, whole (training, thresholds, export)",
        "Keras `fit` of the same layers, augmentation and epochs",
        "1.5x as fast at the same AUC",
        f"{gain:.1f}x as fast; AUC {ours['auc']:.3f}, plain {plain['auc']:.3f}",
        gain >= 1.5 and ours["auc"] >= plain["auc"] - 0.005,
        {"plain": plain, "ours": ours},
    )


def flagship_row(common: dict[str, Any], models: str, *, epochs: int) -> Row:
    """The six networks of the cross-fit, whole, against plain `fit` of the same networks one after the other."""
    plain = in_process("training:plain_fit", env=PLAIN, recipe="cancernet", epochs=epochs, models="", **common)
    ours = in_process("training:ours", recipe="cancernet", epochs=epochs, models=models, **common)
    speeds = {name: found["patches"] / found["seconds"] for name, found in (("plain", plain), ("ours", ours))}
    gain = speeds["ours"] / speeds["plain"]
    return Row(
        f"`cancernet`, whole: cross-fit of six networks, {epochs} epochs, thresholds, export",
        "Keras `fit` of the same network, patches a second",
        "1.3x",
        f"{gain:.2f}x ({speeds['ours']:.0f} patches/s, plain {speeds['plain']:.0f})",
        gain >= 1.3,
        {"plain": plain, "ours": ours},
    )


def opened(data: str, packs: str, split_file: str) -> tuple[Pack, Split]:
    """Return the patches and the split that all rows share."""
    found = pack(data, cache_dir=Path(packs))
    if split_file:
        return found, split_from_file(found.table, Path(split_file))
    return found, grouped_split(found.table, seed=defaults.SEED, test_fraction=0.2, val_fraction=0.2)


def ours(
    recipe: str, epochs: int, models: str, data: str, packs: str, split_file: str, weights: str, limit: int
) -> dict[str, Any]:
    """Train a recipe as `cancernet train` does, and score it on the test patients."""
    from cancernet.training.quiet import import_quietly

    import_quietly()
    from cancernet.common.output import Output
    from cancernet.training.train import train

    found, split = opened(data, packs, split_file)
    options = TrainingOptions(limit=limit, weights=weights, epochs=epochs)
    cache = Path(models) / "features"
    cache.mkdir(parents=True, exist_ok=True)
    chosen = load_recipes()[recipe]
    started = time.perf_counter()
    with Output(Path(models), "train") as out:
        model = train(chosen, found, split, models=out, cache=cache, options=options, say=_quiet)
    seconds = time.perf_counter() - started
    test = np.flatnonzero(assign(split, found.table) == "test")
    started = time.perf_counter()
    probability = model.predict(found.images, test)
    pass_seconds = time.perf_counter() - started
    facts, told = model.manifest.training, model.manifest.validation
    learned = facts.n_patches * facts.epochs
    if chosen.cross_fit:
        logs = [Path(models) / recipe / "folds" / f"fold{k + 1}" for k in range(chosen.cross_fit)]
        learned = sum(_learned(folder) for folder in (Path(models) / recipe, *logs))
    passed = facts.n_patches + told.n_patches
    return {
        "seconds": seconds,
        "patches": learned,
        "auc": float(roc_auc_score(found.table["label"].to_numpy()[test], probability)),
        "pass_seconds": pass_seconds * passed / len(test),
    }


def plain_fit(
    recipe: str, epochs: int, models: str, data: str, packs: str, split_file: str, weights: str, limit: int
) -> dict[str, Any]:
    """Train the network of a recipe by `keras.Model.fit` on arrays in memory, and score it on the test patients."""
    from cancernet.training.quiet import import_quietly

    import_quietly()
    import keras

    from cancernet.networks import trainable_from
    from cancernet.training.augmentation import build_augmentation
    from cancernet.training.batches import epoch_size
    from cancernet.training.examples import choose_examples
    from cancernet.training.start import starting_network
    from cancernet.training.trainer import build_trainer

    found, split = opened(data, packs, split_file)
    options = TrainingOptions(limit=limit, weights=weights)
    chosen = load_recipes()[recipe]
    examples = choose_examples(chosen, found, split, options)
    network, _ = starting_network(chosen, Path(models), options, examples)
    trainable_from(network, chosen.train)
    rows = examples.train[: epoch_size(examples.patient, chosen.patient_cap)]
    images, label = np.array(found.images[rows]), examples.label[rows].astype("float32")
    steps = -(-len(rows) // chosen.batch_size)
    augmentation = build_augmentation(chosen.augmentation, side=PATCH_SIZE, seed=1)
    trainer = build_trainer(network, chosen, steps=steps, augmentation=augmentation)  # loss and optimiser are ours
    trainer.average = None  # plain Keras keeps none
    epochs = epochs or chosen.epochs
    started = time.perf_counter()
    trainer.fit(
        images,
        label[:, None],
        sample_weight=examples.weight[: len(rows)],
        batch_size=chosen.batch_size,
        epochs=epochs,
        verbose=0,
    )
    seconds = time.perf_counter() - started
    test = np.flatnonzero(assign(split, found.table) == "test")
    logit = keras.Model(network.input, network.output).predict(found.images[test], batch_size=64, verbose=0)[:, 0]
    return {
        "seconds": seconds,
        "patches": len(rows) * epochs,
        "auc": float(roc_auc_score(found.table["label"].to_numpy()[test], logit)),
    }


def starved(packs: str, data: str, rounds: int, recipes: tuple[str, ...] = ("baseline", "cancernet")) -> dict[str, Any]:
    """Compare steps fed by the pipeline with steps on one batch that is there already."""
    from cancernet.training.quiet import import_quietly

    import_quietly()
    from cancernet.networks import build_network
    from cancernet.training.augmentation import build_augmentation
    from cancernet.training.batches import Batches
    from cancernet.training.trainer import build_trainer

    found = pack(data, cache_dir=Path(packs))
    n = len(found.images)
    cost = {}
    for name in recipes:
        recipe = load_recipes()[name]
        network = build_network(recipe.network, input_size=recipe.input_size, dropout=recipe.dropout)
        trainer = build_trainer(
            network, recipe, steps=100, augmentation=build_augmentation(recipe.augmentation, side=PATCH_SIZE, seed=1)
        )
        batches = Batches(
            found.images,
            np.arange(n),
            found.table["label"].to_numpy("float32"),
            np.ones(n, "float32"),
            batch_size=recipe.batch_size,
            seed=1,
            epoch=0,
            mixup=recipe.mixup,
        )
        fixed = batches[0]

        def steps(batch: Callable[[int], tuple[np.ndarray, ...]], trainer: Any = trainer) -> None:
            for index in range(10):
                inputs, label, weight = batch(index)
                trainer.train_on_batch(inputs, label, sample_weight=weight)

        seconds = alternate(
            {
                "fixed": lambda f=fixed, s=steps: s(lambda _: f),
                "fed": lambda b=batches, s=steps: s(lambda i: b[i % len(b)]),
            },
            rounds,
        )
        cost[name] = ratio(seconds["fed"], seconds["fixed"])
    return {"cost": cost}


def _learned(folder: Path) -> float:
    """Patches that a part of a cross-fit learned from, from its log."""
    import pandas as pd

    log = pd.read_csv(folder / "history.csv")
    return float((log["seconds"] * log["patches_per_second"]).sum())


def _quiet(_: str) -> None:
    return
