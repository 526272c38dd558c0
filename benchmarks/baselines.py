"""What needs no network trained: scikit-learn on colours, and a linear head on frozen ImageNet features.

Call it as `python benchmarks/baselines.py --data DIR --split-file CSV --weights FILE`.

Each is cross-validated by patient inside train + val, and fitted on the train patients to be scored on the test
patients. Prints a Markdown row a baseline: AUC of both with intervals over patients, and seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cancernet.data.folds import grouped_folds
from cancernet.data.pack import default_cache_dir, pack
from cancernet.data.sides import assign
from cancernet.data.split_lists import split_from_file
from cancernet.evaluation import patient_bootstrap
from cancernet.model.floor import colour_features
from cancernet.networks import build_network
from cancernet.training.batches import patient_weights
from cancernet.training.features import frozen_features
from cancernet.training.pretrained import find_weights, load_pretrained

SIZE = 96  # px that MobileNetV2 sees
Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], object]


def linear(strength: float) -> Fit:
    """Logistic regression on standardised features."""

    def fit(features: np.ndarray, label: np.ndarray, weight: np.ndarray) -> object:
        head = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
        return head.fit(features, label, logisticregression__sample_weight=weight)

    return fit


def boosted(features: np.ndarray, label: np.ndarray, weight: np.ndarray) -> object:
    """Gradient boosting as scikit-learn has it, a little slower to learn."""
    return HistGradientBoostingClassifier(learning_rate=0.05, random_state=1).fit(features, label, weight)


def embedding(weights: str) -> keras.Model:
    """MobileNetV2 up to the mean of its last map."""
    network = build_network("mobilenet", input_size=SIZE, dropout=0.0)
    load_pretrained(network, find_weights(weights))
    return keras.Model(network.input, network.get_layer("embedding").output)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split-file", type=Path, required=True)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    cache = default_cache_dir()
    data = pack(options.data, cache_dir=cache)
    table, every = data.table, np.arange(len(data.table))
    side = assign(split_from_file(table, options.split_file), table).to_numpy()
    label, patient = table["label"].to_numpy().astype(int), table["patient"].to_numpy()
    developing = np.flatnonzero(np.isin(side, ["train", "val"]))
    folds = table["patient"].map(grouped_folds(table.iloc[developing], options.folds, 1)).to_numpy()
    colours = colour_features(data.images)
    frozen = np.asarray(
        frozen_features(embedding(options.weights), data.images, every, content=data.data_hash, cache=cache)
    )
    kinds: dict[str, tuple[np.ndarray, Fit]] = {
        "colour statistics, logistic regression": (colours, linear(1.0)),
        "colour statistics, gradient boosting": (colours, boosted),
        f"frozen MobileNetV2 at {SIZE} px, logistic regression": (frozen, linear(1e-3)),
    }
    print("| baseline | AUC, cross-validated | AUC, test patients | seconds to fit |")
    print("| --- | --- | --- | --- |")
    for name, (features, fit) in kinds.items():

        def predict(train: np.ndarray, held: np.ndarray, features=features, fit=fit) -> np.ndarray:
            return fit(features[train], label[train], patient_weights(patient[train])).predict_proba(features[held])[
                :, 1
            ]

        crossed = np.empty(len(table))
        for fold in range(options.folds):
            held = np.flatnonzero(folds == fold)
            crossed[held] = predict(np.setdiff1d(developing, held), held)
        started = time.perf_counter()
        test = np.flatnonzero(side == "test")
        scored = predict(np.flatnonzero(side == "train"), test)
        seconds = time.perf_counter() - started
        both = auc(table, developing, crossed[developing]), auc(table, test, scored)
        print(f"| {name} | {both[0]} | {both[1]} | {seconds:.1f} |")


def auc(table: pd.DataFrame, rows: np.ndarray, probability: np.ndarray) -> str:
    """AUC of some rows with its interval over patients."""
    found = patient_bootstrap(table.iloc[rows].assign(probability=probability))["auc"]
    return f"{found.value:.3f} ({found.low:.3f}-{found.high:.3f})"


if __name__ == "__main__":
    main()
