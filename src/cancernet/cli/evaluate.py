"""`cancernet evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cancernet.cli.options import (
    PATH,
    alone_option,
    answered,
    by_option,
    cache_option,
    collected,
    data_option,
    echo,
    label_options,
    new_patients_option,
    note,
    prevalence_option,
    say,
    with_executor,
    with_model,
)


@click.command()
@with_model
@data_option
@label_options
@click.option("--out", type=PATH, required=True, help="Folder for the results.")
@new_patients_option
@alone_option
@prevalence_option
@by_option
@cache_option
@with_executor
def command(out: Path, **chosen: Any) -> bool:
    """Measure a model on a labelled folder: metrics, figures and a report. Needs no TensorFlow.

    Patients whose ids the model was trained with are left out, and those that chose its threshold are
    reported apart, unless --new-patients says that they are others.

    --workers and --scheduler share the patches out; the results are the same. --out and --cache are folders that the
    workers reach then.

    A patch that cannot be judged, as one of bare glass or of a foreign stain, has its reason in predictions.csv. The
    rates count it by its probability; beside them stands what leaving it unsure does. The exit code is then 1, as where
    files were set aside, and 2 where there is no answer at all.

    With --prevalence, predictions.csv has what each probability comes to where another share of the patches is
    malignant, and the report what calls are worth there. Rates, decisions and `probability` stay as they are.
    """
    from cancernet.data.layout import Labels
    from cancernet.evaluation.results import shown
    from cancernet.experiment.evaluate import evaluate
    from cancernet.report.console import table

    found = evaluate(out=out, **collected(chosen, labels=Labels), say=say)
    echo(table(found))
    set_aside = note("files set aside", len(found.data["quarantined"]), f"listed in {out / 'quarantine.csv'}")
    [first, *_] = shown(found)
    where = f"their reasons are in {out / 'predictions.csv'}"
    return answered(first.numbers["unsure"]["n"], first.numbers["n_patches"], where) or set_aside
