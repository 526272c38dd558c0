"""`cancernet card`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cancernet.cli.options import PATH, echo, load, model_option


@click.command()
@model_option
@click.option("--metrics", type=PATH, help="metrics.json of an evaluation.")
@click.option("--audit", type=PATH, help="audit.json of an audit.")
@click.option("--out", type=PATH, required=True, help="Markdown file to write.")
def command(model: Path | None, out: Path, **measured: Any) -> None:
    """Write a model card from measured files: manifest, evaluation and audit. No number is typed in."""
    from cancernet.report.card import write_card

    write_card(load(model), out, **measured)
    echo(f"card: {out}")
