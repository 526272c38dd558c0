"""Does what lies around a patch help? Each specimen in turn is left out, everything is chosen on the others.

python benchmarks/context.py --held models/cancernet/out_of_fold.csv --new results/cancernet/predictions.csv

Takes predictions of whole specimens by networks that had not seen them: those of the cross-fit (train and val
patients), and those of the model on its test patients. Prints Markdown tables, a row a specimen: AUC, best F1, F1 at
the threshold of best F1 on the other specimens, and recall and specificity at their threshold for a mean recall of
0.95, of

- alone: each patch by itself;
- 1.2: Gaussian of 1.2 cells, the reference;
- chosen: Gaussian of the width that `fit_context` chooses on the other specimens, as a bundle has it;
- scales: logistic regression on the log odds, those of the colour floor where there are any, and both smoothed at
  several widths;
- network: a small convolutional network over the grid of log odds, with what lies two, four and eight cells away.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from cancernet.common.defaults import TARGET_RECALL
from cancernet.context.grid import to_grid
from cancernet.evaluation.metrics import auc, confusion, rates
from cancernet.evaluation.operating_points import best_f1_threshold
from cancernet.model.decide import logit
from cancernet.training.fit_context import choose_width, even_threshold, smoothed, specimens

COMPLETE = ("8863", "8865", "8867", "8913", "8914", "8917", "8950", "8955", "10253", "10254")
WIDTHS = (0.0, 0.7, 1.2, 2.0, 3.0, 5.0)
REFERENCE = 1.2
EPOCHS, MARGIN = 60, 8

Specimens = dict[str, pd.DataFrame]
Method = Callable[[Specimens, pd.DataFrame], tuple[np.ndarray, np.ndarray]]


def main() -> None:
    """Leave each out, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--held", type=Path, required=True, help="out_of_fold.csv of a cross-fit")
    parser.add_argument("--new", type=Path, required=True, help="predictions.csv of the test patients")
    parser.add_argument("--only", nargs="*", default=COMPLETE, help="specimens to report")
    options = parser.parse_args()
    held = pd.read_csv(options.held, dtype={"patient": "str"})
    new = pd.read_csv(options.new, dtype={"patient": "str"})
    found = specimens(pd.concat([held, new[new["split"] == "test"]]))
    methods: dict[str, Method] = {
        "alone": fixed(0.0),
        "1.2": fixed(REFERENCE),
        "chosen": chosen_width,
        "scales": scales,
        "network": network,
    }
    rows = []
    for name in (name for name in found if name in options.only):
        others = {key: value for key, value in found.items() if key != name}
        rows.append({"specimen": name, "patches": len(found[name])})
        for method, fit in methods.items():
            rows[-1] |= {f"{method} {key}": value for key, value in score(fit, others, found[name]).items()}
        print(
            {key: value if isinstance(value, str) else round(value, 3) for key, value in rows[-1].items()}, flush=True
        )
    report(pd.DataFrame(rows), list(methods), n_dense=len(found))


def score(fit: Method, others: Specimens, rows: pd.DataFrame) -> dict[str, float]:
    """Fit on the others, score on one."""
    odds, odds_of_others = fit(others, rows)
    label = rows["label"].to_numpy()
    label_of_others = np.concatenate([each["label"].to_numpy() for each in others.values()])
    own, frozen = (best_f1_threshold(label, sigmoid(odds)), best_f1_threshold(label_of_others, sigmoid(odds_of_others)))
    names = np.repeat(list(others), [len(each) for each in others.values()])
    target = even_threshold(label_of_others, sigmoid(odds_of_others), names, TARGET_RECALL)
    at_target = rates(*confusion(label, sigmoid(odds), target))
    return {
        "AUC": float(auc(label, odds)),
        "best F1": f1(label, odds, own),
        "F1": f1(label, odds, frozen),
        "recall": float(at_target["recall"]),
        "specificity": float(at_target["specificity"]),
    }


def f1(label: np.ndarray, odds: np.ndarray, threshold: float) -> float:
    """F1 of the malignant class."""
    return float(rates(*confusion(label, sigmoid(odds), threshold))["f1"])


def sigmoid(odds: np.ndarray) -> np.ndarray:
    """From log odds to probabilities."""
    return 0.5 * (1 + np.tanh(odds / 2))


def fixed(sigma: float) -> Method:
    """A Gaussian of that many cells."""
    return lambda others, rows: (
        smoothed(rows, sigma),
        np.concatenate([smoothed(each, sigma) for each in others.values()]),
    )


