"""What two limits of `cancernet slide` rest on: how far stains differ among patients, and what passes as tissue.

python benchmarks/slide_limits.py --data DIR [--image FILE --mpp 0.25]

Of each patient with enough patches the distance of the mean colours from those that the shipped model learned from, as
`cancernet slide` measures it; and the share of malignant and benign patches that count as tissue at the strictest
threshold that a slide's own may be clipped to. With an image, its distance too.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from cancernet.common.defaults import PATCH_SIZE
from cancernet.data.pack import default_cache_dir, pack
from cancernet.model.floor import colour_features
from cancernet.model.judge import STAIN_LIMIT, stain_of
from cancernet.model.model import load_model
from cancernet.slide.batch import map_slide
from cancernet.slide.tissue import BLOCK, CHROMA_LIMITS, MIN_TISSUE

LEAST = 20  # patches of a patient


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--mpp", type=float)
    options = parser.parse_args()
    model = load_model()
    data = pack(options.data, cache_dir=default_cache_dir())
    far = []
    for _, rows in data.table[~data.table["near_white"]].groupby("patient"):
        if len(rows) >= LEAST:
            colours = colour_features(data.images, rows.index.to_numpy())
            far.append(stain_of(model.manifest.floor.model, colours).distance)
    print(
        f"stain distance of {len(far)} patients: median {np.median(far):.2f}, 99 % {np.quantile(far, 0.99):.2f}, "
        f"highest {max(far):.2f}; the limit is {STAIN_LIMIT}"
    )
    whole = ~data.table["padded"].to_numpy()
    passes = np.array([tissue(image) >= MIN_TISSUE for image in data.images[whole]])
    label = data.table["label"].to_numpy()[whole]
    print(
        f"of {len(label):,} patches of full size {passes[label == 1].mean():.2%} of the malignant and "
        f"{passes[label == 0].mean():.1%} of the benign are tissue"
    )
    if options.image:
        with tempfile.TemporaryDirectory() as folder:
            found = map_slide(options.image, model, out=folder, mpp=options.mpp, say=lambda _: None)
        [summary] = found.mapped.values()
        print(f"{options.image.name}: stain distance {summary['stain_distance']:.2f}")


def tissue(image: np.ndarray) -> float:
    """Share of a patch's blocks with the chroma that is asked for at the strictest."""
    side = PATCH_SIZE // BLOCK
    means = image.reshape(side, BLOCK, side, BLOCK, 3).mean(axis=(1, 3))
    return float(np.mean(means.max(axis=2) - means.min(axis=2) >= CHROMA_LIMITS[1]))


if __name__ == "__main__":
    main()
