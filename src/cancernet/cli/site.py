"""`cancernet site`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cancernet.cli.options import PATH, echo, mpp_option, note, say, with_model


@click.command()
@click.argument("paths", nargs=-1, required=True, type=PATH)
@click.option("--out", type=PATH, required=True, help="Folder for site.html, site.json and patients.csv.")
@with_model
@mpp_option
@click.option(
    "--patients",
    type=PATH,
    help="CSV with the columns path,patient; of slides the path is the file's name. [default: as names and folders of"
    " patches say; each slide by itself]",
)
@click.option(
    "--save-reference", type=PATH, metavar="FILE", help="Keep this site's own numbers; no pixels and no names."
)
@click.option(
    "--reference", type=PATH, metavar="FILE", help="Compare with a site's own numbers of before: has it drifted?"
)
@click.option("--date", metavar="YYYY-MM-DD", help="Day of this run in the chart of drift. [default: today]")
def command(paths: tuple[Path, ...], out: Path, **chosen: Any) -> bool:
    """Tell whether unlabelled patches or slides are like what the model learned: PASS, WARN or FAIL.

    PATHS are files, folders or zips of patches, or slides and fields (see `cancernet slide`), of one laboratory and one
    scanner; 10 to 50 patients suffice, of fewer than 10 the verdict is provisional. Stain, sharpness, brightness, how
    full the patches are, what cannot be judged and the scores are held against those of the model's training patients,
    patient by patient; limits and how often they are a false alarm: docs/site.md.

    \b
    OUT gets
      site.html       the verdict, each check with its limit, who stands out
      patients.csv    a row a patient or slide
      site.json       the same for a program
      history.json    with --reference: each run into the same OUT adds its point to a chart over time

    The exit code is 0 for PASS, 1 for WARN or FAIL or where something was left out, and 2 where nothing could be used.
    """  # noqa: D301 - \b is for click
    from cancernet.sites.page import console
    from cancernet.sites.site import site

    found = site(paths, out=out, threads=chosen["model"].threads, say=say, **chosen)
    for each in found.notes:
        say(f"NOTE: {each}")
    echo(console(found))
    for odd in found.odd[:10]:
        echo(f"stands out: {odd.name}: {'; '.join(odd.reasons)}")
    if len(found.odd) > 10:
        echo(f"stands out: {len(found.odd) - 10} more, in {out / 'patients.csv'}")
    provisional = ", provisional" if found.provisional else ""
    drift = f"; drift: {found.drift}" if found.drift else ""
    echo(f"site: {found.verdict}{provisional}{drift}: {found.page}")
    note("files that could not be used", len(found.failed), f"listed in {out / 'errors.csv'}")
    return not found.passed
