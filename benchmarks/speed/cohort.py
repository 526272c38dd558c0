"""Many slides: workers against one process, what kills cost, and memory over thousands of slides.

PYTHONPATH=benchmarks python -m speed --only cohort --slides 200 --tiny 10000
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cancernet.common.files import write_png
from cancernet.common.threads import available_cpus
from cancernet.data.synthetic import draw_section
from speed.slides import SOME_UNSURE, resident_mb
from speed.timing import Row, Setup, alternate, cancernet, median, ratio

SECTION, TINY = (600, 400), (60, 60)  # px at 4 um/px
REACH = 0.9  # of the slides a second of one process, which has all threads to itself
KILLS = 20
MOST_OVERHEAD_MS = 50.0  # a slide
LOOK_S = 1.0  # between two looks at the memory
OK = (0, SOME_UNSURE)  # exit codes
TIMED = ("summary.json", "import.groovy", "cohort.csv", "cohort.html")  # say how long it took, or where it lies


def rows(setup: Setup) -> list[Row]:
    """Measure on drawn slides."""
    folder = drawn(setup.work / "cohort", setup.slides, SECTION)
    found = [workers_row(folder, setup), kills_row(folder, setup)]
    shutil.rmtree(folder)
    empty = glass(setup.work / "tiny", setup.tiny)
    return [*found, many_row(empty, setup), dask_row(empty, setup)]


def drawn(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """Draw so many slides of `size` px into a folder: crops of a few sections."""
    folder.mkdir(parents=True)
    random_one = np.random.default_rng(1)
    width, height = size
    sections = [draw_section(random_one, 3 * height, 3 * width, malignant_share=0.3).image for _ in range(4)]
    for number in range(count):
        section = sections[number % len(sections)]
        y, x = (int(random_one.integers(0, 2 * side + 1)) for side in (height, width))
        write_png(folder / f"{number:05d}.png", section[y : y + height, x : x + width])
    return folder


def glass(folder: Path, count: int) -> Path:
    """Write so many slides of bare glass, and the last of tissue: what a slide costs besides its map is left."""
    drawn(folder, 1, SECTION).joinpath("00000.png").rename(folder / "tissue.png")
    for number in range(count - 1):
        write_png(folder / f"{number:05d}.png", np.full((*TINY, 3), 245, np.uint8))
    return folder


def command(folder: Path, out: Path, *more: str) -> list[str]:
    """Return the command that maps a folder of slides at the model's scale."""
    return [cancernet(), "slide", str(folder), "--mpp", "4", "--out", str(out), *more]


def workers_row(folder: Path, setup: Setup) -> Row:
    """As many workers as CPUs against one process, and whether they write the same."""
    count, cpus = len(list(folder.iterdir())), available_cpus()
    one, many = setup.work / "one", setup.work / "many"

    def run(out: Path, *more: str) -> None:
        shutil.rmtree(out, ignore_errors=True)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        _done(subprocess.run(command(folder, out, *more), check=False, **quiet).returncode)

    ways = {"one": lambda: run(one), "many": lambda: run(many, "--workers", str(cpus))}
    seconds = alternate(ways, setup.rounds, warm_up=False)
    times, differ = ratio(seconds["one"], seconds["many"]), differences(one, many)
    said = f"{times:.2f}x ({median(seconds['one']):.0f} s, {median(seconds['many']):.0f} s); {len(differ)} files differ"
    return Row(
        f"{count} slides on {cpus} local workers",
        f"one process with {cpus} threads",
        f"{REACH}x or more; the same bytes",
        said,
        times >= REACH and not differ,
        {"seconds": seconds, "differ": differ[:20]},
    )


