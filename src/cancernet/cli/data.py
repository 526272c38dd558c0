"""`cancernet data`: check, sample, download, from-slides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cancernet.cli.options import (
    PATH,
    cache_option,
    collected,
    echo,
    label_options,
    mpp_option,
    note,
    say,
    seed_option,
    split_options,
    threads_option,
)
from cancernet.common import defaults
from cancernet.common.errors import UserError


@click.group()
def command() -> None:
    """Check, make or download data."""


@command.command()
@click.argument("folder", type=PATH)
@click.option("--out", type=PATH, help="Folder for catalog.csv, quarantine.csv, split.csv and duplicates.csv.")
@label_options
@split_options
@cache_option
def check(folder: Path, out: Path | None, **chosen: Any) -> None:
    """Read a labelled folder or zip, list what cannot be used and why, and try a split.

    The classes are folders called benign and malignant, 0 and 1, normal and tumor or the like, at any level; patients
    are folders above or below them, or stated by the files' names. Nothing of yours is changed.
    """
    from cancernet.data.layout import Labels
    from cancernet.data.split import SplitChoice
    from cancernet.experiment.data import check_data

    found = check_data(folder, out=out, **collected(chosen, labels=Labels, split=SplitChoice), say=say)
    for line in found.lines:
        echo(f"  {line}")
    if out is not None:
        echo(f"written to {out}")


@command.command()
@click.argument("folder", type=PATH)
@click.option("--patients", type=click.IntRange(3), default=defaults.SAMPLE_PATIENTS)
@click.option("--patches-per-patient", type=click.IntRange(4), default=defaults.SAMPLE_PATCHES_PER_PATIENT)
@seed_option
def sample(folder: Path, patients: int, **chosen: int) -> None:
    """Draw a synthetic sample: to try the program with, never evidence."""
    from cancernet.data.sample import write_sample

    made = write_sample(folder, patients=patients, **chosen)
    echo(f"{patients} synthetic patients in {made}")


@command.command()
@click.argument("folder", type=PATH)
def download(folder: Path) -> None:
    """Download the public IDC set (277,524 patches, 1.6 GB) through kagglehub."""
    from cancernet.data.download import download as fetch

    echo(f"the public set is in {fetch(folder)}")


@command.command("from-slides")
@click.argument("slides", nargs=-1, type=PATH)
@click.option(
    "--manifest", type=PATH, help="CSV with a row a slide: path, annotations, patient, and any of mpp, series."
)
@click.option(
    "--annotations",
    type=PATH,
    help="Annotations of the slide, or a folder with NAME.geojson, .xml, .ndpa or a mask NAME_mask.png of each.",
)
@click.option(
    "--out", type=PATH, required=True, help="Folder for patches/, catalog.csv, split.csv and a picture a slide."
)
@click.option(
    "--patients", type=PATH, help="CSV with the columns path,patient, where a path is a slide's name or pattern."
)
@click.option("--patient-is-slide", is_flag=True, help="No two slides are of one patient; each is called as its slide.")
@click.option(
    "--benign",
    multiple=True,
    metavar="NAME",
    help="Class of benign annotations, or value of a mask; repeat for several. [default: Benign, Normal, Other, "
    "Stroma, Immune cells, ...]",
)
@click.option(
    "--malignant",
    multiple=True,
    metavar="NAME",
    help="Class of malignant annotations. [default: Tumor, Malignant, Invasive carcinoma, IDC, ...]",
)
@click.option("--ignore", multiple=True, metavar="NAME", help="Class whose area is left out, beside Ignore*.")
@click.option(
    "--share",
    type=click.FloatRange(0.5, 1),
    default=0.5,
    help="Share of a patch in areas of one class from which it is of that class.",
)
@click.option(
    "--border",
    type=click.Choice(["leave-out", "keep"]),
    default="leave-out",
    help="Patches that both classes have a part of and neither --share: leave them out, or keep them in the larger.",
)
@click.option(
    "--rest",
    type=click.Choice(["unknown", "benign"]),
    default="unknown",
    help="Tissue outside of all outlines. Say benign only where all that is malignant was outlined.",
)
@mpp_option
@split_options
@threads_option
def from_slides(slides: tuple[Path, ...], out: Path, threads: int, **chosen: Any) -> bool:
    """Cut labelled patches from annotated slides, for `run`, `train` and `evaluate`. Needs cancernet[slide].

    Reads GeoJSON of QuPath, XML of Aperio ImageScope and ASAP, NDPA of Hamamatsu, and masks (PNG or TIFF, the value
    of a pixel is its class). Patches of 50 px at 4 um/px, on the grid on which `cancernet slide` judges; tissue alone.

    \b
    OUT/ gets
      patches/PATIENT/CLASS/              named as in the public set; pass this folder on
      catalog.csv                         a row a patch: slide, class, share of it in areas of each class
      split.csv                           by patient, for --split-file
      NAME/taken.png, NAME/summary.json   of each slide: what was taken, and from what

    What is not annotated has no label, unless --rest says so; a class that is not known is refused, and named. Whose a
    slide is has to be said. Slides that could not be used go to OUT/errors.csv; the exit code is 1 then, and 2 where
    none could. A slide that is done is not done again, until it, its annotations or the rule change.
    """  # noqa: D301 - \b is for click
    from cancernet.data.split import SplitChoice
    from cancernet.slide.annotation_classes import ClassNames, LabelRule
    from cancernet.slide.from_slides import patches_from_slides

    parts = collected(chosen, names=ClassNames, rule=LabelRule, split=SplitChoice)
    if not slides and chosen["manifest"] is None:
        raise UserError("name slides, folders of slides, or a --manifest")
    found = patches_from_slides(slides, out=out, threads=threads or None, say=say, **parts)
    labels = found.table["class"]
    echo(
        f"{len(labels):,} patches of {found.table['patient'].nunique()} patients, {labels.mean():.1%} malignant: "
        f"{found.patches}"
    )
    return note("slides that could not be used", len(found.failed), f"listed in {out / 'errors.csv'}")
