"""Choose the size that MobileNetV2 sees: frozen features and a linear head, cross-validated by patient.

Call it as `python benchmarks/transfer_size.py --data DIR --split-file CSV --weights FILE`.
Patients on the test side of the split are not read. Prints a row a size: AUC with its interval over patients,
mean over folds, and patches a second.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cancernet.data.folds import grouped_folds
from cancernet.data.pack import pack
from cancernet.data.sides import assign
from cancernet.data.split_lists import split_from_file
from cancernet.evaluation import patient_bootstrap
from cancernet.evaluation.metrics import auc
from cancernet.networks import build_network
from cancernet.training.features import frozen_features
from cancernet.training.pretrained import find_weights, load_pretrained

SIZES = (50, 96, 128, 160)
STRENGTH = 1e-3  # of the head: 1,280 features of some 200 patients want strong regularisation


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split-file", type=Path, required=True)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    data = pack(options.data)
    side = assign(split_from_file(data.table, options.split_file), data.table).to_numpy()
    rows = np.flatnonzero((side == "train") | (side == "val"))
    table = data.table.iloc[rows].reset_index(drop=True)
    label = table["label"].to_numpy().astype(int)
    fold_of = table["patient"].map(grouped_folds(table, options.folds, options.seed)).to_numpy()
    print("| size, px | AUC, all folds (95 % interval) | mean of the folds | patches a second |")
    print("| --- | --- | --- | --- |")
    for size in SIZES:
        network = build_network("mobilenet", input_size=size, dropout=0.0)
        load_pretrained(network, find_weights(options.weights))
        part = keras.Model(network.input, network.get_layer("embedding").output)
        with tempfile.TemporaryDirectory() as cache:
            started = time.perf_counter()
            features = frozen_features(part, data.images, rows, content=data.data_hash, cache=Path(cache))
            rate = len(rows) / (time.perf_counter() - started)
            probability = cross_validate(np.asarray(features), label, fold_of)
        found = patient_bootstrap(pd.DataFrame(table.assign(probability=probability, split="val")))["auc"]
        folds = [auc(label[fold_of == k], probability[fold_of == k]) for k in range(options.folds)]
        interval = f"{found.value:.3f} ({found.low:.3f}-{found.high:.3f})"
        print(f"| {size} | {interval} | {np.mean(folds):.3f} | {rate:,.0f} |", flush=True)


def cross_validate(features: np.ndarray, label: np.ndarray, fold_of: np.ndarray) -> np.ndarray:
    """Return the probability (N,) of each patch from a linear head that did not see its patient."""
    probability = np.empty(len(label))
    for fold in np.unique(fold_of):
        held = fold_of == fold
        head = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=500))
        head.fit(features[~held], label[~held])
        probability[held] = head.predict_proba(features[held])[:, 1]
    return probability


if __name__ == "__main__":
    main()