def kills_row(folder: Path, setup: Setup) -> Row:
    """Kill workers, then the whole run, at random moments, and give the same command until it ends."""
    out, whole = setup.work / "killed", setup.work / "one"
    chance, killed, begun = random.Random(1), {"worker": 0, "client": 0}, 0
    while True:
        begun += 1
        process = subprocess.Popen(
            command(folder, out, "--workers", str(available_cpus())),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and sum(killed.values()) < KILLS:
            time.sleep(chance.uniform(1, 6))
            who = "client" if chance.random() < 0.2 else "worker"
            victims = [process.pid] if who == "client" else children(process.pid)
            if victims and process.poll() is None:
                os.kill(chance.choice(victims), signal.SIGKILL)
                killed[who] += 1
        if process.wait() in OK:
            break
    differ = differences(whole, out)
    twice = len(list(out.glob("*-2")))
    return Row(
        f"{sum(killed.values())} kills at random ({killed['worker']} of workers, {killed['client']} of the whole run)",
        "a run that was not killed",
        "the same bytes in the end",
        f"{begun} commands; {len(differ)} files differ, {twice} slides have two folders",
        not differ and not twice,
        {"killed": killed, "commands": begun, "differ": differ[:20]},
    )


def many_row(folder: Path, setup: Setup) -> Row:
    """Thousands of slides with nothing on them: each is read, and refused with a row in the list of errors."""
    out, count = setup.work / "many-tiny", len(list(folder.iterdir()))
    first = watched(command(folder, out, "--workers", str(available_cpus())))
    overhead_ms = 1000 * first["seconds"] / count
    early, late = (float(np.mean(part)) for part in np.array_split(first["client_mb"][2:] or [0.0, 0.0], 2))
    return Row(
        f"{count:,} slides of bare glass in one run",
        "-",
        f"under {MOST_OVERHEAD_MS:.0f} ms a slide; memory of the client flat",
        f"{first['seconds']:.0f} s, {overhead_ms:.1f} ms a slide; client {early:.0f} MB in the first "
        f"half, {late:.0f} MB in the second, peak {max(first['client_mb']):.0f} MB",
        overhead_ms < MOST_OVERHEAD_MS and late < 1.2 * early + 50,
        first,
    )


def dask_row(folder: Path, setup: Setup) -> Row:
    """The same slides on two workers of a Dask scheduler, whose memory is looked at as well."""
    out, count, file = setup.work / "on-dask", len(list(folder.iterdir())), setup.work / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "dask"]
    where = ["--scheduler-file", str(file), "--no-dashboard"]
    scheduler = subprocess.Popen([*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", *where], **quiet)
    workers = ["--nworkers", str(available_cpus()), "--nthreads", "1", "--local-directory", str(setup.work)]
    worker = subprocess.Popen([*dask, "worker", *where, *workers], **quiet)
    try:
        while not file.exists():
            time.sleep(LOOK_S)
        found = watched(command(folder, out, "--scheduler", str(file)), beside=scheduler.pid)
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait()
    early, late = (float(np.mean(part)) for part in np.array_split(found["beside_mb"][2:] or [0.0, 0.0], 2))
    each_ms = 1000 * found["seconds"] / count
    return Row(
        f"{count:,} slides of bare glass on Dask",
        "-",
        f"under {MOST_OVERHEAD_MS:.0f} ms a slide; memory of the scheduler flat",
        f"{found['seconds']:.0f} s, {each_ms:.1f} ms a slide; scheduler {early:.0f} MB in the first half, "
        f"{late:.0f} MB in the second; client peak {max(found['client_mb']):.0f} MB",
        each_ms < MOST_OVERHEAD_MS and late < 1.2 * early + 50,
        found,
    )


def watched(line: Sequence[str], beside: int | None = None) -> dict:
    """Run a command; return its seconds, and the memory of its first process and of one beside, MB, look by look."""
    started, looks, others = time.perf_counter(), [], []
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        looks.append(resident_mb(process.pid, below=False))
        if beside is not None:
            others.append(resident_mb(beside, below=False))
        time.sleep(LOOK_S)
    _done(process.returncode)
    return {"seconds": time.perf_counter() - started, "client_mb": looks, "beside_mb": others}


def children(process: int) -> list[int]:
    """Return the worker processes of a process."""
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, task.read_text("ascii").split()):
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
    return found


def differences(a: Path, b: Path) -> list[str]:
    """Return the files of two folders of results that differ, or are in one alone."""
    files = [
        {
            path.relative_to(place).as_posix(): path
            for path in place.rglob("*")
            if path.is_file() and path.name not in TIMED
        }
        for place in (a, b)
    ]
    names = [name for name in files[0].keys() | files[1].keys() if not Path(name).name.startswith(".")]
    return sorted(
        name
        for name in names
        if not all(name in each for each in files) or files[0][name].read_bytes() != files[1][name].read_bytes()
    )


def _done(code: int) -> None:
    if code not in OK:
        raise SystemExit(f"cancernet slide ended with {code}")
