"""`cancernet audit`."""

from __future__ import annotations

from typing import Any

import click

from cancernet.cli.options import (
    PATH,
    cache_option,
    collected,
    data_option,
    echo,
    label_options,
    new_patients_option,
    say,
    seed_option,
    with_model,
)
from cancernet.common import defaults


@click.command()
@with_model
@data_option
@label_options
@click.option("--out", type=PATH, required=True, help="Folder for audit.json and audit.html.")
@click.option(
    "--side",
    "which",
    type=click.Choice(["test", "val"]),
    default="test",
    help="Patients to audit: new to the model (test), or those that chose its threshold (val), to keep the "
    "former untouched while developing.",
)
@new_patients_option
@click.option(
    "--max-patches",
    type=click.IntRange(1),
    default=defaults.AUDIT_PATCHES,
    help="Patches in each corrupted copy, drawn evenly over patients.",
)
@seed_option
@cache_option
def command(**chosen: Any) -> None:
    """Check whether a model can be trusted on these patients: PASS or WARN, the reason and the limit.

    Leaks, label shuffle, colour floor, calibration, spread over patients, and what ten corruptions of the
    patches cost at the model's own threshold. Needs no TensorFlow. Warnings do not change the exit code.
    """
    from cancernet.data.layout import Labels
    from cancernet.experiment.audit import audit
    from cancernet.report.audit_page import console

    echo(console(audit(**collected(chosen, labels=Labels), say=say)))
