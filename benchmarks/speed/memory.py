"""Peak resident size of commands by number of patches: all their processes together, and what a patch adds."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cancernet.data.pack import pack
from speed.growth import FULL, replicate
from speed.timing import Row, Setup

LIMIT_MB = 4000  # of 8 GiB, half stays for the system and a browser
EVERY = 0.1  # seconds between two looks
SIZES = (5000, 10_000, 20_000)
RECIPES = ("baseline", "transfer", "fine_tuned", "cancernet")  # the other two are networks as the first
JUDGED = "baseline"  # the model that is evaluated and audited; what is held does not depend on the network
PATIENTS = 40  # of the copies
CLI = "import sys; from cancernet.cli import main; sys.exit(main())"


def rows(setup: Setup, *, only: Sequence[str] = ()) -> list[Row]:
    """Run each command at each size, one epoch where it trains, and foretell the whole public set by the slope."""
    found = pack(setup.data, cache_dir=setup.work / "cache")
    peaks: dict[str, dict[int, float]] = {}
    seconds: dict[str, dict[int, float]] = {}
    for size in setup.sizes:
        home = setup.work / f"memory-{size}"
        folder = by_patient(replicate(found, size, home / "copies"), home / "patches")
        for name, command in commands(folder, home, setup.weights).items():
            if only and name not in only:
                continue
            peaks.setdefault(name, {})[size], seconds.setdefault(name, {})[size] = watched(command, home)
            print(f"{name}: {size:,} patches, {peaks[name][size]:,.0f} MB, {seconds[name][size]:.0f} s", flush=True)
    return [row(name, by_size, seconds[name]) for name, by_size in peaks.items()]


def row(name: str, peaks: dict[int, float], seconds: dict[int, float]) -> Row:
    """Return a row: the peak at each size, MB a thousand patches, and what that comes to for the public set."""
    sizes, values = np.array(list(peaks)), np.array(list(peaks.values()))
    slope = float(np.polyfit(sizes, values, 1)[0]) if len(sizes) > 1 else float("nan")
    whole = float(values[-1] + max(slope, 0) * max(0, FULL - sizes[-1]))
    listed = "; ".join(f"{size:,}: {peak:,.0f} MB" for size, peak in peaks.items())
    return Row(
        f"Peak resident size of `{name}`, all processes",
        "-",
        f"under {LIMIT_MB:,} MB at {FULL:,} patches",
        f"{listed}; {1000 * slope:.1f} MB a thousand patches; by that {whole:,.0f} MB at {FULL:,}",
        whole < LIMIT_MB,
        {"peak_mb": peaks, "seconds": seconds, "mb_a_thousand": 1000 * slope, "foretold_mb": whole},
    )


def commands(data: Path, home: Path, weights: str) -> dict[str, list[str]]:
    """Return the commands to watch, by name; each goes on from those before it."""
    models, results = home / "models", home / "results"
    learn = ["--data", str(data), "--epochs", "1", "--weights", weights]
    trained = {f"train {name}": ["train", "--recipe", name, *learn, "--models", str(models)] for name in RECIPES}
    whole = ["run", *learn, "--models", str(home / "all"), "--results", str(results)]  # all anew
    judged = ["--data", str(data), "--model", str(models / JUDGED)]
    return {
        "data check": ["data", "check", str(data)],
        **trained,
        "run": whole,
        "evaluate": ["evaluate", *judged, "--out", str(home / "evaluated")],
        "audit": ["audit", *judged, "--out", str(home / "audited")],
        "compare": ["compare", str(results / "baseline"), str(results / "augmented")],
    }


def watched(arguments: list[str], home: Path) -> tuple[float, float]:
    """Run a command that must succeed; return the peak of all its processes, MB, and the seconds it took."""
    environment = os.environ | {"CANCERNET_CACHE": str(home / "cache")}
    begun, peak = time.perf_counter(), 0.0
    with (home / "said.txt").open("w", encoding="utf-8") as said:
        process = subprocess.Popen([sys.executable, "-c", CLI, *arguments], env=environment, stdout=said, stderr=said)
        while process.poll() is None:
            peak = max(peak, tree_mb(process.pid))
            time.sleep(EVERY)
    if process.returncode not in (0, 1):  # 1: some patches cannot be judged
        raise SystemExit(f"{' '.join(arguments)}: {(home / 'said.txt').read_text('utf-8')[-2000:]}")
    return peak, time.perf_counter() - begun


def tree_mb(root: int) -> float:
    """Return the resident memory of a process and all it started, MB; mapped pages count in each that has them."""
    children: dict[int, list[int]] = {}
    resident: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text("utf-8", "replace")
        except OSError:  # it has ended
            continue
        after = text.rpartition(")")[2].split()  # a name may hold anything, spaces and brackets too
        children.setdefault(int(after[1]), []).append(int(folder.name))
        resident[int(folder.name)] = int(after[21])
    pages, waiting = 0, [root]
    while waiting:
        one = waiting.pop()
        pages += resident.get(one, 0)
        waiting += children.get(one, [])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def by_patient(copies: Path, folder: Path) -> Path:
    """Return a folder with copies of real patches as PATIENT/CLASS/file, dealt out to `PATIENTS`, each on a grid."""
    files = sorted(copies.rglob("*.png"))
    side = int(np.ceil(np.sqrt(len(files) / PATIENTS)))
    for number, path in enumerate(files):
        patient, place, label = f"{20_000 + number % PATIENTS}", number // PATIENTS, path.parent.name
        x, y = 1 + 50 * (place % side), 1 + 50 * (place // side)
        target = folder / patient / label / f"{patient}_idx5_x{x}_y{y}_class{label}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, target)
    return folder


def main() -> None:
    """Measure some commands alone: `python -m speed.memory --data DIR --sizes 100000 --only evaluate`."""
    parser = argparse.ArgumentParser(prog="speed.memory", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", default="none")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--only", action="append", default=[], help="a command, as `train baseline`; repeatable")
    options = parser.parse_args()
    sizes = tuple(int(size) for size in options.sizes.split(","))
    with tempfile.TemporaryDirectory(prefix="cancernet-memory-") as work:
        setup = Setup(options.data, None, options.weights, Path(work), rounds=1, patches=0, sizes=sizes)
        for each in rows(setup, only=options.only):
            print(f"{each.what}: {each.found}")


if __name__ == "__main__":
    main()
