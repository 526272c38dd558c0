"""`cancernet compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cancernet.cli.options import PATH
from cancernet.common.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


@click.command()
@click.argument("first", type=PATH)
@click.argument("second", type=PATH)
@click.option(
    "--split", default="test", show_default=True, help="Which side of the predictions to compare on."
)
@click.option("--out", type=PATH, help="JSON file to write the differences to.")
def command(first: Path, second: Path, split: str, out: Path | None) -> None:
    """Tell whether SECOND is better than FIRST: a paired bootstrap over patients of the difference.

    FIRST and SECOND are folders with predictions.csv and metrics.json, as `run` leaves one for each model
    (results/baseline, results/colour_floor) and `evaluate` one for its model. An interval that excludes 0
    tells the two apart.
    """
    from cancernet.common.atomic import write_text
    from cancernet.evaluation.compare import paired_difference

    (name_a, rows_a, thresholds_a), (name_b, rows_b, thresholds_b) = (
        read(path, split) for path in (first, second)
    )
    if name_a == name_b:  # one model on two folders of results, or two trainings of one recipe
        name_a, name_b = (first.name, second.name) if first.name != second.name else ("first", "second")
    found = paired_difference(rows_a, rows_b, thresholds_a, thresholds_b)
    click.echo(
        f"{name_b} minus {name_a}, {found['n_patches']:,} {split} patches of {found['n_units']} patients\n"
    )
    click.echo(f"{'':<36} {name_a[:14]:>14} {name_b[:14]:>14}   difference (95 % interval)")
    for what in ("auc", "average_precision"):
        click.echo(line(what.replace("_", " "), found[what]))
    for point, rates in found["operating_points"].items():
        for what, values in rates.items():
            click.echo(line(f"{what.replace('_', ' ')} at {point.replace('_', ' ')}", values))
    click.echo("\n* the interval excludes 0: the two are told apart")
    if out is not None:
        write_text(
            out, json.dumps({"first": name_a, "second": name_b, "split": split, **found}, indent=1) + "\n"
        )


def read(folder: Path, split: str) -> tuple[str, pd.DataFrame, dict[str, float]]:
    """Read a model's name, its predictions of one side, and its thresholds from a results folder.

    Raises:
        UserError: a file is missing or not one that this package writes; there is no such side.
    """
    import pandas as pd

    try:
        metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
        rows = pd.read_csv(
            folder / "predictions.csv", dtype={"path": "str", "patient": "str"}, keep_default_na=False
        )
        points = metrics["splits"][split]["operating_points"]
        rows = rows[rows["split"] == split]
    except FileNotFoundError as error:
        raise UserError(
            f"{error.filename} is missing; name a folder that `run` or `evaluate` wrote"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder}: no results with a side {split!r} ({error}); name a folder of results"
        ) from error
    return metrics["model"], rows, {name: point["threshold"] for name, point in points.items()}


def line(what: str, values: dict[str, Any]) -> str:
    """Return one difference as a line of the table."""
    if values["value"] is None:
        return f"{what:<36} undefined"
    interval = "" if values["low"] is None else f" ({values['low']:+.3f} to {values['high']:+.3f})"
    apart = "" if values["low"] is None or values["low"] <= 0 <= values["high"] else "  *"
    return f"{what:<36} {values['a']:>14.3f} {values['b']:>14.3f}   {values['value']:+.3f}{interval}{apart}"