def chosen_width(others: Specimens, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The Gaussian that is chosen on the others."""
    best, _ = choose_width(others, TARGET_RECALL)
    return fixed(best)(others, rows)


def features(rows: pd.DataFrame) -> np.ndarray:
    """Log odds of the network and of the colour floor at several widths, and of the whole section."""
    columns = [smoothed(rows, width) for width in WIDTHS]
    columns.append(np.full(len(rows), columns[0].mean()))
    if "floor" in rows and rows["floor"].notna().all():
        floor = rows.assign(probability=rows["floor"])
        columns += [smoothed(floor, width) for width in WIDTHS]
    else:
        columns += [np.zeros(len(rows))] * len(WIDTHS)
    return np.stack(columns, axis=1)


def scales(others: Specimens, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regression; each specimen weighs alike."""
    x = [features(each) for each in others.values()]
    weight = np.concatenate([np.full(len(each), 1 / len(each)) for each in x])
    scaler = StandardScaler().fit(np.concatenate(x))
    model = LogisticRegression(C=1.0, max_iter=2000)
    model.fit(
        scaler.transform(np.concatenate(x)),
        np.concatenate([each["label"].to_numpy() for each in others.values()]),
        sample_weight=weight / weight.mean(),
    )
    return (
        model.decision_function(scaler.transform(features(rows))),
        model.decision_function(scaler.transform(np.concatenate(x))),
    )


def network(others: Specimens, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """A convolutional network over the grid; starts as a Gaussian and learns what to add to it."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    grids = {key: planes(each) for key, each in others.items()}
    side = max(max(grid.shape[:2]) for grid in (*grids.values(), planes(rows))) + 2 * MARGIN
    inputs = keras.Input((side, side, 3))  # log odds, smoothed log odds, whether there is a patch
    x = layers.Conv2D(12, 3, padding="same", activation="relu")(inputs)
    for dilation in (2, 4, 8):
        x = layers.Conv2D(12, 3, padding="same", dilation_rate=dilation, activation="relu")(x)
    x = layers.Conv2D(1, 1, kernel_initializer="zeros")(layers.Dropout(0.2)(x))
    model = keras.Model(inputs, x + layers.Conv2D(1, 1, kernel_initializer="ones")(inputs[..., 1:2]))
    model.compile(keras.optimizers.AdamW(3e-3, weight_decay=0.02), keras.losses.BinaryCrossentropy(from_logits=True))
    rng = np.random.default_rng(1)
    for _ in range(EPOCHS):
        made = [turned(grids[key], others[key]["label"].to_numpy(), side, rng) for key in grids]
        x, y, weight = (np.stack(part) for part in zip(*made, strict=True))
        model.fit(x, y, sample_weight=weight, batch_size=4, verbose=0)
    own = predicted(model, planes(rows), side)
    return own, np.concatenate([predicted(model, grid, side) for grid in grids.values()])


def planes(rows: pd.DataFrame) -> np.ndarray:
    """(rows, columns, 4): log odds, smoothed by the reference, whether there is a patch, and its row in the table."""
    x, y = rows["x"].to_numpy(np.int64), rows["y"].to_numpy(np.int64)
    order = to_grid(x, y, np.arange(len(rows)))
    there = order.there
    index = np.where(there, order.values, 0).astype(int)
    odds = [logit(rows["probability"])[index], smoothed(rows, REFERENCE)[index], np.ones(there.shape), index]
    return np.stack([np.where(there, plane, 0) for plane in odds], axis=-1)


def turned(grid: np.ndarray, label: np.ndarray, side: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """One of the eight symmetries, padded to one size; each specimen weighs alike."""
    there = grid[..., 2]
    truth = np.where(there > 0, label[grid[..., 3].astype(int)], 0)
    stack = np.dstack([grid[..., :3], truth, there / there.sum() * 500])
    stack = np.rot90(stack, rng.integers(4))
    stack = stack[:, ::-1] if rng.random() < 0.5 else stack
    whole = np.zeros((side, side, 5), "float32")
    whole[MARGIN : MARGIN + stack.shape[0], MARGIN : MARGIN + stack.shape[1]] = stack
    return whole[..., :3], whole[..., 3:4], whole[..., 4]


def predicted(model: object, grid: np.ndarray, side: int) -> np.ndarray:
    """Log odds in the order of the table, the mean over the eight symmetries."""
    total = np.zeros(grid.shape[:2])
    for k in range(4):
        for flip in (1, -1):
            part = np.rot90(grid[..., :3], k)[:, ::flip]
            whole = np.zeros((1, side, side, 3), "float32")
            inside = (slice(MARGIN, MARGIN + part.shape[0]), slice(MARGIN, MARGIN + part.shape[1]))
            whole[0][inside] = part
            total += np.rot90(model.predict_on_batch(whole)[0, ..., 0][inside][:, ::flip], -k) / 8
    there = grid[..., 2] > 0
    odds = np.empty(int(there.sum()))
    odds[grid[..., 3].astype(int)[there]] = total[there]
    return odds


def report(table: pd.DataFrame, methods: list[str], *, n_dense: int) -> None:
    """Print a row a specimen and the means, with how often a method beats the reference."""
    print(f"\n{n_dense} specimens whose patches lie side by side; each was left out in turn.\n")
    for what in ("AUC", "best F1", "F1", "recall", "specificity"):
        print(f"| {what} | patches | " + " | ".join(methods) + " |\n" + "| --- " * (len(methods) + 2) + "|")
        for _, row in table.iterrows():
            print(
                f"| {row['specimen']} | {row['patches']:,} | "
                + " | ".join(f"{row[f'{m} {what}']:.3f}" for m in methods)
                + " |"
            )
        means = [table[f"{method} {what}"].mean() for method in methods]
        print("| mean | | " + " | ".join(f"{value:.3f}" for value in means) + " |")
        gains = [table[f"{method} {what}"] - table[f"{REFERENCE} {what}"] for method in methods]
        print(
            "| mean gain over 1.2 (specimens better) | | "
            + " | ".join(f"{g.mean():+.3f} ({(g > 0).sum()})" for g in gains)
            + " |\n"
        )


if __name__ == "__main__":
    main()
