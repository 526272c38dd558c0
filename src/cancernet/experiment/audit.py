"""Audit a model on labelled patches and leave a page of it."""

from __future__ import annotations

from pathlib import Path

from cancernet.common import defaults
from cancernet.common.output import Output
from cancernet.common.provenance import begin, minutes_since
from cancernet.data.layout import Labels
from cancernet.evaluation.audit import Audit
from cancernet.evaluation.audit import audit as measure
from cancernet.evaluation.scoring import known_side
from cancernet.experiment.data import Say, open_pack
from cancernet.experiment.evaluate import sides
from cancernet.model.model import Model, load_model
from cancernet.report.audit_page import NAMES, write_audit


def audit(
    data: Path | str,
    model: Model | None = None,
    *,
    out: Path | str,
    labels: Labels | None = None,
    which: str = "test",
    new_patients: bool = False,
    max_patches: int = defaults.AUDIT_PATCHES,
    seed: int = defaults.SEED,
    cache: Path | None = None,
    say: Say = print,
) -> Audit:
    """Check whether a model can be trusted on these patients: leaks, floor, calibration, corruptions.

    Args:
        data: folder or zip of labelled patches.
        model: from `load_model`; by default the one that ships.
        out: folder for audit.json and audit.html.
        labels: what is to be said of classes and patients that folders and names do not; see `Labels`.
        which: `test` for patients new to the model, `val` for those that chose its threshold.
        new_patients: all patients are new to the model, even those whose ids its training patients have too.
        max_patches: patches in each corrupted copy, drawn evenly over patients.
        seed: of every draw.
        cache: folder for packed patches; by default the user's cache.
        say: where lines for the user go.

    Raises:
        UserError: no patch is on that side, or a place that cannot be written.
    """
    model, facts = model or load_model(), begin()
    with Output(Path(out), "audit", inputs=[Path(data)], names=NAMES) as output:
        packed = open_pack(Path(data), cache, say, labels)
        known = which == "val" and not new_patients
        side = known_side(model, packed.table) if known else sides(model, packed, new_patients=new_patients)
        found = measure(model, packed, side, which=which, claimed_new=new_patients, max_patches=max_patches, seed=seed)
        trained_on = {"data_hash": model.manifest.data.hash, "split_hash": model.manifest.split.hash}
        run = {**facts, "minutes": minutes_since(facts["started"]), "seed": seed, "trained_on": trained_on}
        say(f"page: {write_audit(output, found, run)}")
        return found
