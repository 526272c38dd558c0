"""`cancernet predict`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cancernet.cli.options import PATH, threads_option


@click.command()
@click.argument("paths", nargs=-1, required=True, type=PATH)
@click.option("--model", type=PATH, required=True, help="Folder of the model.")
@click.option("--out", type=PATH, help="CSV to write. [default: rows go to standard output]")
@threads_option
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...], model: Path, out: Path | None, threads: int) -> None:
    """Give patches a probability of malignant: images, folders or zips. Needs no TensorFlow.

    Columns: path, patient, x, y, probability, decision. Files that cannot be used go to errors.csv beside
    --out, with the reason; the exit code is then 1, and 2 where nothing could be predicted.
    """
    from cancernet.bundle import read_bundle
    from cancernet.prediction import predict_paths

    bundle = read_bundle(model)
    tally = predict_paths(paths, bundle, out=out, threads=threads or None, screen=sys.stdout)
    if bundle.manifest["data"]["synthetic"]:
        click.echo(
            "WARNING: this model was trained on SYNTHETIC patches; its answers mean nothing.", err=True
        )
    share = tally.malignant / tally.predicted
    click.echo(
        f"patches: {tally.predicted:,}, malignant: {tally.malignant:,} ({share:.1%}) "
        f"at threshold {bundle.threshold:.3f}" + (f": {out}" if out else ""),
        err=True,
    )
    if tally.failed:
        where = f"listed in {out.with_name('errors.csv')}" if out else f"the first: {tally.first_failure}"
        click.echo(f"files that could not be used: {tally.failed:,}; {where}", err=True)
        ctx.exit(1)
