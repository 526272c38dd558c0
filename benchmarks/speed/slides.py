"""Whole slides: reading their pixels alone against all of `cancernet slide`, memory, and mm2 of tissue a second."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cancernet.common.threads import available_cpus
from cancernet.model.inference import BATCH, open_session
from cancernet.model.model import load_model
from speed import resnet
from speed.timing import Row, Setup, alternate, cancernet, median, ratio

SECTION, SMALL_SECTION = (3750, 2500), (750, 500)  # px at 4 um/px: 1.5 cm x 1 cm, and a 25th of it
SMALL_SIZES = 1200  # a table of growth up to so many patches is the one of the synthetic sample
REACH = 1.3  # times reading the pixels alone
MOST_MB = 1000  # resident, all processes together
SOME_UNSURE = 1  # exit code where not every patch could be judged
POLL = 0.05  # s from one look at the memory to the next
PEER_PATCHES = 16  # of ResNet-34 in a round; a batch each half
PEER_BATCH = 8


@dataclass(frozen=True)
class Case:
    """A way in which a slide is kept: a name, its levels (None: all), um/px, and what of it is read, in words."""

    name: str
    levels: tuple[int, ...] | None
    mpp: float
    read: str


CASES = (
    Case("full", (0,), 0.25, "full resolution alone"),
    Case("three", (0, 2, 4), 0.2527, "levels 1, 4, 16 at 0.2527 um/px, read at 4"),
    Case("pyramid", None, 0.25, "a whole pyramid, read at 4"),
)


def rows(setup: Setup) -> list[Row]:
    """Measure each case, and the model against the nearest peer's."""
    from speed.slide_file import keep_levels, write_slide

    width, height = SMALL_SECTION if max(setup.sizes) <= SMALL_SIZES else SECTION
    whole = write_slide(setup.work / "pyramid.svs", width, height)
    found, rates = [], {}
    for case in CASES:
        slide = keep_levels(whole, setup.work / f"{case.name}.svs", case.levels) if case.levels else whole
        row = slide_row(case, slide, setup)
        rates[case.name] = row.figures["tissue_mm2"] / median(row.figures["seconds"]["whole"])
        found.append(row)
        if slide != whole:
            slide.unlink()
    return [*found, peer_row(setup.rounds, rates)]


def slide_row(case: Case, slide: Path, setup: Setup) -> Row:
    """Reading a slide's pixels alone, and mapping it, in turn."""
    out, threads = setup.work / "mapped", available_cpus()
    peaks: list[float] = []
    stages: list[dict[str, float]] = []
    tissue = patches = 0.0

    def mapped() -> None:
        nonlocal tissue, patches
        subprocess.run(["rm", "-rf", str(out)], check=True)
        command = [cancernet(), "slide", str(slide), "--mpp", str(case.mpp), "--out", str(out)]
        peaks.append(watched([*command, "--threads", str(threads)]))
        summary = json.loads((out / slide.stem / "summary.json").read_text("utf-8"))
        stages.append(summary["seconds"])
        tissue, patches = summary["tissue_mm2"], summary["patches"]

    ways = {"pixels": lambda: read_alone(slide, case.mpp, threads), "whole": mapped}
    seconds = alternate(ways, setup.rounds, warm_up=False)
    times, peak = ratio(seconds["whole"], seconds["pixels"]), max(peaks)
    parts = {name: median([each[name] for each in stages]) for name in stages[0]}
    told = ", ".join(f"{name} {value:.1f}" for name, value in parts.items() if name != "whole")
    return Row(
        f"`cancernet slide`, from the shell, {megapixels(slide)}: {case.read}",
        "reading the pixels of that level alone, same reader and threads",
        f"{REACH}x; under {MOST_MB:,} MB",
        f"{times:.2f}x: {median(seconds['whole']):.1f} s against {median(seconds['pixels']):.1f} s (at work, s: "
        f"{told}); peak {peak:.0f} MB; {patches:,.0f} patches",
        times <= REACH and peak < MOST_MB,
        {"seconds": seconds, "stages": stages, "peak_mb": peaks, "tissue_mm2": tissue, "patches": patches},
    )


