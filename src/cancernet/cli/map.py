"""`cancernet map`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cancernet.cli.options import PATH, echo, note, say, with_executor, with_model
from cancernet.common.errors import UserError

if TYPE_CHECKING:
    from cancernet.common.executor import Executor
    from cancernet.model.model import Model


@click.command()
@click.argument("data", type=PATH)
@with_model
@click.option("--out", type=PATH, required=True, help="Folder for the maps and index.html.")
@click.option("--patient", "patients", multiple=True, help="Draw this patient only; repeat for several.")
@with_executor
def command(model: Model, data: Path, out: Path, patients: tuple[str, ...], executor: Executor | None) -> bool:
    """Stitch each patient's patches into a section and draw the map of malignant tissue over it.

    DATA is a folder or zip of patches named PATIENT_idx5_xX_yY_classC.png (the class may be missing). Where labels
    are known, the truth and the errors are drawn too. Needs no TensorFlow. Files that cannot be used are listed in
    errors.csv. A patch that cannot be judged, as one of bare glass, is `unsure`, with the reason, and in no rate. A
    specimen stained or scanned unlike the patches that the model learned from is refused: its picture says so. The exit
    code is then 1, and 2 where no specimen got an answer.
    """
    from cancernet.maps.report import map_specimens

    if model.context is None:
        say(f"WARNING: {model.name} knows nothing of surroundings; each patch is judged by itself")
    found = map_specimens(data, model, out=out, patients=patients, threads=model.threads, executor=executor, say=say)
    echo(f"specimens: {len(found.specimens):,}; page: {found.page}")
    sound = [row for row in found.specimens if not row["refused"]]
    left_out = [
        note("could not be used", len(found.errors), f"listed in {out / 'errors.csv'}"),
        note("specimens refused", len(found.specimens) - len(sound), "stained or scanned unlike those of training"),
        note(
            "patches that cannot be judged",
            sum(row["n_unsure"] for row in sound),
            "`unsure` in patches.csv, with the reason",
        ),
    ]
    if not sound:
        raise UserError(f"no specimen got an answer, of {len(found.specimens)}")
    return any(left_out)
