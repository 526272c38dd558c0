"""`cancernet slide`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cancernet.cli.options import PATH, echo, mpp_option, note, say, shard_option, with_executor, with_model
from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.shard import Shard


@click.command()
@click.argument("slides", nargs=-1, type=PATH)
@click.option("--out", type=PATH, required=True, help="Folder of the results; a folder a slide in it.")
@with_model
@click.option(
    "--manifest",
    type=PATH,
    help="CSV with a row a slide: path, and any of patient, mpp, series, scanner, roi (a file of annotations).",
)
@mpp_option
@click.option(
    "--series",
    type=click.IntRange(0),
    help="Which image of a file with several, from 0 on. [default: the slide is found among them, or refused]",
)
@click.option(
    "--stride",
    type=click.Choice([str(stride) for stride in defaults.SLIDE_STRIDES]),
    default=str(defaults.PATCH_SIZE),
    help="px from one patch to the next at the model's scale; less than 50 overlaps: a finer map, and longer.",
)
@click.option(
    "--viewer-mpp",
    type=float,
    help="um a pixel of the viewer's finest tiles: 1 or 0.5 shows cells, and takes longer. [default: the model's, 4]",
)
@click.option(
    "--roi",
    type=PATH,
    help="Annotations of the slide, or a folder with NAME.geojson, .xml, .ndpa or a mask NAME_mask.png of each: judge "
    "only what lies inside.",
)
@click.option(
    "--roi-class", "roi_classes", multiple=True, metavar="NAME", help="Take areas of this class alone; can be repeated."
)
@click.option(
    "--table",
    "tables",
    multiple=True,
    type=click.Choice(["parquet", "h5ad"]),
    help="Beside patches.csv and cohort.csv: parquet (needs cancernet[tables]); beside patches.csv: h5ad, AnnData with "
    "embeddings (needs cancernet[anndata]).",
)
@with_executor
@shard_option
def command(slides: tuple[Path, ...], out: Path, stride: str, shard: str | None, **chosen: Any) -> bool:
    """Map the tumour on whole slides and other large images. Needs cancernet[slide], no TensorFlow.

    SLIDES are files, folders (searched with their sub-folders), or any file of a DICOM slide; or list them in a
    --manifest. Reads scanner formats (SVS, NDPI, MRXS, SCN, BIF, CZI, DICOM, tiled TIFF, OME-TIFF) and plain PNG, JPEG
    and TIFF, up to 10 gigapixels; progressive JPEG and interlaced PNG up to 250 megapixels. The scale is what the file
    states with a unit, and never guessed.

    \b
    Each slide gets OUT/NAME/ with
      viewer.html                         the slide under its map, to zoom into; opens in a browser, offline
      overlay.png, thumbnail.png          the map over the section; the section
      patches.csv                         a row a patch, in the columns of WSInfer
      tiles.geojson, regions.geojson      for QuPath
      import.groovy                       a QuPath script that imports them, colours them and sets the threshold
      summary.json                        areas in mm2, scale, model, settings, warnings
    and OUT has of all slides, those that failed or were refused first,
      cohort.html                         a page to sort and filter, with what stands out; leads to each viewer
      cohort.csv                          a row a slide; with --table parquet cohort.parquet too

    A patch that cannot be judged, as one out of focus, is `unsure`, with the
    reason, and not mapped. A slide stained or scanned unlike the patches that the model learned from is refused: its
    picture says so, and nothing on it is called benign or malignant.

    With --roi only patches are judged that lie by half in what is outlined, and areas count within it. A slide of which
    there are no annotations is left out.

    Slides that cannot be mapped go to OUT/errors.csv, with the reason. The exit code is 1 where something was left out,
    refused or unsure, and 2 where no slide got an answer; of a part it is 1 then, and `gather` tells of the whole. A
    run that was stopped goes on where it was; a slide that is done is not done again.
    """  # noqa: D301 - \b is for click
    from cancernet.slide.batch import map_slide

    if not slides and chosen["manifest"] is None:
        raise UserError("name slides, folders of slides, or a --manifest")
    part = Shard.parse(shard) if shard else None
    out = out / part.name if part else out
    outcome = map_slide(
        slides, out=out, shard=part, stride=int(stride), threads=chosen["model"].threads, say=say, **chosen
    )
    echo(f"slides: {len(outcome.mapped)} mapped ({len(outcome.skipped)} of them before): {outcome.page}")
    sound = len(outcome.mapped) - len(outcome.refused)
    left_out = [
        note("slides that could not be mapped", len(outcome.failed), f"listed in {out / 'errors.csv'}"),
        note(
            "slides refused", len(outcome.refused), "stained or scanned unlike the patches that the model learned from"
        ),
        note(
            "patches that cannot be judged", outcome.unsure, "`unsure` in patches.csv, with the reason, and not mapped"
        ),
    ]
    if not sound and not part:  # of parts `gather` judges the whole; one is done with what it has listed
        raise UserError(f"no slide got an answer, of {len(outcome.mapped) + len(outcome.failed)}")
    return any(left_out)
