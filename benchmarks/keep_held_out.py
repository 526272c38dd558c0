"""Put the scores of patients held out into a cross-fitted bundle that was trained before bundles kept any.

python benchmarks/keep_held_out.py --held models/cancernet/out_of_fold.csv --model BUNDLE

Writes held_out.safetensors and the manifest anew; a bundle trained now has it. Scores that do not give the bundle's own
threshold are refused.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from msgspec.structs import replace

from cancernet.common.errors import UserError
from cancernet.common.files import write_bytes
from cancernet.context.smooth import by_patient
from cancernet.evaluation.operating_points import recall_threshold
from cancernet.evaluation.scoring import places
from cancernet.model.bundle import MANIFEST, encode_manifest, list_files
from cancernet.model.held_out import held_out_file, read_held_out
from cancernet.model.model import load_model

CLOSE = 1e-6  # between two thresholds; probabilities are float32 in training and text in the file


def main() -> None:
    """Write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--held", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    options = parser.parse_args()
    model = load_model(options.model)
    rows = pd.read_csv(options.held, dtype={"patient": "str"})
    threshold = recall_threshold(rows["label"], rows["probability"], model.manifest.target_recall)
    if abs(threshold - model.threshold) > CLOSE:
        raise UserError(f"{options.held} gives the threshold {threshold:g}, and the model has {model.threshold:g}")
    among, _ = by_patient(model.context, *places(rows), rows["probability"])
    floor, _ = by_patient(model.manifest.floor.context, *places(rows), rows["floor"])
    files = held_out_file(rows["patient"], rows["label"], rows["probability"], among, floor, seed=model.manifest.seed)
    for name, content in files.items():
        write_bytes(options.model / name, content)
    listed = model.manifest.files | list_files(files)
    write_bytes(options.model / MANIFEST, encode_manifest(replace(model.manifest, files=listed)))
    found = read_held_out(load_model(options.model))
    assert found is not None  # it was just written
    print(f"{len(found):,} patches of {found['patient'].nunique()} patients, {sum(map(len, files.values())):,} bytes")


if __name__ == "__main__":
    main()
