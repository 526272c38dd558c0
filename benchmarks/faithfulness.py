"""Do the maps show what the model goes by? Blank the cells of most evidence, and random ones, and ask it again.

    python benchmarks/faithfulness.py --data DIR --split-file CSV

On the patches of the test patients of the split, which the model that ships has not seen. A blanked cell takes the mean
colour of its patch. If the maps are faithful, blanking the cells that speak most for malignant lowers the log odds by
more than blanking as many at random, and blanking those that speak most for benign raises them. Means over patches,
95 % intervals by bootstrap over patients (deletion as in Samek et al. 2017).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from cancernet.data.pack import default_cache_dir, pack
from cancernet.data.sides import assign
from cancernet.data.split_lists import split_from_file
from cancernet.model.inference import BATCH
from cancernet.model.model import load_model

SHARE, SAMPLES, SEED = 0.1, 1000, 1  # of the cells blanked; resamples of patients
CHUNK = 16 * BATCH


def blanked(images: np.ndarray, order: np.ndarray, shape: tuple[int, int], share: float) -> np.ndarray:
    """Return patches with the first cells of an order (N, h*w) in the mean colour of their patch."""
    k = max(1, round(share * order.shape[1]))
    chosen = np.zeros(order.shape, bool)
    np.put_along_axis(chosen, order[:, :k], True, axis=1)
    side = images.shape[1]
    at = [np.arange(side) * n // side for n in shape]
    mask = chosen.reshape(-1, *shape)[:, at[0]][:, :, at[1]]
    mean = images.mean((1, 2), keepdims=True).round().astype("uint8")
    return np.where(mask[..., None], mean, images)


def interval(values: np.ndarray, patient: np.ndarray) -> dict[str, float]:
    """Return the mean over patches and its 95 % interval over resampled patients."""
    rng = np.random.default_rng(SEED)
    _, code = np.unique(patient, return_inverse=True)
    total, n = np.bincount(code, values), np.bincount(code)
    draws = rng.integers(0, len(n), (SAMPLES, len(n)))
    low, high = np.quantile(total[draws].sum(1) / n[draws].sum(1), (0.025, 0.975))
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


def main() -> None:
    """Print the change of log odds by what was blanked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split-file", type=Path, required=True)
    options = parser.parse_args()
    model = load_model()
    data = pack(options.data, cache_dir=default_cache_dir())
    rows = np.flatnonzero(assign(split_from_file(data.table, options.split_file), data.table) == "test")
    rng = np.random.default_rng(SEED)
    change: dict[str, list[np.ndarray]] = {"most": [], "random": [], "least": []}
    for start in range(0, len(rows), CHUNK):
        images = np.array(data.images[rows[start : start + CHUNK]])
        evidence = model.explain(images).evidence
        flat = evidence.reshape(len(images), -1)
        orders = {
            "most": np.argsort(-flat, 1),
            "random": rng.random(flat.shape).argsort(1),
            "least": np.argsort(flat, 1),
        }
        for name, order in orders.items():
            after = model.explain(blanked(images, order, evidence.shape[1:], SHARE)).evidence
            change[name].append(after.mean((1, 2)) - evidence.mean((1, 2)))
    table = data.table.iloc[rows]
    patient, label = table["patient"].to_numpy(), table["label"].to_numpy()
    found = {name: np.concatenate(parts) for name, parts in change.items()}
    for name, of in (("all", label >= 0), ("malignant", label == 1), ("benign", label == 0)):
        shown = {each: interval(values[of], patient[of]) for each, values in found.items()}
        shown["most - random"] = interval((found["most"] - found["random"])[of], patient[of])
        shown["least - random"] = interval((found["least"] - found["random"])[of], patient[of])
        n = {"patches": int(of.sum()), "patients": len(np.unique(patient[of]))}
        lower = float((found["most"] < found["random"])[of].mean())
        print(json.dumps({"of": name, **n, "change of log odds": shown, "most below random": lower}, indent=1))


if __name__ == "__main__":
    main()
