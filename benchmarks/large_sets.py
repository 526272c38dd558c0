"""What large sets may leave out: training patches of a frozen network's head, val patches that choose an epoch.

Call it as `python benchmarks/large_sets.py --data DIR --split-file CSV --weights FILE`. Patients on the test side of
the split are not read. Prints how well the head of `transfer` does on the val patients by how many training patches it
learns from, drawn evenly over patients, and how far average precision on shares of val lies from that on all of it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import keras
import numpy as np

from cancernet.data.pack import pack
from cancernet.data.sampling import limit, stratified
from cancernet.data.split_lists import split_from_file
from cancernet.evaluation.ranking import auc, average_precision
from cancernet.networks import build_network, head_of, trainable_from
from cancernet.training import examples as choosing
from cancernet.training.engine import fit, predict_logits
from cancernet.training.examples import Examples, choose_examples, with_features
from cancernet.training.options import TrainingOptions
from cancernet.training.pretrained import find_weights, load_pretrained
from cancernet.training.recipes import load_recipes

SIZES = (1000, 2000, 4000, 8000)  # and all there are
SEEDS = (1, 2, 3)
SHARES = (0.5, 0.2, 0.1)  # of val
DRAWS = 50  # of each share


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split-file", type=Path, required=True)
    parser.add_argument("--weights", default="imagenet")
    chosen = parser.parse_args()

    data, recipe = pack(chosen.data), load_recipes()["transfer"]
    choosing.MOST_FOR_HEAD = len(data.table)  # which is what is asked here
    options = TrainingOptions(weights=chosen.weights, max_per_patient=0)
    whole = choose_examples(recipe, data, split_from_file(data.table, chosen.split_file), options)
    network = build_network(recipe.network, input_size=recipe.input_size, dropout=recipe.dropout)
    load_pretrained(network, find_weights(chosen.weights))
    trainable_from(network, "head")
    with tempfile.TemporaryDirectory() as folder:
        shown = with_features(network, whole, data.data_hash, Path(folder))
        table, label = data.table.iloc[whole.train], shown.label[shown.val]
        logit = np.empty(0)
        print("| training patches | AUC on val, by seed | average precision | best epoch |")
        print("| ---: | --- | --- | --- |")
        for size in (*SIZES, len(table)):
            aucs, precisions, epochs = [], [], []
            for seed in SEEDS:
                kept = limit(table, size, seed)
                weight, patient = whole.weight[kept], whole.patient[kept]
                some = Examples(shown.inputs, shown.train[kept], shown.val, shown.label, weight, patient)
                keras.utils.set_random_seed(seed)
                head = head_of(build_network(recipe.network, input_size=recipe.input_size, dropout=recipe.dropout))
                place = Path(folder) / f"{size}-{seed}"
                done = fit(
                    head, some, recipe, seed=seed, fingerprint="", checkpoint=place / "c.safetensors", log_dir=place
                )
                logit = predict_logits(head, some.inputs, some.val)
                aucs.append(f"{auc(label, logit_to_share(logit)):.4f}")
                precisions.append(f"{average_precision(label, logit_to_share(logit)):.4f}")
                epochs.append(str(done.best_epoch))
            print(f"| {len(kept):,} | {', '.join(aucs)} | {', '.join(precisions)} | {', '.join(epochs)} |", flush=True)
    of_val, score = data.table.iloc[whole.val], logit_to_share(logit)
    print("\n| share of val | patches | average precision less that of all: standard deviation, largest |")
    print("| ---: | ---: | --- |")
    for share in SHARES:
        drawn = [stratified(of_val, round(share * len(of_val)), seed) for seed in range(DRAWS)]
        gap = [average_precision(label[rows], score[rows]) - average_precision(label, score) for rows in drawn]
        print(f"| {share:g} | {len(drawn[0]):,} | {np.std(gap):.4f}, {np.abs(gap).max():.4f} |")


def logit_to_share(logit: np.ndarray) -> np.ndarray:
    """Return probabilities float64 (N,) of logits."""
    return 1 / (1 + np.exp(-logit.astype(np.float64)))


if __name__ == "__main__":
    main()
