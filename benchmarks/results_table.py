"""Print the results of a run as a Markdown table: what `docs/results.md` is made of.

python benchmarks/results_table.py results
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

COLUMNS = ("AUC", "average precision", "recall", "specificity", "balanced accuracy", "F1 malignant", "F1 weighted")
AT_THRESHOLD = ("recall", "specificity", "balanced_accuracy", "f1", "f1_weighted")


def cell(value: dict[str, float | None]) -> str:
    """Return `value (low-high)`."""
    if value["value"] is None:
        return "undefined"
    return f"{value['value']:.3f} ({value['low']:.3f}-{value['high']:.3f})"


def row(entry: dict[str, Any], below: list[str], minutes: str) -> str:
    """Return a model's line: scores on the test patients at the target-recall threshold."""
    test = entry["splits"]["test"]
    point = test["operating_points"]["target_recall"]
    values = [test["auc"], test["average_precision"], *(point[name] for name in AT_THRESHOLD)]
    name = entry["model"] + (" *" if entry["model"] in below else "")
    return f"| {name} | {' | '.join(cell(value) for value in values)} | {minutes} |"


def main() -> None:
    """Print the table of the results folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("results", type=Path)
    folder = parser.parse_args().results
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    run = json.loads((folder / "run.json").read_text("utf-8"))
    took = f"; the whole run took {run['minutes']:.0f} minutes" if "minutes" in run else ""
    test = metrics["models"][0]["splits"]["test"]
    print(
        f"{test['n_patches']:,} test patches of {test['n_patients']} patients, {test['prevalence']:.1%} malignant; "
        f"data {run['data_hash'][:12]}, split {run['split_hash'][:12]}, seed {run['seed']}; "
        f"{run['machine']['cpus_used']} CPUs{took}.\n"
    )
    print(f"| model | {' | '.join(COLUMNS)} | minutes |")
    print("| --- |" + " --- |" * (len(COLUMNS) + 1))
    for entry in metrics["models"]:
        minutes = run.get("training_minutes", {}).get(entry["model"])
        print(row(entry, metrics["below_floor"], "" if minutes is None else f"{minutes:.1f}"))


if __name__ == "__main__":
    main()
