"""`cancernet data`: check, sample, download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cancernet.cli.options import PATH, cache_option, collected, echo, label_options, say, seed_option, split_options
from cancernet.common import defaults


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
