"""The model card: Markdown made of a bundle's manifest, an evaluation and an audit. No number is typed in.

Source: Mitchell et al. 2019, "Model cards for model reporting".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.limits import parse_object, read_bytes
from cancernet.common.output_file import output_file
from cancernet.evaluation.results import FLOOR
from cancernet.evaluation.verdicts import WARN, WORDS, signed
from cancernet.model.bundle import MANIFEST
from cancernet.model.manifest import Manifest
from cancernet.model.model import Model
from cancernet.report import tables
from cancernet.report.checklist import fill_in, load
from cancernet.report.known import facts
from cancernet.report.page import fill

UNKNOWN = "not known to the run"
MEASURED = "the metrics or audit"
MAX_BYTES = 64_000_000  # of metrics.json or audit.json; those of the full data set take under 1 MB
MEASURES = ("auc", "average_precision", "brier", "ece")
MARK = "# Model card: "  # how a card begins
RATES = ("recall", "specificity", "precision", "f1", "f1_weighted", "balanced_accuracy")
HEADINGS = {key: name for key, name, _, _ in tables.COLUMNS}


@dataclass(frozen=True)
class Measured:
    """A file of numbers: what it holds, its name and hash, so that the card says where it has them from."""

    content: dict[str, Any]
    name: str
    sha256: str


def read_measured(path: Path) -> Measured:
    """Read a metrics.json or audit.json.

    Raises:
        UserError: absent, no plain file, too large, or not a JSON object.
    """
    raw = read_bytes(path, MEASURED, MAX_BYTES)
    return Measured(parse_object(raw, MEASURED, path), path.name, hashlib.sha256(raw).hexdigest())


def model_card(model: Model, *, metrics: Measured | None = None, audit: Measured | None = None) -> str:
    """Return the model card of a bundle as Markdown.

    Args:
        model: the model.
        metrics: metrics.json of `cancernet evaluate` or `run`; the audit's own serve where it is absent.
        audit: audit.json of `cancernet audit`.

    Raises:
        UserError: the numbers are of another model, or of no model.
    """
    try:
        entries = _entries(model, metrics, audit)
        text = fill("card.md", _context(model, entries, metrics, audit), escape=False)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration, jinja2.UndefinedError) as error:
        names = " or ".join(each.name for each in (metrics, audit) if each)
        raise UserError(
            f"{names or model.folder / MANIFEST} lacks what a card needs ({error}): "
            "make it again with this version of CancerNet"
        ) from error
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def write_card(model: Model, out: Path, *, metrics: Path | None = None, audit: Path | None = None) -> None:
    """Write `model_card` to a file, whole or not at all."""
    found = {name: read_measured(path) for name, path in (("metrics", metrics), ("audit", audit)) if path}
    inputs = [path for path in (metrics, audit) if path]
    with output_file(out, MARK, inputs=inputs) as temporary:
        temporary.write_text(model_card(model, **found), encoding="utf-8")


def plain(value: Any) -> str:
    """Return text from a file as Markdown that shows it and does nothing else: one line, no markup."""
    return re.sub(r"([\\`*_\[\]<>|#!~])", r"\\\1", " ".join(str(value).split()))


def _entries(model: Model, metrics: Measured | None, audit: Measured | None) -> dict[str, dict[str, Any]]:
    """The `evaluate()` of the model ("model") and of the floor ("floor"), as far as the files hold them."""
    if audit and audit.content.get("model") != model.name:
        raise UserError(f"{audit.name} is the audit of {audit.content.get('model')}, not of {model.name}")
    source = metrics or audit
    if source is None:
        return {}
    content = source.content
    listed = content["metrics"] if source is audit else [content, *content.get("models", [])]
    by_name = {entry["model"]: entry for entry in reversed(listed)}
    if model.name not in by_name:
        raise UserError(f"{source.name} has no numbers of {model.name}, only of {', '.join(sorted(by_name))}")
    found = {"model": by_name[model.name]}
    used = next(iter(found["model"]["splits"].values()))["operating_points"]["target_recall"]["threshold"]
    if abs(used - model.threshold) > 1e-6:
        raise UserError(
            f"{source.name} was measured at threshold {used:.6g}, {model.name} has {model.threshold:.6g}: "
            "it is of another training; evaluate this bundle again"
        )
    if FLOOR in by_name:
        found["floor"] = by_name[FLOOR]
    return found


def _context(
    model: Model, entries: Mapping[str, Any], metrics: Measured | None, audit: Measured | None
) -> dict[str, Any]:
    manifest = model.manifest
    splits = entries["model"]["splits"] if entries else {}
    floor = entries["floor"]["splits"] if "floor" in entries else {}
    sides = list(manifest.split.patients.values())
    sources = [each for each in (metrics, audit) if each]
    return {
        "manifest": manifest,
        "plain": plain,
        "validated": _validated(manifest),
        "sides": {side: sides.count(side) for side in ("train", "val", "test")},
        "bytes": sum(file.bytes for file in manifest.files.values()),
        "splits": [_split(name, numbers, floor.get(name)) for name, numbers in splits.items()],
        "audit": _audit(audit.content) if audit else None,
        "limits": _limits(manifest, splits, floor, audit.content if audit else None),
        "checklist": fill_in(
            load("tripod_ai"),
            facts(manifest, splits, audit=audit.content if audit else None, explains=model.can_explain),
            unknown=UNKNOWN,
        ),
        "unknown": UNKNOWN,
        "sources": sources,
        "confidence": f"{defaults.CONFIDENCE:.0%}",
    }


def _split(name: str, numbers: Mapping[str, Any], floor: Mapping[str, Any] | None) -> dict[str, Any]:
    text = tables.joined
    points = numbers["operating_points"]
    headline = points["target_recall"]
    rows = [(HEADINGS[key], text(numbers[key]), text(floor[key]) if floor else UNKNOWN) for key in MEASURES]
    at = floor["operating_points"]["target_recall"] if floor else {}
    rows += [(HEADINGS[key], text(headline[key]), text(at.get(key)) if floor else UNKNOWN) for key in RATES]
    return {
        "name": name,
        "numbers": numbers,
        "rows": rows,
        "confusion": headline["confusion"],
        "points": [
            (tables.POINT_NAMES.get(point, point), f"{each['threshold']:.3g}", *(text(each[key]) for key in RATES[:4]))
            for point, each in points.items()
        ],
        "abstaining": [
            (row["name"], *(f"{value} ({between})" if between else value for value, between in row["cells"]))
            for row in tables.abstaining(numbers)
        ],
        "answered": tables.ANSWERED.values(),
        "unsure": tables.unsure(numbers),
        "point_headings": [HEADINGS[key] for key in RATES[:4]],
        "patients": numbers.get("per_patient") or {},
    }


def _validated(manifest: Manifest) -> str:
    """Say whose predictions chose threshold and calibration."""
    folds = manifest.recipe.cross_fit
    if not folds:
        return "validation patients"
    return f"all its patients held out in turn ({folds} folds, each predicted by a network that had not seen it)"


def _audit(content: Mapping[str, Any]) -> dict[str, Any]:
    shaken = content["robustness"]
    kinds = shaken["corruptions"]
    severity = defaults.AUDIT_SEVERITY
    rows = []
    for name, kind in kinds.items():
        by_severity = {level["severity"]: level for level in kind["levels"]}
        if severity in by_severity:
            rows.append((name, *(signed(by_severity[severity][key]) for key in WORDS)))
    return {
        "data": content["data"],
        "checks": content["checks"],
        "rows": rows,
        "severity": severity,
        "n_patches": shaken["n_patches"],
        "n_patients": shaken["n_patients"],
        "headings": list(WORDS.values()),
    }


def _limits(
    manifest: Manifest, splits: Mapping[str, Any], floor: Mapping[str, Any], audit: Mapping[str, Any] | None
) -> list[str]:
    """What this model cannot be relied on for: what the files show, then what no file of patches can show."""
    found = []
    if manifest.data.synthetic:
        found.append("It was trained on SYNTHETIC patches: its answers mean nothing.")
    if manifest.training and manifest.training.shortened:
        found.append(f"A QUICK run trained it ({plain(manifest.training.shortened)}): train it in full before any use.")
    if not manifest.split.patient_safe:
        found.append("It was not trained with a split by patient: every score is too high.")
    for name, numbers in splits.items():
        own, below = numbers["auc"]["value"], floor.get(name, {}).get("auc", {}).get("value")
        if own is not None and below is not None and own <= below:
            found.append(
                f"On {name} patients it does not rank better than colour alone ({own:.3f} against {below:.3f})."
            )
    if not splits:
        found.append("It has not been evaluated in the files this card was made of.")
    if audit is None:
        found.append("It has not been audited in the files this card was made of.")
    else:
        found += [
            f"The audit warns of {plain(check['name'])}: {plain(check['found'])}"
            for check in audit["checks"]
            if check["state"] == WARN
        ]
    return [
        *found,
        "Other laboratories, scanners and stains score lower until shown otherwise.",
        "Precision and F1 hold for the share of malignant patches they were measured at.",
        "A patch is not a diagnosis: grade, extent and what lies beside it are not seen.",
    ]
