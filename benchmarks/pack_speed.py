"""How fast patches are packed, against a plain Pillow loop and the limit of raw decoding.

    python benchmarks/pack_speed.py ../shared/data/idc

Prints for each way the best wall time of several rounds (rounds alternate, so that other work on the machine
falls on all alike), patches a second, CPU seconds, and at the end the peak of resident memory while packing.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from cancernet.data.pack import pack
from cancernet.data.scan import scan
from cancernet.data.source import open_source
from cancernet.threads import available_cpus


def pillow_loop(root: str) -> None:
    """What a first script does: open, convert, to an array, one file after the other."""
    for path in sorted(Path(root).rglob("*.png")):
        np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB"))


def raw_decode(contents: list[bytes]) -> None:
    """The limit: nothing but cv2.imdecode of files that are in memory already, on all cores."""
    cv2.setNumThreads(1)

    def some(start: int) -> None:
        for content in contents[start : start + 256]:
            cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)

    with ThreadPoolExecutor(available_cpus()) as pool:
        list(pool.map(some, range(0, len(contents), 256)))


def only_scan(root: str, workers: int) -> None:
    """Read, check, decode and hash, without writing anything."""
    source = open_source(root)
    for _ in scan(source, source.members(), workers=workers):
        pass


def whole_pack(root: str) -> None:
    """The real thing, into an empty cache."""
    cache = Path(tempfile.mkdtemp())
    try:
        pack(root, cache_dir=cache)
    finally:
        shutil.rmtree(cache)


_PEAK = """
import sys
sys.path.insert(0, sys.argv[2])
from pack_speed import resident, whole_pack
before = resident()
whole_pack(sys.argv[1])
print(f"peak of resident memory: {before:.0f} MB after imports, {resident():.0f} MB after packing")
"""


def resident() -> float:
    """Peak of this process's resident memory so far, MB (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    """Run all ways in turn and print the best of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    source = open_source(options.root)
    contents = [source.read(member.path) for member in source.members()]
    n = len(contents)
    ways: dict[str, Callable[[], None]] = {
        "Pillow loop, one thread": lambda: pillow_loop(options.root),
        f"raw cv2.imdecode, {available_cpus()} threads": lambda: raw_decode(contents),
        "scan, 1 thread": lambda: only_scan(options.root, 1),
        f"scan, {available_cpus()} threads": lambda: only_scan(options.root, available_cpus()),
        f"pack, {available_cpus()} threads": lambda: whole_pack(options.root),
    }
    best = dict.fromkeys(ways, (float("inf"), float("inf")))
    for _ in range(options.rounds):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            way()
            taken = (time.perf_counter() - wall, time.process_time() - cpu)
            best[name] = tuple(map(min, best[name], taken))
    for name, (wall, cpu) in best.items():
        print(f"{name:32s} {wall:6.2f} s  {n / wall:8,.0f} patches/s  CPU {cpu:5.2f} s")
    here = str(Path(__file__).parent)
    subprocess.run([sys.executable, "-c", _PEAK, options.root, here], check=True)  # fresh: without the above


if __name__ == "__main__":
    main()
