"""Cross-validate recipes by patient inside train + val: what every choice of a recipe rests on.

Call it as `python benchmarks/cross_validate.py --data DIR --split-file CSV --recipe-file TRIALS.toml RECIPE...`.
Patients on the test side of the split are not read. Each fold trains on the other folds for the full schedule
(no epoch is chosen) and predicts its own patients. Writes one CSV of predictions and one JSON a recipe.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from cancernet.data.folds import grouped_folds
from cancernet.data.pack import Pack, default_cache_dir, pack
from cancernet.data.sides import assign
from cancernet.data.split_lists import split_from_file
from cancernet.evaluation import patient_bootstrap
from cancernet.model.recipe import Recipe
from cancernet.networks import NETWORKS, trainable_from
from cancernet.training import recipes
from cancernet.training.batches import patient_weights
from cancernet.training.engine import Examples, fit, predict_logits
from cancernet.training.options import TrainingOptions
from cancernet.training.quiet import use_threads
from cancernet.training.recipes import find_recipe, load_recipes
from cancernet.training.restain import patient_stains
from cancernet.training.start import starting_network
from tried import TRIED


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split-file", type=Path, required=True)
    parser.add_argument("--recipe-file", type=Path)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", type=int, nargs="*", help="train only these folds (a quick trial)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("results/cv"))
    return parser.parse_args()


def turns(images: np.ndarray) -> list[np.ndarray]:
    """Return the eight symmetries of the square of patches (N, side, side, 3)."""
    both = (images, images.transpose(0, 2, 1, 3))
    return [one[:, ::up, ::left] for one in both for up in (1, -1) for left in (1, -1)]


def predict_fold(
    recipe: Recipe, data: Pack, train: np.ndarray, held: np.ndarray, folder: Path, options: argparse.Namespace
) -> pd.DataFrame:
    """Train on some rows and return the predictions of the others, as they are and averaged over turns."""
    weight, patient = np.ones(len(train), "float32"), data.table["patient"].to_numpy()[train]
    if recipe.patient_weight == "sqrt":
        weight = patient_weights(patient)
    label = data.table["label"].to_numpy().astype(int)
    stain = patient_stains(data.images, train, patient) if recipe.restain else None
    examples = Examples(data.images, train, held, label, weight, patient, stain)
    training = TrainingOptions(seed=options.seed, weights=options.weights)
    network, _ = starting_network(recipe, Path(), training, examples)
    trainable_from(network, recipe.train)
    fit(
        network,
        examples,
        recipe,
        seed=options.seed,
        fingerprint=f"{recipe}{folder.name}",
        checkpoint=folder / "checkpoint.safetensors",
        log_dir=folder,
        keep="last",
    )
    images = data.images[held]
    every = np.arange(len(held))
    logit = predict_logits(network, images, every)
    turned = np.mean([predict_logits(network, turn, every) for turn in turns(images)], axis=0)
    rows = data.table.iloc[held][["path", "patient", "x", "y", "label"]]
    return rows.assign(fold=folder.name, probability=1 / (1 + np.exp(-logit)), turned=1 / (1 + np.exp(-turned)))


def main() -> None:
    """Cross-validate the recipes named on the command line."""
    options = read_options()
    use_threads(options.threads)
    NETWORKS.update(TRIED)
    recipes.NETWORKS = (*recipes.NETWORKS, *TRIED)
    data = pack(options.data, cache_dir=default_cache_dir())
    side = assign(split_from_file(data.table, options.split_file), data.table).to_numpy()
    developing = np.flatnonzero((side == "train") | (side == "val"))
    table = data.table.iloc[developing]
    fold_of = table["patient"].map(grouped_folds(table, options.folds, options.seed)).to_numpy()
    folds = options.only or list(range(options.folds))
    for name in options.recipes:
        recipe = find_recipe(name, load_recipes(options.recipe_file))
        recipe = msgspec.structs.replace(recipe, patience=recipe.epochs)
        started = time.perf_counter()
        parts = []
        for fold in folds:
            folder = options.out / name / f"fold{fold}"
            train, held = developing[fold_of != fold], developing[fold_of == fold]
            parts.append(predict_fold(recipe, data, train, held, folder, options))
        found = pd.concat(parts)
        found.to_csv(options.out / f"{name}.csv", index=False)
        result = {"recipe": recipe.to_dict(), "folds": folds, "minutes": (time.perf_counter() - started) / 60}
        for column in ("probability", "turned"):
            scored = patient_bootstrap(found.assign(probability=found[column], split="val"))
            result[column] = {key: vars(scored[key]) for key in ("auc", "average_precision")}
        (options.out / f"{name}.json").write_text(json.dumps(result, indent=1))
        print(name, json.dumps({k: result[k] for k in ("minutes", "probability", "turned")}), flush=True)


if __name__ == "__main__":
    main()
