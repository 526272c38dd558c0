"""Give a bundle that was trained before colours were kept those of the patches that it learned from.

python benchmarks/fit_colours.py --data DIR --model BUNDLE

The patients are those that the bundle says it was trained with; their patches must be among the data. Only the manifest
is written anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec
import numpy as np

from cancernet.common.files import write_bytes
from cancernet.data.pack import default_cache_dir, pack
from cancernet.model.bundle import MANIFEST, encode_manifest
from cancernet.model.colours import colour_statistics, fit_colours
from cancernet.model.judge import CHUNK, unseen_rows
from cancernet.model.model import load_model


def main() -> None:
    """Fit, write, and print how far the patches lie."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    options = parser.parse_args()
    model = load_model(options.model)
    data = pack(options.data, cache_dir=default_cache_dir())
    patient = data.table["patient"].to_numpy()
    rows = np.flatnonzero([model.side_of(each) == "train" for each in patient])
    rows = rows[unseen_rows(data.images, rows) == ""]
    chunks = (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
    statistics = np.concatenate([colour_statistics(data.images[chunk]) for chunk in chunks])
    colours = fit_colours(statistics, patient[rows])
    write_bytes(options.model / MANIFEST, encode_manifest(msgspec.structs.replace(model.manifest, colours=colours)))
    far = np.quantile(colours.distance(statistics), (0.5, 0.99, 0.999)).round(2).tolist()
    print(f"{len(rows):,} patches of {len(set(patient[rows]))} patients; distance: median, 99 %, 99.9 %: {far}")


if __name__ == "__main__":
    main()
