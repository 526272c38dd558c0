"""`cancernet map`."""

from __future__ import annotations

from pathlib import Path

import click

from cancernet.cli.options import PATH, load, model_option, say, threads_option


@click.command()
@click.argument("data", type=PATH)
@model_option
@click.option("--out", type=PATH, required=True, help="Folder for the maps and index.html.")
@click.option("--patient", "patients", multiple=True, help="Draw this patient only; repeat for several.")
@threads_option
@click.pass_context
def command(
    ctx: click.Context, data: Path, model: Path | None, out: Path, patients: tuple[str, ...], threads: int
) -> None:
    """Stitch each patient's patches into a section and draw the map of malignant tissue over it.

    DATA is a folder or zip of patches named PATIENT_idx5_xX_yY_classC.png (the class may be missing). Where labels
    are known, the truth and the errors are drawn too. Needs no TensorFlow. Files that cannot be used are listed in
    errors.csv; the exit code is then 1, and 2 where no specimen could be drawn.
    """
    from cancernet.maps.report import map_specimens

    loaded = load(model, threads)
    if loaded.context is None:
        say(f"WARNING: {loaded.name} has no step for neighbours; each patch is judged by itself")
    found = map_specimens(data, loaded, out=out, patients=patients, threads=threads or None, say=say)
    click.echo(f"specimens: {len(found.specimens):,}; page: {found.page}")
    if found.errors:
        click.echo(f"could not be used: {len(found.errors):,}; listed in {out / 'errors.csv'}", err=True)
        ctx.exit(1)
