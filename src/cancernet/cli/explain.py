"""`cancernet explain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cancernet.cli.options import PATH, answered, echo, note, say, warn, with_model
from cancernet.common import defaults

if TYPE_CHECKING:
    from cancernet.model.model import Model


@click.command()
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="IMAGE...")
@with_model
@click.option("--out", type=PATH, required=True, help="Folder for the page, the pictures and the table.")
@click.option(
    "--data",
    type=PATH,
    help="Folder or zip of the patches the model was trained with, to show pictures of those most alike.",
)
@click.option(
    "--max-images",
    type=click.IntRange(0),
    default=defaults.MAX_EXPLAINED,
    help="Most patches to draw; the table has all.",
)
def command(model: Model, paths: tuple[Path, ...], out: Path, data: Path | None, max_images: int) -> bool:
    """Show why patches are called what they are: images, folders or zips, each patch by itself. Needs no TensorFlow.

    Of each patch: a map of the evidence, whose mean is the log odds of its probability, and the five training
    patches most like it to the model. Writes index.html, pictures/ and explanations.csv. A patch that cannot be judged
    is `unsure`, with the reason; files that cannot be used go to errors.csv. The exit code is then 1, and 2 where there
    is no answer at all.
    """
    from cancernet.explanation.explain import explain

    told = explain(paths, model, out=out, data=data, threads=model.threads, max_images=max_images)
    if told.drawn < told.explained:
        echo(
            f"drawn: the first {told.drawn:,} of {told.explained:,} patches (--max-images {max_images}); "
            "explanations.csv has all",
            err=True,
        )
    if data is not None:
        echo(
            f"training patches: {told.pictured:,} of {told.remembered:,} found in {data}"
            + ("" if told.pictured else "; is it the data that this model was trained with?"),
            err=True,
        )
    echo(f"patches: {told.explained:,} explained by {model.name}: {told.page}")
    for line in told.notes:
        say(f"WARNING: {line}")
    warn(told.alarms)
    left_out = note("files that could not be used", told.failed, f"listed in {out / 'errors.csv'}")
    return answered(told.unsure, told.explained, f"`unsure` in {out / 'explanations.csv'}, with the reason") or left_out
