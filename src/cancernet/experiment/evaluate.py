"""Measure a model on labelled patches of patients it has not seen: metrics, figures and a report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cancernet.common.errors import UserError
from cancernet.common.executor import Executor
from cancernet.common.output import Output
from cancernet.common.provenance import begin, minutes_since
from cancernet.data.attributes import read_groups
from cancernet.data.layout import Labels
from cancernet.data.pack import Pack
from cancernet.data.sides import Split
from cancernet.evaluation.prevalence import restating
from cancernet.evaluation.results import RunResults
from cancernet.evaluation.score_parts import WORK, Seen, see_elsewhere
from cancernet.evaluation.scoring import scored_rows, side_of_model
from cancernet.experiment.data import Say, open_pack
from cancernet.experiment.run import collect
from cancernet.experiment.train import training_minutes
from cancernet.model.model import Model, load_model
from cancernet.report.folder import NAMES, write_results


def evaluate(
    data: Path | str,
    model: Model | None = None,
    *,
    out: Path | str | None = None,
    labels: Labels | None = None,
    new_patients: bool = False,
    alone: bool = False,
    prevalence: float | None = None,
    by: str | None = None,
    cache: Path | None = None,
    executor: Executor | None = None,
    say: Say = print,
) -> RunResults:
    """Measure a model on a labelled folder or zip. Needs no TensorFlow.

    Patients whose ids the model was trained with are left out, and those that chose its threshold are reported apart,
    unless `new_patients` says that they are others.

    Args:
        data: folder or zip of labelled patches.
        model: from `load_model`; by default the one that ships.
        out: folder for metrics, predictions, figures and report.html; nothing is written without.
        labels: what is to be said of classes and patients that folders and names do not; see `Labels`.
        new_patients: all patients are new to the model, even those whose ids its training patients have too.
        alone: judge each patch by itself; by default the others of its patient are taken in where it is known where
            they lie.
        prevalence: share of malignant patches, 0 to 1 without the ends, to restate probabilities for, in a column and a
            part of the report of their own; decisions and what is measured stay as they are.
        by: `CSV` or `CSV:COLUMN`, a table with the column patient whose other columns group them, as site or grade; the
            model is then measured by group too.
        cache: folder for packed patches; by default the user's cache.
        executor: where the patches are looked at, in parts; here and in one by default. `out` and `cache` are folders
            that it reaches. The results are the same.
        say: where lines for the user go.

    Raises:
        UserError: no patch of a patient that is new to the model, a model trained on this folder without a split by
            patient, a prevalence that is none or a model that does not say at which it was calibrated, a table of
            patients that makes no groups of these, a part that ends its process, no `out` where there is an executor,
            or a place that cannot be written.
    """
    model, data = model or load_model(), Path(data)
    if executor and not out:
        raise UserError("what other processes make of patches are files: name a folder for the results")
    with Output(Path(out), "evaluate", inputs=[data], names=NAMES) if out else nullcontext() as output:
        see = partial(see_elsewhere, executor=executor, folder=output.path(WORK)) if executor and output else None
        found = _measure(data, model, labels, new_patients, alone, prevalence, by, cache, see, say)
        if output:
            say(f"report: {write_results(output, found)}")
            output.remove(WORK)
        return found


def _measure(
    data: Path,
    model: Model,
    labels: Labels | None,
    new_patients: bool,
    alone: bool,
    prevalence: float | None,
    by: str | None,
    cache: Path | None,
    see: Callable[[Model, Pack, np.ndarray], Seen] | None,
    say: Say,
) -> RunResults:
    facts = begin()
    restated = None if prevalence is None else restating(model.manifest, prevalence)
    packed = open_pack(data, cache, say, labels)
    trained_on = model.manifest.split
    side = sides(model, packed, new_patients=new_patients)
    groups = read_groups(by, set(packed.table["patient"][side == "test"])) if by else None
    notes = []
    if not trained_on.patient_safe:
        if model.manifest.data.hash == packed.data_hash:
            raise UserError(
                "this model was trained on patches of this very folder, not split by patient; use another folder"
            )
        notes.append("The model was not trained with a split by patient, so it cannot tell its own patients apart.")
    if model.synthetic:
        notes.append("The model was trained on SYNTHETIC patches; its scores mean nothing.")
    left_out = int((side == "train").sum())
    if left_out:
        notes.append(f"{left_out:,} patches of patients that trained the model are left out.")
    keys = dict(zip(packed.table["patient"], side, strict=True))
    split = Split(f"patients new to {model.name}", keys, patient_safe=trained_on.patient_safe, notes=tuple(notes))
    facts |= {
        "minutes": minutes_since(facts["started"]),
        "model": str(model.folder),
        "alone": alone,
        "seed": model.manifest.seed,
        "target_recall": model.manifest.target_recall,
        "data_hash": packed.data_hash,
        "split_hash": split.hash,
        "trained_on": {"data_hash": model.manifest.data.hash, "split_hash": trained_on.hash},
    }
    minutes = {model.name: training_minutes(model)} if model.manifest.training else {}
    seen = see(model, packed, scored_rows(model, packed.table, side)) if see else None
    if restated:
        facts |= {"restated_for": restated.prevalence, "calibrated_at": restated.stated_for}
    return collect(
        [model],
        packed,
        split,
        side,
        minutes=minutes,
        facts=facts,
        alone=alone,
        restated=restated,
        groups=groups,
        seen=seen,
    )


def sides(model: Model, packed: Pack, *, new_patients: bool) -> pd.Series:
    """Return the side of each patch: as the model knows its patient, or all `test` where they are said to be new."""
    if new_patients:
        return pd.Series("test", index=packed.table.index, name="split", dtype="str")
    return side_of_model(model, packed.table)
