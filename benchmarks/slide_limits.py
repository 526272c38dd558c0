"""What passes as tissue in `cancernet slide`.

python benchmarks/slide_limits.py --data DIR

The share of malignant and of benign patches that count as tissue at the strictest threshold that a slide's own may be
clipped to. (Its stain: `judge_limits.py`.)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from cancernet.common.defaults import PATCH_SIZE
from cancernet.data.pack import default_cache_dir, pack
from cancernet.slide.tissue import BLOCK, CHROMA_LIMITS, MIN_TISSUE


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    data = pack(options.data, cache_dir=default_cache_dir())
    whole = ~data.table["padded"].to_numpy()
    passes = np.array([tissue(image) >= MIN_TISSUE for image in data.images[whole]])
    label = data.table["label"].to_numpy()[whole]
    print(
        f"of {len(label):,} patches of full size {passes[label == 1].mean():.2%} of the malignant and "
        f"{passes[label == 0].mean():.1%} of the benign are tissue"
    )


def tissue(image: np.ndarray) -> float:
    """Share of a patch's blocks with the chroma that is asked for at the strictest."""
    side = PATCH_SIZE // BLOCK
    means = image.reshape(side, BLOCK, side, BLOCK, 3).mean(axis=(1, 3))
    return float(np.mean(means.max(axis=2) - means.min(axis=2) >= CHROMA_LIMITS[1]))


if __name__ == "__main__":
    main()
