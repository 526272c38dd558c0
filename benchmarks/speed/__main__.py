"""Measure every row and write the table: `make bench`, or `make bench DATA=DIR FLAGS="..."`.

On the synthetic sample it shows that all of it runs; only real patches say how fast it is on tissue.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import shutil
import tempfile
import time
from pathlib import Path

from cancernet.common.provenance import machine, versions
from cancernet.data.pack import default_cache_dir
from cancernet.data.sample import write_sample
from cancernet.training.kernels import choose_kernels
from speed import cohort, growth, inference, memory, patches, scaling, slides, training, whole
from speed.timing import Row, Setup

PARTS = {
    "patches": patches.rows,
    "inference": inference.rows,
    "slides": slides.rows,
    "cohort": cohort.rows,
    "growth": growth.rows,
    "memory": memory.rows,
    "scaling": scaling.rows,
    "kernels": training.rows_of_kernels,
    "transfer": training.rows_of_transfer,
    "training": training.rows,
    "whole": whole.rows,
}
SAMPLE_PATIENTS = 12  # half the usual sample, each way once: it shows that all of it runs, in ten minutes
SMALL, REAL = (400, 1200), (1000, 10_000, 100_000, growth.FULL)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="speed", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of patches; the synthetic sample by default")
    parser.add_argument("--split-file", type=Path, help="patient, split")
    parser.add_argument("--weights", default="none", help="file of ImageNet weights")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part only; repeatable")
    parser.add_argument("--rounds", type=int, help="how often each way is run")
    parser.add_argument("--patches", type=int, help="most training patches in the rows that train")
    parser.add_argument("--sizes", help="sizes of the growth table, such as 1000,10000")
    parser.add_argument("--slides", type=int, default=8, help="slides of the rows of a cohort")
    parser.add_argument("--tiny", type=int, default=40, help="slides of its row of very many")
    parser.add_argument("--out", type=Path, default=Path("results/speed"), help="folder of the results")
    return parser.parse_args()


def main() -> None:
    """Measure and write."""
    options = read_options()
    real = options.data is not None
    choose_kernels(default_cache_dir())
    work = Path(tempfile.mkdtemp(prefix="cancernet-speed-"))
    sizes = tuple(int(size) for size in options.sizes.split(",")) if options.sizes else REAL if real else SMALL
    weights = options.weights if options.weights == "none" else str(Path(options.weights).absolute())
    setup = Setup(
        data=options.data or write_sample(work / "sample", patients=SAMPLE_PATIENTS),
        split_file=options.split_file,
        weights=weights,
        work=work,
        rounds=options.rounds or (5 if real else 1),
        patches=options.patches if options.patches is not None else 4000 if real else 600,
        sizes=sizes,
        slides=options.slides,
        tiny=options.tiny,
    )
    options.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    started = time.perf_counter()
    try:
        for name in options.only or PARTS:
            begun = time.perf_counter()
            measured = PARTS[name](setup)
            rows += measured
            for row in measured:
                print(line(row), flush=True)
            print(f"({name}: {(time.perf_counter() - begun) / 60:.1f} min)", flush=True)
            write(options.out / f"{name}.json", measured, setup)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    text = "\n".join([*heading(setup, real=real), *map(line, rows), *grown(rows), ""])
    (options.out / "table.md").write_text(text, encoding="utf-8")
    print(f"{(time.perf_counter() - started) / 60:.1f} min; {options.out / 'table.md'}")


def heading(setup: Setup, *, real: bool) -> list[str]:
    """Return what stands above the table."""
    data = "real patches" if real else "the synthetic sample: it says nothing of tissue"
    return [
        f"Measured {datetime.date.today()} on {data}; {processor()}, {machine()['cpus_used']} CPUs, "
        f"oneDNN switch {machine()['onednn']}; median of {setup.rounds} rounds.",
        "",
        "| what | against | to reach | measured | reached |",
        "| --- | --- | --- | --- | --- |",
    ]


def line(row: Row) -> str:
    """Return a row as a line of a Markdown table."""
    return f"| {row.what} | {row.against} | {row.reach} | {row.found} | {'yes' if row.reached else '**no**'} |"


def grown(rows: list[Row]) -> list[str]:
    """Return the table of growth, where it was measured."""
    found = next((row.figures["growth"] for row in rows if "growth" in row.figures), None)
    return ["", *growth.table(found)] if found else []


def write(path: Path, rows: list[Row], setup: Setup) -> None:
    """Write rows with all their numbers."""
    facts = {
        "processor": processor(),
        "machine": machine(),
        "versions": versions(),
        "rounds": setup.rounds,
        "patches": setup.patches,
        "rows": [row.to_dict() for row in rows],
    }
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def processor() -> str:
    """Return the processor's name and the widest vectors it has (Linux), or its kind."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    name = next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")), "")
    width = next((flag for flag in ("avx512_vnni", "avx512f", "avx2") if f" {flag} " in text), "no AVX2")
    return f"{name} ({width})"


if __name__ == "__main__":
    main()
