"""Are labels that are wrong listed, and what else is? Turn some round and look for them.

    cancernet evaluate --data DIR --out RESULTS
    python benchmarks/doubtful_labels.py --data DIR --results RESULTS

On the patches of the reported split, by the model that ships. A share of the labels, drawn at random, is turned round;
what is listed then and was not before is either one of these or a neighbour's doing. Means over draws, and their range.
What was listed before anything was turned round is counted apart: nobody knows which of it is wrong.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from cancernet.data.pack import Pack, default_cache_dir, pack
from cancernet.evaluation.evaluate import evaluate
from cancernet.evaluation.results import RunResults
from cancernet.experiment.doubts import find_doubts
from cancernet.model.model import Model, load_model

SHARES, DRAWS = (0.01, 0.05), 5  # of the labels turned round; draws of each


def listed(model: Model, data: Pack, rows: pd.DataFrame) -> pd.DataFrame:
    """Return what is listed of predictions, with the labels that they have."""
    metrics = evaluate(rows, model.thresholds, model=model.name, samples=2)
    found = find_doubts(RunResults(title="", metrics=[metrics], predictions={model.name: rows}), [model], data)
    assert found is not None
    return found.table


def main() -> None:
    """Print how many of the labels turned round are listed, and how much of what is new is one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    options = parser.parse_args()
    model, data = load_model(), pack(options.data, cache_dir=default_cache_dir())
    rows = pd.read_csv(options.results / "predictions.csv", dtype={"patient": str}, keep_default_na=False)
    rows = rows[rows["split"] == "test"].reset_index(drop=True)
    rows[["x", "y"]] = rows[["x", "y"]].apply(pd.to_numeric)
    before = listed(model, data, rows)
    known = set(before["path"])
    kinds = before["neighbours"].value_counts().to_dict()
    print(f"{len(rows):,} labels of {rows['patient'].nunique()} patients; listed as they are: {len(known)}, {kinds}")
    for share in SHARES:
        found = []
        for draw in range(DRAWS):
            turned = np.random.default_rng(draw).random(len(rows)) < share
            after = listed(model, data, rows.assign(label=np.where(turned, 1 - rows["label"], rows["label"])))
            new = set(after["path"]) - known
            wrong = set(rows["path"][turned]) - known  # one that was listed, turned round, is doubted no longer
            for kind in ("in place", "alike"):
                of = set(after.loc[after["neighbours"] == kind, "path"]) & new
                found.append((kind, len(of & wrong) / len(wrong), len(of & wrong) / max(len(of), 1), len(of)))
            found.append(("all", len(new & wrong) / len(wrong), len(new & wrong) / max(len(new), 1), len(new)))
        table = pd.DataFrame(found, columns=["neighbours", "of those turned, listed", "of those new, turned", "new"])
        print(f"\n{share:.0%} turned round, {DRAWS} draws:")
        print(table.groupby("neighbours").agg(["mean", "min", "max"]).round(3).to_string())


if __name__ == "__main__":
    main()
