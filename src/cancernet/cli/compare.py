"""`cancernet compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cancernet.cli.options import PATH, echo


@click.command()
@click.argument("first", type=PATH)
@click.argument("second", type=PATH)
@click.option("--split", default="test", help="Which side of the predictions to compare on.")
@click.option("--out", type=PATH, help="JSON file to write the differences to.")
def command(first: Path, second: Path, split: str, out: Path | None) -> None:
    """Tell whether SECOND is better than FIRST: a paired bootstrap over patients of the difference.

    FIRST and SECOND are folders with predictions.csv and metrics.json, as `run` leaves one for each model
    (results/baseline, results/colour_floor) and `evaluate` one for its model. An interval that excludes 0
    tells the two apart.
    """
    from cancernet.experiment.compare import compare

    found = compare(first, second, split=split, out=out)
    name_a, name_b = found["first"], found["second"]
    echo(f"{name_b} minus {name_a}, {found['n_patches']:,} {split} patches of {found['n_units']} patients\n")
    echo(f"{'':<36} {name_a[:14]:>14} {name_b[:14]:>14}   difference (95 % interval)")
    for what in ("auc", "average_precision"):
        echo(line(what.replace("_", " "), found[what]))
    for point, rates in found["operating_points"].items():
        for what, values in rates.items():
            echo(line(f"{what.replace('_', ' ')} at {point.replace('_', ' ')}", values))
    echo("\n* the interval excludes 0: the two are told apart")


def line(what: str, values: dict[str, Any]) -> str:
    """Return one difference as a line of the table."""
    if values["value"] is None:
        return f"{what:<36} undefined"
    interval = "" if values["low"] is None else f" ({values['low']:+.3f} to {values['high']:+.3f})"
    apart = "" if values["low"] is None or values["low"] <= 0 <= values["high"] else "  *"
    return f"{what:<36} {values['a']:>14.3f} {values['b']:>14.3f}   {values['value']:+.3f}{interval}{apart}"
