"""Print how trials score, each alone, averaged over the eight turns of a patch, and in pairs.

Call it as `python benchmarks/blend.py results/cv/A.csv results/cv/B.csv`, with files that `cross_validate.py` wrote on
the same folds. A pair is the mean of both logits, as an ensemble of the two would answer. `within` is the mean AUC
inside a patient, weighted by the rarer class: what is left when patients differ in stain but are not compared.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from cancernet.common.errors import UserError
from cancernet.evaluation import patient_bootstrap
from cancernet.evaluation.metrics import auc
from cancernet.model.decide import logit


def within(rows: pd.DataFrame) -> float:
    """Mean AUC inside a patient, weighted by the patches of its rarer class."""
    scores, weights = [], []
    for _, one in rows.groupby("patient"):
        rarer = int(one["label"].value_counts().reindex([0, 1], fill_value=0).min())
        if rarer:
            scores.append(auc(one["label"], one["probability"]))
            weights.append(rarer)
    return float(np.average(scores, weights=weights))


def row(name: str, rows: pd.DataFrame) -> str:
    """A Markdown row: AUC and average precision with intervals over patients, and AUC within patients."""
    found = patient_bootstrap(rows)
    cells = [f"{each.value:.4f} ({each.low:.3f}-{each.high:.3f})" for each in map(found.get, METRICS) if each]
    return f"| {name} | {' | '.join(cells)} | {within(rows):.4f} |"


METRICS = ("auc", "average_precision")


def main() -> None:
    """Print the table of the files named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("trials", type=Path, nargs="+")
    tables = {
        path.stem: pd.read_csv(path, dtype={"patient": "str", "path": "str"}).sort_values("path", ignore_index=True)
        for path in parser.parse_args().trials
    }
    print("| trial | AUC | average precision | AUC within |")
    print("| --- | --- | --- | --- |")
    for name, rows in tables.items():
        print(row(name, rows))
        print(row(f"{name}, eight turns", rows.assign(probability=rows["turned"])))
    for (one, first), (other, second) in combinations(tables.items(), 2):
        if not first["path"].equals(second["path"]):
            raise UserError(f"{one} and {other} were run on other folds")
        mean = (logit(first["probability"]) + logit(second["probability"])) / 2
        print(row(f"{one} and {other}", first.assign(probability=1 / (1 + np.exp(-mean)))))


if __name__ == "__main__":
    main()
