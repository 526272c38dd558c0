"""Make docs/pictures/synthetic.png: the head of a report beside the map of a specimen, both of the synthetic sample.

    cancernet run --recipe class_weighted --recipe augmented --weights none     # on the sample; some minutes
    cancernet map ~/.cache/cancernet/sample --model models/class_weighted --out maps --patient S013
    python docs/make_picture.py results maps/S013     # needs Chromium

Only synthetic results are taken, so that no picture of real tissue gets into the repository.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

OUT = Path(__file__).parent / "pictures" / "synthetic.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WINDOW = (900, 690)  # px; ends above the tables, which are too wide to show
HEIGHT, GAP = 640, 24  # px
COLOURS = 256  # of the palette: a third of the bytes, and no difference to be seen


def screenshot(page: Path, *, width: int, height: int) -> np.ndarray:
    """Return the head of a page as a picture, uint8 (height, width, 3) BGR."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        sys.exit("Chromium is not installed")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "page.png"
        command = [browser, "--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={width},{height}"]
        subprocess.run([*command, f"--screenshot={target}", page.resolve().as_uri()], check=True, capture_output=True)
        return cv2.imread(str(target))


def fit(picture: np.ndarray) -> np.ndarray:
    """Return a picture at the common height."""
    width = round(picture.shape[1] * HEIGHT / picture.shape[0])
    return cv2.resize(picture, (width, HEIGHT), interpolation=cv2.INTER_AREA)


def main(results: Path, specimen: Path) -> None:
    """Write the picture."""
    from PIL import Image

    if not json.loads((results / "metrics.json").read_text("utf-8"))["synthetic"]:
        sys.exit(f"{results} is not of the synthetic sample")
    if not specimen.name.startswith("S"):
        sys.exit(f"{specimen} is no specimen of the synthetic sample")
    parts = [
        screenshot(results / "report.html", width=WINDOW[0], height=WINDOW[1]),
        cv2.imread(str(specimen / "map.png")),
    ]
    gap = np.full((HEIGHT, GAP, 3), 255, np.uint8)
    both = np.hstack([fit(parts[0]), gap, fit(parts[1])])
    OUT.parent.mkdir(exist_ok=True)
    Image.fromarray(both[..., ::-1].copy()).quantize(COLOURS, dither=Image.Dither.NONE).save(OUT, optimize=True)
    print(f"{OUT}: {both.shape[1]}x{both.shape[0]} px, {OUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
