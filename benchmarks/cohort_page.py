"""What a cohort of many slides costs: to collect, to write, and, in a browser, to open, filter and sort.

    python benchmarks/cohort_page.py --slides 10000 --out FOLDER
    python benchmarks/cohort_page.py --slides 10000 --out FOLDER --browser chromium     # needs playwright

Summaries are drawn by a program; they stand for no slide.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cancernet.common.files import write_png
from cancernet.common.output import RECORD, Output
from cancernet.slide import summary
from cancernet.slide.cohort import PAGE, TABLE, mapped_rows, write_cohort

REASON = "no scale in the file; pass --mpp, the um a pixel (usually 0.25 at 40x, 0.5 at 20x)"
REFUSAL = "stained or scanned unlike the patches that the model learned from (1.9 standard deviations, limit 1.5)"
WARNING = "24 px at the right edge are too narrow for a patch and were left out"
TIMES = 5  # each step in the browser; the median is told


def drawn_summary(number: int, draw: np.random.Generator, *, refused: bool) -> dict[str, Any]:
    """Return a summary of a slide that does not exist."""
    patches, odds = int(draw.integers(300, 9000)), float(draw.normal(-2, 1.2))
    unsure = patches if refused else int(patches * draw.beta(1, 60))
    malignant = 0 if refused else int((patches - unsure) / (1 + np.exp(-odds)))
    tissue = patches * 0.04
    return {
        **{"format": summary.FORMAT, "slide": f"case-{number:05}.svs", "path": f"/slides/case-{number:05}.svs"},
        **{"patient": f"P{number // 3:04}", "tissue_mm2": round(tissue, 6), "analysed_mm2": round(tissue * 0.97, 6)},
        **{"malignant_mm2": None if refused else round(malignant * 0.04, 6)},
        **{"malignant_share": None if refused else round(malignant / patches, 6)},
        **{"patches": patches, "patches_malignant": malignant, "patches_unsure": unsure},
        **{"patches_benign": patches - malignant - unsure, "mean_log_odds": None if refused else round(odds, 4)},
        **{"stain_distance": round(float(draw.gamma(8, 0.08)), 3), "stain_limit": 1.47},
        **{"refused": REFUSAL if refused else "", "synthetic": False, "warnings": [WARNING] * (number % 4 == 0)},
        **{"mpp": {"x": 0.2527, "from": "openslide.mpp-x"}, "seconds": {"whole": round(float(draw.gamma(9, 2)), 1)}},
        **{"model": {"name": "drawn", "graph_sha256": "0" * 64}, "alarms": [], "versions": {}, "settings": {}},
    }


def draw_folder(out: Path, slides: int) -> list[tuple[str, str]]:
    """Write folders of slides that do not exist, one of 50 refused; returns those that failed, one of 100."""
    draw = np.random.default_rng(0)
    for number in range(slides):
        folder = out / f"case-{number:05}"
        folder.mkdir(parents=True, exist_ok=True)
        record = {"kind": "slide", "owner": f"/slides/case-{number:05}.svs", "files": [], "format": 1}
        (folder / RECORD).write_text(json.dumps(record))
        made = drawn_summary(number, draw, refused=number % 50 == 7)
        (folder / summary.NAME).write_text(json.dumps(made, indent=1))
        write_png(folder / "thumbnail.png", np.full((32, 32, 3), (200, 120 + number % 100, 180), np.uint8))
    return [(f"slides/lost-{number:05}.svs", REASON) for number in range(slides // 100)]


def timed(what: str, call: Callable[[], Any]) -> Any:
    """Do it, and print how long it took."""
    start = time.perf_counter()
    made = call()
    print(f"{what}: {time.perf_counter() - start:.2f} s")
    return made


IN_THE_BROWSER = """async (times) => {
  const frame = document.getElementById("frame"), words = document.getElementById("words");
  const count = document.getElementById("count"), heads = [...document.querySelectorAll("th[data-key] button")];
  const middle = (all) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)];
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  const measure = async (act) => { const t = performance.now(); act(); await painted(); return performance.now() - t; };
  const filtering = [], sorting = [], jumping = [];
  for (let i = 0; i < times; i++) {
    words.value = i % 2 ? "" : "case-001";
    filtering.push(await measure(() => words.form.dispatchEvent(new Event("change"))));
  }
  words.value = "";
  words.form.dispatchEvent(new Event("change"));
  for (const head of heads) for (let i = 0; i < 2; i++) sorting.push(await measure(() => head.click()));
  for (let i = 1; i <= times; i++)
    jumping.push(await measure(() => { frame.scrollTop = (i / times) * frame.scrollHeight; }));
  return { filter: middle(filtering), "filter, slowest": Math.max(...filtering), sort: middle(sorting),
           "sort, slowest": Math.max(...sorting), "jump to a place": middle(jumping),
           rows: document.querySelectorAll("tbody tr").length, says: count.textContent };
}"""


def in_browser(page: Path, browser: str) -> None:
    """Print first paint, and how long filtering, sorting and scrolling take until the frame is painted."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as control:
        window = control.chromium.launch(executable_path=shutil.which(browser), args=["--no-sandbox"])
        paints = []
        for _ in range(TIMES):
            tab = window.new_page(viewport={"width": 1600, "height": 1000})
            tab.goto(page.resolve().as_uri())
            tab.wait_for_selector("#frame tbody th")
            tab.wait_for_timeout(300)
            paints.append(tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            last = tab
        print(f"first paint: {sorted(paints)[TIMES // 2]:.0f} ms")
        for name, found in last.evaluate(IN_THE_BROWSER, TIMES).items():
            print(f"{name}: {round(found)} ms" if name not in ("rows", "says") else f"{name}: {found}")
        window.close()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--slides", type=int, default=10_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--browser", help="name of Chromium")
    asked = parser.parse_args()
    with Output(asked.out, "slide", names=(PAGE, TABLE)) as output:
        failed = draw_folder(asked.out, asked.slides)
        rows = timed("collect the rows", lambda: mapped_rows(output.folder))
        timed("write table and page", lambda: write_cohort(output, rows, failed))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    print(f"page: {(asked.out / PAGE).stat().st_size / 1e6:.1f} MB; most memory, Python and all: {peak:.2f} GB")
    if asked.browser:
        in_browser(asked.out / PAGE, asked.browser)


if __name__ == "__main__":
    main()
