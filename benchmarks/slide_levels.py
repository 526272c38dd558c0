"""What it costs to read a slide from a level that was saved with loss.

python benchmarks/slide_levels.py --fields ../shared/data/external/tcga_fields

Fields of 0.5 um/px are laid side by side and saved as pyramids, lossless and as JPEG of several qualities; each is
read from each of its levels and reduced to the model's scale. Differences are to full resolution without loss.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pyvips
from numpy.typing import NDArray

from cancernet.common.defaults import PATCH_SIZE
from cancernet.model.model import Model, load_model
from cancernet.slide.formats import open_slide
from cancernet.slide.scale import Scale
from cancernet.slide.section import plan_reduction, reduced_bands

MPP, SIDE, ACROSS = 0.5, 488, 8  # um/px of a field, px that all have (61 at 4 um/px), fields in a row
QUALITIES = (70, 85, 95)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--fields", type=Path, required=True)
    image, model = mosaic(parser.parse_args().fields), load_model()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        true = log_odds(model, read(save(image, folder / "true.tif"), 0, model.mpp))
        print(f"{len(true)} patches\n| saved as | read at um/px | log odds, mean change | mean size of a change |")
        print("| --- | --- | --- | --- |")
        for quality in (None, *QUALITIES):
            kind = f"JPEG {quality}" if quality else "lossless"
            path = save(image, folder / f"{kind}.tif", pyramid=True, quality=quality)
            for level in range(4):
                change = log_odds(model, read(path, level, model.mpp)) - true
                um = MPP * 2**level
                print(f"| {kind} | {um:g} | {change.mean():+.3f} | {np.abs(change).mean():.3f} |")


def mosaic(folder: Path) -> NDArray[np.uint8]:
    """Return fields side by side, as many as fill whole rows: uint8 RGB."""
    found = [np.asarray(cv2.imread(str(path)))[..., ::-1] for path in sorted(folder.rglob("*.jpg"))]
    whole = [each[:SIDE, :SIDE] for each in found if min(each.shape[:2]) >= SIDE]
    rows = [whole[i : i + ACROSS] for i in range(0, len(whole) - ACROSS + 1, ACROSS)]
    return np.ascontiguousarray(np.concatenate([np.concatenate(row, axis=1) for row in rows]))


def save(image: NDArray[np.uint8], path: Path, *, pyramid: bool = False, quality: int | None = None) -> Path:
    """Save a tiled TIFF."""
    made = pyvips.Image.new_from_memory(image.tobytes(), image.shape[1], image.shape[0], 3, "uchar")
    how = {"compression": "jpeg", "Q": quality} if quality else {"compression": "deflate"}
    made.copy(interpretation="srgb").tiffsave(str(path), tile=True, pyramid=pyramid, **how)
    return path


def read(path: Path, level: int, mpp: float) -> NDArray[np.uint8]:
    """Return a slide at `mpp`, read from one of its levels."""
    reader = open_slide(path, threads=1)
    try:
        reader.levels = reader.levels[: level + 1]
        return np.concatenate(list(reduced_bands(reader, plan_reduction(reader, Scale(MPP, MPP, ""), mpp))))
    finally:
        reader.close()


def log_odds(model: Model, section: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the log odds of the middle patch of each field."""
    side = round(SIDE * MPP / model.mpp)
    off = (side - PATCH_SIZE) // 2
    places = [(y + off, x + off) for y in range(0, section.shape[0], side) for x in range(0, section.shape[1], side)]
    probability = model.predict(np.stack([section[y : y + PATCH_SIZE, x : x + PATCH_SIZE] for y, x in places]))
    return np.asarray(np.log(probability / (1 - probability)), np.float64)


if __name__ == "__main__":
    main()
