"""`cancernet predict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cancernet.cli.options import PATH, alone_option, answered, echo, note, say, warn, with_model
from cancernet.common import defaults

if TYPE_CHECKING:
    from cancernet.model.model import Model


@click.command()
@click.argument("paths", nargs=-1, required=True, type=PATH)
@with_model
@click.option("--out", type=PATH, help="CSV to write. [default: rows go to standard output]")
@click.option(
    "--abstain",
    type=click.Choice([f"{share:g}" for share in defaults.ABSTAIN_SHARES]),
    help="Answer `unsure` for this share of the patches, those nearest the threshold; fitted on validation"
    " patients, so on yours the share may differ.",
)
@alone_option
def command(model: Model, paths: tuple[Path, ...], out: Path | None, abstain: str | None, alone: bool) -> bool:
    """Give patches a probability of malignant: images, folders or zips. Needs no TensorFlow.

    Columns: path, patient, x, y, probability, decision, reason, alone. Where names state patient and place
    (PATIENT_idx5_xX_yY.png), a patch is judged with the others of its patient, as in `cancernet map`, and `alone` is
    its probability by itself. A patch that cannot be judged, as one of bare glass or
    of a foreign stain, is `unsure`, with the reason. Files that cannot be used go to errors.csv beside --out. The exit
    code is then 1, and 2 where there is no answer at all.
    """
    from cancernet.prediction.predict import predict_paths

    share = float(abstain) if abstain else None
    tally = predict_paths(paths, model, out=out, screen=sys.stdout, abstain=share, alone=alone, threads=model.threads)
    some = abstain or tally.unsure
    unsure = f", unsure: {tally.unsure:,} ({tally.unsure / tally.predicted:.1%})" if some else ""
    echo(
        f"patches: {tally.predicted:,}, malignant: {tally.malignant:,} "
        f"({tally.malignant / tally.predicted:.1%}){unsure} at threshold {model.threshold:.3f} "
        f"of {model.name}" + (f": {out}" if out else ""),
        err=True,
    )
    for line in tally.notes:
        say(f"WARNING: {line}")
    warn(tally.alarms)
    where = f"listed in {out.with_name('errors.csv')}" if out else f"the first: {tally.first_failure}"
    left_out = note("files that could not be used", tally.failed, where)
    where = f"`unsure`{f' in {out}' if out else ''}, with the reason"
    return answered(tally.unanswerable, tally.predicted, where) or left_out
