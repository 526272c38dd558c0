"""Map every specimen of a folder or zip: a figure, tables and an index page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cancernet import __version__
from cancernet.atomic import replacing, write_text
from cancernet.bundle import Bundle
from cancernet.data.source import Source
from cancernet.defaults import CLASS_NAMES, MPP
from cancernet.errors import UserError
from cancernet.evaluation.metrics import auc, confusion, rates
from cancernet.inference import predict
from cancernet.maps.context import Contextual, apply_context
from cancernet.maps.draw import blend, draw_map
from cancernet.maps.fit_context import neighbour_counts
from cancernet.maps.specimens import Specimen, holes, list_specimens, read_specimen, stitch
from cancernet.progress import progress
from cancernet.report.html import fill

SCATTERED = 0.5  # share of patches with at least three neighbours, below which a specimen is a sample of one
COLUMNS = ("path", "x", "y", "label", "probability", "probability_context", "decision")


@dataclass
class Mapped:
    """What became of a folder: a row a specimen that was drawn, and (path, reason) of what could not be used."""

    specimens: list[dict[str, Any]] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)


def map_specimens(
    source: Source,
    bundle: Bundle,
    out: Path,
    *,
    patients: tuple[str, ...] = (),
    threads: int | None = None,
    say: Callable[[str], None] = print,
) -> Mapped:
    """Draw the map of each specimen, one after the other.

    Args:
        source: folder or zip whose file names state patient, x and y.
        bundle: the model.
        out: folder; gets PATIENT/{map.png, overlay.png, patches.csv, specimen.json}, specimens.csv, index.html
            and, where something could not be used, errors.csv.
        patients: which to draw; all by default.
        threads: CPU threads; those this process may use by default.
        say: where lines for the user go.

    Raises:
        UserError: no specimen could be drawn, or a patient that is not there.
    """
    listed, bad = list_specimens(source)
    absent = [patient for patient in patients if patient not in listed]
    if absent:
        raise UserError(
            f"{source.root}: holds no patches of {', '.join(absent)}; it has {len(listed)} patients"
        )
    listed = {patient: files for patient, files in listed.items() if not patients or patient in patients}
    found = Mapped(errors=list(bad))
    session = bundle.session(threads=threads)
    with progress(listed.items(), what="map", unit=" specimens") as bar:
        for patient, files in bar:
            specimen, unusable = read_specimen(source, patient, files, threads=threads)
            found.errors += unusable
            if not len(specimen.table):
                found.errors.append((patient, "specimen left out: none of its files could be used"))
                continue
            try:
                probability = predict(session, specimen.images)
                row = write_specimen(specimen, probability, bundle, out / folder_name(patient))
            except UserError as error:  # one specimen never ends the others
                found.errors.append((patient, f"specimen left out: {error}"))
                continue
            found.specimens.append(row)
            say(line(row))
    if not found.specimens:
        first = f": {found.errors[0][0]}: {found.errors[0][1]}" if found.errors else ""
        raise UserError(f"{source.root}: no specimen could be drawn{first}")
    _write_csv(out / "specimens.csv", pd.DataFrame(found.specimens))
    if found.errors:
        _write_csv(out / "errors.csv", pd.DataFrame(found.errors, columns=["path", "reason"]))
    else:
        (out / "errors.csv").unlink(missing_ok=True)
    write_text(out / "index.html", index(found, bundle, source.root))
    return found


def folder_name(patient: str) -> str:
    """Return a name for a specimen's folder that no file system refuses."""
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in patient).strip(".")
    return safe or "_"


def write_specimen(
    specimen: Specimen, probability: np.ndarray, bundle: Bundle, folder: Path
) -> dict[str, Any]:
    """Write one specimen's files.

    Args:
        specimen: its patches.
        probability: (N,) of malignant, each patch by itself.
        bundle: the model.
        folder: made if absent.

    Returns:
        Its row of specimens.csv.

    Raises:
        UserError: its patches are on no grid.
    """
    table = specimen.table
    context = apply_context(bundle, table["x"], table["y"], probability)
    row = measure(specimen, probability, context, bundle)
    section = stitch(specimen)
    grid = specimen.grid(context.probability)
    called = specimen.grid(context.malignant).values == 1
    truth = specimen.grid(table["label"]) if specimen.labelled else None
    figure = draw_map(
        section,
        grid,
        called,
        title=f"Specimen {specimen.patient}",
        caption=caption(row, bundle),
        warning=" · ".join(row["warnings"]),
        mpp=MPP,
        truth=truth,
    )
    with replacing(folder / "map.png") as temporary:
        figure.savefig(temporary, format="png")
    write_png(folder / "overlay.png", blend(section, grid))
    rows = table.assign(
        probability=probability,
        probability_context=np.where(context.in_context, context.probability, np.nan),
        decision=[CLASS_NAMES[int(call)] for call in context.malignant],
    )
    rows["label"] = rows["label"].where(rows["label"] >= 0).astype("Int64")
    _write_csv(folder / "patches.csv", rows[list(COLUMNS)])
    write_text(folder / "specimen.json", json.dumps(row, indent=1) + "\n")
    return row


