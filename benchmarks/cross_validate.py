"""Cross-validate recipes by patient inside train + val: what every choice of the flagship rests on.

    python benchmarks/cross_validate.py --data DIR --split-file CSV --recipe-file TRIALS.toml RECIPE...

Patients on the test side of the split are not read. Each fold trains on the other folds for the full schedule
(no epoch is chosen) and predicts its own patients. Writes one CSV of predictions and one JSON a recipe.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from cancernet.data.folds import grouped_folds
from cancernet.data.pack import default_cache_dir, pack
from cancernet.data.sides import assign
from cancernet.data.split_lists import split_from_file
from cancernet.evaluation import patient_bootstrap
from cancernet.networks import build_network, trainable_from
from cancernet.recipes import find_recipe, load_recipes
from cancernet.training.batches import patient_weights
from cancernet.training.engine import Examples, fit, predict_logits
from cancernet.training.precision import policy
from cancernet.training.pretrained import find_weights, load_pretrained
from cancernet.training.train import dtype_policy


def turns(images: np.ndarray) -> list[np.ndarray]:
    """Return the eight symmetries of the square of patches (N, side, side, 3)."""
    both = (images, images.transpose(0, 2, 1, 3))
    return [one[:, ::up, ::left] for one in both for up in (1, -1) for left in (1, -1)]


def main() -> None:
    """Cross-validate the recipes named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split-file", type=Path, required=True)
    parser.add_argument("--recipe-file", type=Path)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", type=int, nargs="*", help="train only these folds (a quick trial)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-per-patient", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("results/cv"))
    options = parser.parse_args()

    data = pack(options.data, cache_dir=default_cache_dir())
    side = assign(split_from_file(data.table, options.split_file), data.table).to_numpy()
    developing = np.flatnonzero((side == "train") | (side == "val"))
    table = data.table.iloc[developing]
    fold_of = table["patient"].map(grouped_folds(table, options.folds, options.seed)).to_numpy()
    label = data.table["label"].to_numpy().astype(int)
    for name in options.recipes:
        recipe = find_recipe(name, load_recipes(options.recipe_file))
        recipe = replace(recipe, patience=recipe.epochs)
        parts, started = [], time.perf_counter()
        for fold in options.only or range(options.folds):
            folder = options.out / name / f"fold{fold}"
            keras.utils.set_random_seed(options.seed)
            with dtype_policy(policy(recipe.mixed_precision)):
                network = build_network(recipe.network, input_size=recipe.input_size, dropout=recipe.dropout)
                if recipe.pretrained:
                    load_pretrained(network, find_weights(options.weights))
            trainable_from(network, recipe.train)
            train, held = developing[fold_of != fold], developing[fold_of == fold]
            weight = np.ones(len(train), "float32")
            if recipe.patient_weight == "sqrt":
                weight = patient_weights(data.table["patient"].to_numpy()[train])
            examples = Examples(data.images, train, held, label, weight)
            done = fit(
                network, examples, recipe, seed=options.seed, fingerprint=f"{recipe}{fold}",
                checkpoint=folder / "checkpoint.safetensors", log_dir=folder, keep="last",
            )  # fmt: skip
            images = data.images[held]
            logit = predict_logits(network, images, np.arange(len(held)))
            turned = np.mean(
                [predict_logits(network, t, np.arange(len(held))) for t in turns(images)], axis=0
            )
            rows = data.table.iloc[held][["path", "patient", "x", "y", "label"]]
            rows = rows.assign(
                fold=fold, probability=1 / (1 + np.exp(-logit)), turned=1 / (1 + np.exp(-turned))
            )
            parts.append(rows)
            last = done.history[-1]
            print(
                f"{name} fold {fold}: AUC {last['val_auc']:.4f} AP {last['val_average_precision']:.4f}",
                flush=True,
            )
        found = pd.concat(parts)
        options.out.mkdir(parents=True, exist_ok=True)
        found.to_csv(options.out / f"{name}.csv", index=False)
        result = {
            "recipe": recipe.to_dict(),
            "folds": options.only or list(range(options.folds)),
            "minutes": (time.perf_counter() - started) / 60,
        }
        for column in ("probability", "turned"):
            scored = patient_bootstrap(found.assign(probability=found[column], split="val"))
            result[column] = {key: vars(scored[key]) for key in ("auc", "average_precision")}
        (options.out / f"{name}.json").write_text(json.dumps(result, indent=1))
        print(name, json.dumps({k: result[k] for k in ("minutes", "probability", "turned")}), flush=True)


if __name__ == "__main__":
    main()
