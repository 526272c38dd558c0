"""How fast a section is mapped: batches against one patch at a time, in one run, on a drawn section.

    PYTHONPATH=src python benchmarks/slide_speed.py [--width 3750 --height 2500] [--threads N]

A section of 1.5 x 1 cm is 3750 x 2500 px at 4 um/px. It is saved as a tiled pyramid at 1 um/px first.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pyvips

from cancernet.common.threads import available_cpus
from cancernet.data.synthetic import draw_section
from cancernet.model.model import load_model
from cancernet.slide.batch import map_slide
from cancernet.slide.score import cut, judge, positions
from cancernet.slide.section import Section
from cancernet.slide.tissue import MIN_TISSUE, block_means, find_tissue, tissue_share

TILE = (500, 750)  # px; drawn once and repeated: only its amount matters here
ONE_AT_A_TIME = 500  # patches; the rest would take as long each


def main() -> None:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=3750)
    parser.add_argument("--height", type=int, default=2500)
    parser.add_argument("--threads", type=int, default=available_cpus())
    options = parser.parse_args()
    tile = draw_section(np.random.default_rng(1), *TILE, malignant_share=0.3).image
    times = (-(-options.height // TILE[0]), -(-options.width // TILE[1]), 1)
    image = np.ascontiguousarray(np.tile(tile, times)[: options.height, : options.width])
    with tempfile.TemporaryDirectory(prefix="cancernet-slide-") as folder:
        print(json.dumps(measure(image, Path(folder), options.threads)))


def measure(image: np.ndarray, work: Path, threads: int) -> dict[str, float]:
    """Return seconds of the parts, patches a second both ways, and their ratio."""
    height, width = image.shape[:2]
    slide = work / "s.tif"
    made = pyvips.Image.new_from_memory(image.tobytes(), width, height, 3, "uchar")
    made = made.copy(interpretation="srgb", xres=1000, yres=1000).zoom(4, 4)
    made.tiffsave(str(slide), tile=True, pyramid=True, compression="jpeg", Q=90, tile_width=256, tile_height=256)
    model = load_model(threads=threads)
    started = time.perf_counter()
    outcome = map_slide(slide, model, out=work / "out", threads=threads, say=lambda _: None)
    whole = time.perf_counter() - started
    [summary] = outcome.mapped.values()

    (work / "section").write_bytes(image.tobytes())
    section = Section(work / "section", width, height, 1.0, 1.0, (0, 0), 0)
    x, y = positions(width, height, 50)
    keep = tissue_share(find_tissue(block_means(section)).mask, x, y, 50) >= MIN_TISSUE
    x, y = x[keep], y[keep]
    started = time.perf_counter()
    judge(section, x, y, model)
    rates = {"judged": len(x) / (time.perf_counter() - started)}
    for name, chunk, count in (("batches", 512, len(x)), ("one_at_a_time", 1, ONE_AT_A_TIME)):
        model.predict(np.zeros((min(chunk, 32), 50, 50, 3), np.uint8))
        started = time.perf_counter()
        for images in cut(section, x[:count], y[:count], chunk):
            model.predict(images)
        rates[name] = min(count, len(x)) / (time.perf_counter() - started)
    return {
        "patches": summary["patches"],
        "seconds_whole": round(whole, 2),
        **{f"seconds_{name}": value for name, value in summary["seconds"].items()},
        **{f"patches_per_second_{name}": round(rate) for name, rate in rates.items()},
        "ratio": round(rates["batches"] / rates["one_at_a_time"], 2),
        "threads": threads,
    }


if __name__ == "__main__":
    main()
