"""`cancernet audit`."""

from __future__ import annotations

from pathlib import Path

import click

from cancernet.cli.options import PATH, cache_option, load, model_option, say, threads_option
from cancernet.common import defaults


@click.command()
@model_option
@click.option("--data", type=PATH, required=True, help="Folder or zip of labelled patches.")
@click.option("--out", type=PATH, required=True, help="Folder for audit.json and audit.html.")
@click.option(
    "--side",
    "which",
    type=click.Choice(["test", "val"]),
    default="test",
    show_default=True,
    help="Patients to audit: new to the model (test), or those that chose its threshold (val), to keep the "
    "former untouched while developing.",
)
@click.option(
    "--new-patients",
    is_flag=True,
    help="All patients are new to the model, even those whose ids its training patients have too.",
)
@click.option(
    "--max-patches",
    type=click.IntRange(1),
    default=defaults.AUDIT_PATCHES,
    show_default=True,
    help="Patches in each corrupted copy, drawn evenly over patients.",
)
@click.option("--seed", type=click.IntRange(0), default=defaults.SEED, show_default=True)
@threads_option
@cache_option
def command(
    model: Path | None,
    data: Path,
    out: Path,
    which: str,
    new_patients: bool,
    max_patches: int,
    seed: int,
    threads: int,
    cache: Path | None,
) -> None:
    """Check whether a model can be trusted on these patients: PASS or WARN, the reason and the limit.

    Leaks, label shuffle, colour floor, calibration, spread over patients, and what ten corruptions of the
    patches cost at the model's own threshold. Needs no TensorFlow. Warnings do not change the exit code.
    """
    from cancernet.experiment.audit import audit
    from cancernet.report.audit_page import console

    found = audit(
        data,
        load(model, threads),
        out=out,
        which=which,
        new_patients=new_patients,
        max_patches=max_patches,
        seed=seed,
        cache=cache,
        say=say,
    )
    click.echo(console(found))
