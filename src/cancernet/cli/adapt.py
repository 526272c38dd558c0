"""`cancernet adapt`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cancernet.cli.options import (
    PATH,
    cache_option,
    collected,
    data_option,
    echo,
    label_options,
    new_patients_option,
    say,
    seed_option,
    with_model,
)

if TYPE_CHECKING:
    from cancernet.model.model import Model

SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command()
@data_option
@with_model
@click.option("--out", type=PATH, required=True, help="Folder of the new model; its name becomes the model's.")
@click.option("--target-recall", type=SHARE, help="Recall that the threshold is to hold. [default: the model's own]")
@click.option(
    "--assurance", type=SHARE, default=0.9, help="Share of samples of patients in which it is to hold on others."
)
@click.option(
    "--guarantee",
    type=SHARE,
    metavar="ALPHA",
    help="Hold a mean miss rate a patient of at most ALPHA instead, with no assumption but that patients are alike to "
    "draw (conformal risk control).",
)
@click.option("--scanner", default="", help="Scanner and stain, free text, kept with the model.")
@new_patients_option
@label_options
@cache_option
@seed_option
def command(model: Model, **chosen: Any) -> bool:
    """Make a model your laboratory's own, with labelled patches of your patients. Needs cancernet[adapt].

    The network stays; probabilities are recalibrated, the threshold is chosen so that the target recall holds on
    patients to come with the stated assurance, and the colours of your stain are learned. From 5 patients with tumour
    on, provisional below 20 patients; `cancernet plan` says how many are needed for what. What it is worth is told on
    patients that took no part: a third of them above 60, each in turn below.

    OUT is a model like any other (--model OUT), with adaptation.html, the report. The exit code is 1 where a warning
    was given.
    """
    from cancernet.data.layout import Labels
    from cancernet.experiment.adapt import adapt
    from cancernet.report.adapt_page import console

    found = adapt(model=model, **collected(chosen, labels=Labels), say=say)
    echo(console(found.model.manifest, model.threshold))
    echo(f"model: {found.model.folder}; report: {found.page}")
    return bool(found.warnings)