def measure(
    specimen: Specimen, probability: np.ndarray, context: Contextual, bundle: Bundle
) -> dict[str, Any]:
    """Return the numbers of one specimen; None where labels or a class are missing.

    Areas in mm2 are sums over patches. Rates are at the frozen thresholds of the bundle.
    """
    table, area = specimen.table, specimen.area_mm2
    near = float(np.mean(neighbour_counts(table) >= 3))
    row: dict[str, Any] = {
        "patient": specimen.patient,
        "n_patches": len(table),
        "n_in_context": int(context.in_context.sum()),
        "complete": near > SCATTERED,
        "n_holes": holes(specimen.grid(probability)),
        "tissue_mm2": round(float(area.sum()), 4),
        "malignant_mm2": round(float(area[context.malignant].sum()), 4),
        "malignant_share": round(float(area[context.malignant].sum() / area.sum()), 4),
        "labelled_malignant_mm2": None,
        "n_malignant": None,
    }
    for name in ("alone", "context"):
        row |= {f"{rate}_{name}": None for rate in ("auc", "recall", "specificity")}
    if specimen.labelled:
        label = table["label"].to_numpy()
        row["labelled_malignant_mm2"] = round(float(area[label == 1].sum()), 4)
        row["n_malignant"] = int(label.sum())
        calls = {
            "alone": (probability, probability >= bundle.threshold),
            "context": (context.probability, context.malignant),
        }
        for name, (scores, called) in calls.items():
            found = rates(*confusion(label, called.astype(float), 0.5))
            row[f"auc_{name}"] = _number(auc(label, scores))
            row[f"recall_{name}"] = _number(found["recall"])
            row[f"specificity_{name}"] = _number(found["specificity"])
    row["warnings"] = warnings(row, bundle)
    return row


def warnings(row: dict[str, Any], bundle: Bundle) -> list[str]:
    """Say what must be known before a specimen's map is believed."""
    found = []
    if bundle.manifest["data"]["synthetic"]:
        found.append("MODEL TRAINED ON SYNTHETIC PATCHES: NOT EVIDENCE")
    side = bundle.manifest["split"]["patients"].get(row["patient"])
    if side in ("train", "val"):
        what = "LEARNED FROM" if side == "train" else "CHOSE ITS THRESHOLD ON"
        found.append(f"THE MODEL {what} THIS PATIENT: BETTER THAN ON A NEW ONE")
    if not row["complete"]:
        found.append("INCOMPLETE SPECIMEN: most patches lack neighbours")
    return found


def caption(row: dict[str, Any], bundle: Bundle) -> str:
    """Return the line under a specimen's figure."""
    text = (
        f"n = {row['n_patches']:,} patches ({row['n_holes']} holes between them), "
        f"{row['n_in_context']:,} judged with their neighbours; "
        f"{bundle.name} at its threshold for {bundle.manifest['target_recall']:.0%} recall; "
        f"called malignant {row['malignant_mm2']:.1f} of {row['tissue_mm2']:.1f} mm²"
    )
    if row["labelled_malignant_mm2"] is not None:
        text += f", labelled {row['labelled_malignant_mm2']:.1f} mm²"
    if row["n_malignant"] is not None:
        text += f"; {scores(row)}"
    return f"{text}. One specimen, so no interval."


def scores(row: dict[str, Any]) -> str:
    """Return AUC, recall and specificity in words; "–" where a class is missing."""
    names = ("auc", "recall", "specificity")
    values = [row[f"{name}_context"] for name in names]
    words = ("–" if value is None else f"{value:.3f}" for value in values)
    return ", ".join(f"{name} {word}" for name, word in zip(("AUC", *names[1:]), words, strict=True))


def line(row: dict[str, Any]) -> str:
    """Return a specimen in one line for the screen."""
    malignant = f"malignant {row['malignant_mm2']:.1f} of {row['tissue_mm2']:.1f} mm2"
    text = f"  {row['patient']}: {row['n_patches']:,} patches, {malignant}"
    if row["n_malignant"] is not None:
        text += f", {scores(row)}"
    return text + "".join(f"; {warning[0] + warning[1:].lower()}" for warning in row["warnings"])


def index(found: Mapped, bundle: Bundle, root: Path) -> str:
    """Return the page of all specimens."""
    return fill(
        "maps.html",
        {
            "title": f"Specimens of {root.name or root}",
            "version": __version__,
            "model": bundle.name,
            "synthetic": bool(bundle.manifest["data"]["synthetic"]),
            "target": f"{bundle.manifest['target_recall']:.0%}",
            "context": bundle.manifest.get("context"),
            "pages": [{"row": row, "folder": folder_name(row["patient"])} for row in found.specimens],
            "errors": found.errors,
        },
    )


def write_png(path: Path, image: np.ndarray) -> None:
    """Write uint8 (H, W, 3) RGB."""
    import cv2

    ok, content = cv2.imencode(".png", image[..., ::-1])
    if not ok:
        raise UserError(
            f"{path}: a picture of {image.shape[1]} x {image.shape[0]} px cannot be written as PNG"
        )
    with replacing(path) as temporary:
        temporary.write_bytes(content.tobytes())


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
