"""Give the colour floor of a cross-fitted bundle its surroundings, where it was trained before floors had any.

python benchmarks/fit_floor_context.py --held models/cancernet/out_of_fold.csv --model BUNDLE

Only the manifest is written anew; a bundle trained now has it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from msgspec.structs import replace

from cancernet.common.files import write_bytes
from cancernet.model.bundle import MANIFEST, encode_manifest
from cancernet.model.model import load_model
from cancernet.training.fit_context import fit_context


def main() -> None:
    """Fit, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--held", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    options = parser.parse_args()
    manifest = load_model(options.model).manifest
    rows = pd.read_csv(options.held, dtype={"patient": "str"})
    threshold, target = manifest.floor.thresholds.target_recall, manifest.target_recall
    context = fit_context(rows.assign(probability=rows["floor"]), threshold=threshold, target_recall=target)
    floor = replace(manifest.floor, context=context)
    write_bytes(options.model / MANIFEST, encode_manifest(replace(manifest, floor=floor)))
    print(context)


if __name__ == "__main__":
    main()