def megapixels(slide: Path) -> str:
    """Return how large a slide is, in words."""
    import openslide

    with openslide.OpenSlide(str(slide)) as opened:
        width, height = opened.dimensions
    return f"{width:,} x {height:,} px, {slide.stat().st_size / 1e9:.2f} GB"


def read_alone(slide: Path, mpp: float, threads: int) -> None:
    """Decode the level that a map is made from, by the reader that it is made with, and drop the pixels."""
    from cancernet.slide.formats import open_slide
    from cancernet.slide.section import BAND_PIXELS, FINER, choose_level

    reader = open_slide(slide, threads=threads)
    factor = load_model().mpp / mpp / FINER
    number = choose_level(reader.levels, factor, factor)
    level = reader.levels[number]
    band = max(1, BAND_PIXELS // level.width // level.tile[1]) * level.tile[1]
    for top in range(0, level.height, band):
        reader.read(number, 0, top, level.width, min(band, level.height - top))
    reader.close()


def watched(command: list[str]) -> float:
    """Run `cancernet slide`, which must map its slide; return the most that it and its children held at once, MB."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0.0
    while child.poll() is None:
        peak = max(peak, resident_mb(child.pid))
        time.sleep(POLL)
    if child.returncode not in (0, SOME_UNSURE):
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return peak


def resident_mb(process: int, *, below: bool = True) -> float:
    """Return the resident memory of a process, and of all below it or not, MB; 0 for one that has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
        children = [
            int(child)
            for task in Path(f"/proc/{process}/task").iterdir()
            for child in (task / "children").read_text("ascii").split()
            if below
        ]
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20) + sum(map(resident_mb, children))


def peer_row(rounds: int, rates: dict[str, float]) -> Row:
    """mm2 of tissue a second: our model, and a ResNet-34 on 350 px at 0.25 um/px, in the same runtime."""
    threads = available_cpus()
    ours, theirs = load_model(threads=threads), open_session(peer_graph(), threads=threads)
    random = np.random.default_rng(1)
    patches = random.integers(0, 256, (16 * BATCH, ours.size_px, ours.size_px, 3), dtype=np.uint8)
    large = random.integers(0, 256, (PEER_BATCH, resnet.SIDE, resnet.SIDE, 3), dtype=np.uint8)

    def peer() -> None:
        for _ in range(0, PEER_PATCHES, PEER_BATCH):
            theirs.run(None, {theirs.get_inputs()[0].name: large})

    seconds = alternate({"ours": lambda: ours.predict(patches), "peer": peer}, rounds)
    own_mm2 = len(patches) * (ours.size_px * ours.mpp / 1000) ** 2
    own, other = own_mm2 / median(seconds["ours"]), PEER_PATCHES * resnet.SQUARE_MM / median(seconds["peer"])
    times = ratio(seconds["peer"], seconds["ours"]) * own_mm2 / (PEER_PATCHES * resnet.SQUARE_MM)
    whole = ", ".join(f"{name} {rate:.2f}" for name, rate in rates.items())
    return Row(
        "Tissue a second: the shipped model, 50 px at 4 um/px",
        "ResNet-34 on 350 px at 0.25 um/px (what WSInfer runs for breast tumours; random weights), ONNX Runtime, "
        "same threads; the model alone",
        "more",
        f"{own:.1f} mm2/s against {other:.3f} ({times:,.0f}x); ours from file to GeoJSON: {whole} mm2/s",
        times > 1,
        {"seconds": seconds, "ours_mm2_s": own, "peer_mm2_s": other, "times": times, "whole_mm2_s": rates},
    )


def peer_graph() -> bytes:
    """Return the peer's graph, made in a process of its own: TensorFlow would keep threads and memory here."""
    code = "import sys; from speed import resnet; sys.stdout.buffer.write(resnet.graph())"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, env=environment)
    return ended.stdout
