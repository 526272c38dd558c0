"""The whole public set: `cancernet run` and `run --quick` on as many patches and patients, with the real labels.

Call it as `PYTHONPATH=benchmarks python -m speed.public_set --data DIR --split-file CSV --weights FILE --out DIR`. The
folder at hand is a sample of the set; its patches stand again, mirrored, turned and brighter, until every patient has
as many as one of the set has in the mean. 49 patients stand a second time under another name, on the same side of it.
What is measured is time and memory; the AUC only shows that the networks learned: copies stand side by side, by class.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from cancernet.common.executor import Processes
from cancernet.common.threads import available_cpus
from cancernet.data.pack import Pack, pack
from speed.growth import FULL
from speed.memory import watched

PATIENTS = 279  # ids of the public set
ENOUGH = 60  # patches of a patient that stands twice
APART = 24  # copies of a patient before those of its second name
Job = tuple[str, tuple[int, ...], Path, str, list[tuple[int, int]], pd.DataFrame]


def main() -> None:
    """Write the set, run both commands, print and keep their minutes and peaks."""
    parser = argparse.ArgumentParser(prog="speed.public_set", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split-file", type=Path, required=True)
    parser.add_argument("--weights", default="none")
    parser.add_argument("--patches", type=int, default=FULL)
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--out", type=Path, required=True, help="folder of the set and of the results")
    options = parser.parse_args()
    folder, split = write_set(
        pack(options.data), options.split_file, options.out, patches=options.patches, patients=options.patients
    )
    figures: dict[str, object] = {"patches": options.patches, "patients": options.patients}
    shared = ["--data", str(folder), "--split-file", str(split), "--weights", options.weights]
    for name, more in (("run --quick", ["--quick"]), ("run", [])):
        home = options.out / name.replace(" --", "-")
        home.mkdir(parents=True, exist_ok=True)
        places = ["--models", str(home / "models"), "--results", str(home / "results")]
        peak, seconds = watched(["run", *shared, *places, *more], home)
        facts = json.loads((home / "results" / "run.json").read_text("utf-8"))
        table = json.loads((home / "results" / "metrics.json").read_text("utf-8"))
        auc = {each["model"]: each["splits"]["test"]["auc"]["value"] for each in table["models"]}
        figures[name] = {"minutes": seconds / 60, "training": facts["training_minutes"], "peak_mb": peak, "auc": auc}
        print(
            f"{name}: {seconds / 60:.1f} min, peak {peak:,.0f} MB, {facts['training_minutes']}, AUC {auc}", flush=True
        )
        (options.out / "public_set.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def write_set(found: Pack, split_file: Path, out: Path, *, patches: int, patients: int) -> tuple[Path, Path]:
    """Write PATIENT/CLASS/file for so many patches and patients, and the split; return both paths."""
    table = found.table.assign(row=np.arange(len(found.table)))
    by_patient = {str(patient): rows for patient, rows in table.groupby("patient")}
    sides = pd.read_csv(split_file, dtype=str).set_index("patient")["split"]
    few = [patient for patient, rows in by_patient.items() if ENOUGH <= len(rows) < patches / patients]
    doubled = {f"9{patient}": patient for patient in few[: max(0, patients - len(by_patient))]}
    sources = {patient: patient for patient in by_patient} | doubled
    wanted = dict(zip(sources, shares([len(by_patient[each]) for each in sources.values()], patches), strict=True))
    split = pd.Series({name: sides[source] for name, source in sources.items()}, name="split").rename_axis("patient")
    out.mkdir(parents=True, exist_ok=True)
    split.to_csv(out / "split.csv")
    jobs: list[Job] = []
    for name, source in sources.items():
        rows = by_patient[source]
        first = APART if name in doubled else 0
        chosen = [(number % len(rows), first + number // len(rows)) for number in range(wanted[name])]
        where = out / "patches" / name
        jobs.append((str(found.images.filename), found.images.shape, where, name, chosen, rows))
    list(Processes(available_cpus()).each(write_patient, jobs))
    return out / "patches", out / "split.csv"


def shares(have: list[int], total: int) -> list[int]:
    """Return how many patches each patient gets: all that it has, and the others up to one level, in all `total`."""
    level = total // len(have)
    while sum(max(each, level) for each in have) > total:
        level -= 1
    wanted = [max(each, level) for each in have]
    for number in small(have, level, total - sum(wanted)):
        wanted[number] += 1
    return wanted


def small(have: list[int], level: int, missing: int) -> Iterator[int]:
    """Give `missing` numbers of patients that are filled up, in turn."""
    filled = [number for number, each in enumerate(have) if each <= level]
    yield from (filled[turn % len(filled)] for turn in range(missing))


def write_patient(job: Job) -> None:
    """Write one patient's files, on a square grid; what is there is left."""
    name, shape, folder, patient, chosen, rows = job
    images = np.memmap(name, np.uint8, "r", shape=shape)
    chosen.sort(key=lambda each: rows.label.iloc[each[0]])
    side = int(np.ceil(np.sqrt(len(chosen))))
    for place, (at, copy) in enumerate(chosen):
        row, x, y = rows.iloc[at], 1 + 50 * (place % side), 1 + 50 * (place // side)
        path = folder / f"{row.label}" / f"{patient}_idx5_x{x}_y{y}_class{row.label}.png"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        patch = np.array(images[row.row])
        patch = np.rot90(patch[:, ::-1] if copy & 4 else patch, copy & 3)
        brighter = np.uint8(copy // 8)
        patch = np.ascontiguousarray(np.minimum(patch, 255 - brighter) + brighter)
        written = io.BytesIO()
        Image.fromarray(patch).save(written, "PNG", compress_level=1)
        half = path.with_suffix(".part")
        half.write_bytes(written.getbuffer())
        half.replace(path)


if __name__ == "__main__":
    main()
