"""How soon and how much `cancernet serve` answers: one patch, hundreds, and for long beside hostile ones.

    PYTHONPATH=benchmarks:tests python benchmarks/serve_load.py --data DIR [--minutes 10 --out FOLDER]

Prints Markdown, the load of the machine with it. Throughput is a ratio to `cancernet predict` on the same files, both
timed in turn; the soak sends good requests at 0.8 of what the server bore before, hostile ones beside them, and writes
its resident memory over time as `memory.csv` and `memory.png`. Linux.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hostile.asked import TOKEN
from hostile.requests import ALL_REQUESTS
from hostile.wire import judged
from serving.clients import Loads, load, request
from serving.running import Running, running

WHOLE = struct.pack(">II", 50, 50)  # size in the header of a PNG; those at a section's edge may be too small
CLIENTS, WARM = 8, 200
AT_ONCE = 200  # patches of a request, of throughput
ROUNDS = 3
SHARE = 0.8  # of what the server bears, in the soak
EVERY_S = 5.0  # between two looks at the memory
PATIENCE_S = 2.0
WITHIN_S = 30.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of patches")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--files", type=int, default=2000, help="patches for throughput")
    parser.add_argument("--minutes", type=float, default=0.5, help="of the soak; 0 for none")
    parser.add_argument("--out", type=Path, default=Path("serve-load"))
    given = parser.parse_args()
    files = [each for each in sorted(given.data.rglob("*.png")) if each.read_bytes()[16:24] == WHOLE]
    random.Random(1).shuffle(files)
    print("| | |\n| --- | --- |")
    with running(token=TOKEN, patience_s=PATIENCE_S) as server:
        print(f"| start to first answer | {server.seconds:.1f} s |")
        rate = latency(server, files, given.requests)
        throughput(server, files[: given.files])
        if given.minutes:
            soak(server, files, rate * SHARE, given.minutes * 60, given.out)
    print(f"| load average | {os.getloadavg()[0]:.1f} on {os.cpu_count()} |")


def latency(server: Running, files: list[Path], count: int) -> float:
    """Print how long one patch takes, and return requests a second."""
    one = [request([file], TOKEN) for file in itertools.islice(itertools.cycle(files), WARM + count)]
    load(server.port, one[:WARM], clients=CLIENTS)
    found = load(server.port, one[WARM:], clients=CLIENTS)
    middle, late = np.percentile(found.seconds, (50, 99)) * 1000
    print(f"| one patch, {CLIENTS} clients, {count:,} requests: p50, p99 | {middle:.1f} ms, {late:.1f} ms |")
    alone = load(server.port, one[:WARM], clients=1)
    print(f"| one patch, one client: p50, p99 | {_ms(alone, 50)}, {_ms(alone, 99)} |")
    print(f"| requests a second, of one patch | {count / found.wall:.0f}; {found.failed} failed |")
    return count / found.wall


def throughput(server: Running, files: list[Path]) -> None:
    """Print patches a second in requests of hundreds, and by the command line."""
    many = [request(files[start : start + AT_ONCE], TOKEN) for start in range(0, len(files), AT_ONCE)]
    ratios, rates = [], []
    for _ in range(ROUNDS):
        served = load(server.port, many, clients=2)
        rates.append(len(files) / served.wall)
        ratios.append(_predict(files) / served.wall)
    print(f"| patches a second, {AT_ONCE} a request | {np.median(rates):.0f} |")
    print(f"| of what `cancernet predict` does of these files, median of {ROUNDS} | {np.median(ratios):.2f} |")


def soak(server: Running, files: list[Path], rate: float, seconds: float, out: Path) -> None:
    """Send good and hostile requests for a long time, and write how the memory goes."""
    out.mkdir(exist_ok=True)
    over, memory, wrong = threading.Event(), [(0.0, server.megabytes())], list[str]()
    hostile = [case for case in ALL_REQUESTS if "as a field" not in case.name]
    begun, sent = time.perf_counter(), 0

    def harm() -> None:
        nonlocal sent
        for case in itertools.cycle(random.Random(2).sample(hostile, len(hostile))):
            if over.wait(0.2):
                return
            _, why = judged(case, server.port, within_s=WITHIN_S)
            wrong.extend(f"{case.name}: {each}" for each in why)
            sent += 1

    def look() -> None:
        while not over.wait(EVERY_S):
            memory.append((time.perf_counter() - begun, server.megabytes()))

    helpers = [threading.Thread(target=each) for each in (harm, look)]
    for each in helpers:
        each.start()
    bodies = [request([file], TOKEN) for file in files[:200]]
    done, failed, times = 0, 0, list[float]()
    while time.perf_counter() - begun < seconds:
        some = list(itertools.islice(itertools.cycle(bodies), max(1, round(rate * 10))))
        found = load(server.port, some, clients=CLIENTS, rate=rate)
        done, failed = done + len(some), failed + found.failed
        times += found.seconds
    over.set()
    for each in helpers:
        each.join()
    with (out / "memory.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("seconds", "megabytes"), *((f"{a:.0f}", f"{b:.1f}") for a, b in memory)])
    _draw(memory, out / "memory.png", done)
    middle, late = np.percentile(times, (50, 99)) * 1000
    print(f"| soak of {seconds / 60:.1f} min at {rate:.0f} requests a second | {done:,} good, {failed} failed |")
    print(f"| p50, p99 in it | {middle:.1f} ms, {late:.1f} ms |")
    print(f"| hostile requests beside them | {sent}, {len(wrong)} answered other than they should be |")
    print(f"| resident memory: begin, greatest, end | {memory[0][1]:.0f}, {max(m for _, m in memory):.0f}, "
          f"{memory[-1][1]:.0f} MB |")  # fmt: skip
    for each in wrong:
        print(f"NOT AS EXPECTED: {each}", file=sys.stderr)


def _ms(found: Loads, share: int) -> str:
    return f"{np.percentile(found.seconds, share) * 1000:.1f} ms"


def _predict(files: list[Path]) -> float:
    """Return the seconds that `cancernet predict` takes for files beyond what it takes for one, which is its start."""

    def timed(some: list[Path], folder: Path) -> float:
        folder.mkdir()
        for path in some:
            shutil.copy(path, folder)
        begun = time.perf_counter()
        words = [sys.executable, "-c", "from cancernet.cli import main; main()", "predict", str(folder)]
        ended = subprocess.run([*words, "--out", f"{folder}.csv"], check=False, capture_output=True)
        assert ended.returncode in (0, 1), ended.stderr
        return time.perf_counter() - begun

    with tempfile.TemporaryDirectory() as folder:
        return timed(files, Path(folder, "all")) - timed(files[:1], Path(folder, "one"))


def _draw(memory: list[tuple[float, float]], path: Path, done: int) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    axes.plot([a / 60 for a, _ in memory], [b for _, b in memory], color="black")
    axes.axhline(500, color="grey", linestyle="--", label="500 MB")
    axes.set(xlabel="minutes", ylabel="resident memory, MB", ylim=(0, 600), title=f"{done:,} requests")
    axes.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
