"""`cancernet gather`."""

from __future__ import annotations

from pathlib import Path

import click

from cancernet.cli import predict
from cancernet.cli.options import PATH, echo, note
from cancernet.common.errors import UserError


@click.command()
@click.argument("folder", type=PATH)
def command(folder: Path) -> bool:
    """Put the parts together that jobs of an array made with --shard: of `slide` or of `predict`.

    FOLDER is --out of the jobs. Of slides the folders stay, and FOLDER gets cohort.html, cohort.csv and, where some
    could not be mapped, errors.csv over all parts. Of patches, where --out was FILE.csv and the parts lie in
    FILE.csv.parts, FILE.csv is written with the very bytes that one process writes, and the parts are removed.

    All parts have to be there, ended, and of the same files, settings and model. The exit code is that of the command:
    1 where something was left out, refused or unsure, 2 where there is no answer or a part is missing.
    """
    from cancernet.prediction import parts

    if (place := parts.parts_folder(folder)).is_dir():
        tally, by = parts.gather_parts(place, folder)
        return predict.told(tally, by, folder)
    if folder.suffix == parts.SUFFIX and folder.is_dir():
        tally, by = parts.gather_parts(folder, folder.with_suffix(""))
        return predict.told(tally, by, folder.with_suffix(""))
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder, and no parts of a file of that name; give --out of the jobs")
    from cancernet.slide.cohort import PAGE
    from cancernet.slide.cohort_row import FAILED, MAPPED, REFUSED
    from cancernet.slide.shards import gather_slides

    rows = gather_slides(folder)
    count = {status: sum(row.status == status for row in rows) for status in (FAILED, REFUSED, MAPPED)}
    echo(f"slides: {count[MAPPED] + count[REFUSED]:,} mapped: {folder / PAGE}")
    unsure = sum(row.patches_unsure or 0 for row in rows if row.status == MAPPED)
    left_out = [
        note("slides that could not be mapped", count[FAILED], f"listed in {folder / 'errors.csv'}"),
        note("slides refused", count[REFUSED], "stained or scanned unlike the patches that the model learned from"),
        note("patches that cannot be judged", unsure, "`unsure` in patches.csv, with the reason, and not mapped"),
    ]
    if not count[MAPPED]:
        raise UserError(f"no slide got an answer, of {len(rows)}")
    return any(left_out)
