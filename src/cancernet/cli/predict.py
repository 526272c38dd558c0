"""`cancernet predict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cancernet.cli.options import (
    PATH,
    alone_option,
    answered,
    echo,
    note,
    say,
    shard_option,
    warn,
    with_executor,
    with_model,
)
from cancernet.common import defaults
from cancernet.common.shard import Shard

if TYPE_CHECKING:
    from cancernet.common.executor import Executor
    from cancernet.model.model import Model
    from cancernet.prediction.tally import Tally


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
@with_executor
@shard_option
def command(
    model: Model,
    paths: tuple[Path, ...],
    out: Path | None,
    abstain: str | None,
    alone: bool,
    executor: Executor | None,
    shard: str | None,
) -> bool:
    """Give patches a probability of malignant: images, folders or zips. Needs no TensorFlow.

    Columns: path, patient, x, y, probability, decision, reason, alone. Where names state patient and place
    (PATIENT_idx5_xX_yY.png), a patch is judged with the others of its patient, as in `cancernet map`, and `alone` is
    its probability by itself. A patch that cannot be judged, as one of bare glass or
    of a foreign stain, is `unsure`, with the reason. Files that cannot be used go to errors.csv beside --out. The exit
    code is then 1, and 2 where there is no answer at all.
    """
    from cancernet.prediction.predict import predict_paths

    tally = predict_paths(
        paths,
        model,
        out=out,
        screen=sys.stdout,
        abstain=float(abstain) if abstain else None,
        alone=alone,
        threads=model.threads,
        executor=executor,
        shard=Shard.parse(shard) if shard else None,
    )
    if shard:
        echo(f"part {shard}: patches: {tally.predicted:,}; `cancernet gather` puts the parts together", err=True)
        unsure = note("patches that cannot be judged", tally.unanswerable, "`unsure`, with the reason")
        return note("files that could not be used", tally.failed, f"the first: {tally.first_failure}") or unsure
    return told(tally, f"at threshold {model.threshold:.3f} of {model.name}", out, unsure=abstain is not None)


def told(tally: Tally, by: str, out: Path | None, *, unsure: bool = False) -> bool:
    """Print what became of the files, and whose stain is foreign; whether some have no answer.

    Args:
        tally: of them.
        by: which threshold and model.
        out: the CSV, if there is one.
        unsure: say how many are unsure also where none is.
    """
    some = f", unsure: {tally.unsure:,} ({tally.unsure / tally.predicted:.1%})" if unsure or tally.unsure else ""
    echo(
        f"patches: {tally.predicted:,}, malignant: {tally.malignant:,} "
        f"({tally.malignant / tally.predicted:.1%}){some} {by}" + (f": {out}" if out else ""),
        err=True,
    )
    for line in tally.notes:
        say(f"WARNING: {line}")
    warn(tally.alarms)
    where = f"listed in {out.with_name('errors.csv')}" if out else f"the first: {tally.first_failure}"
    left_out = note("files that could not be used", tally.failed, where)
    where = f"`unsure`{f' in {out}' if out else ''}, with the reason"
    return answered(tally.unanswerable, tally.predicted, where) or left_out
