"""`cancernet evaluate`."""

from __future__ import annotations

import datetime
import shlex
import sys
from pathlib import Path

import click

from cancernet.cli.options import PATH, cache_option, model_option, open_model, open_pack, threads_option
from cancernet.common.errors import UserError


@click.command()
@model_option
@click.option("--data", type=PATH, required=True, help="Folder or zip of labelled patches.")
@click.option("--out", type=PATH, required=True, help="Folder for the results.")
@click.option(
    "--new-patients",
    is_flag=True,
    help="All patients are new to the model, even those whose ids its training patients have too.",
)
@threads_option
@cache_option
def command(
    model: Path | None, data: Path, out: Path, new_patients: bool, threads: int, cache: Path | None
) -> None:
    """Measure a model on a labelled folder: metrics, figures and a report. Needs no TensorFlow.

    Patients whose ids the model was trained with are left out, and those that chose its threshold are
    reported apart, unless --new-patients says that they are others.
    """
    from cancernet.common.provenance import machine, versions
    from cancernet.data.sides import Split
    from cancernet.evaluation.scoring import side_of_bundle
    from cancernet.experiment.run import collect
    from cancernet.report.console import table
    from cancernet.report.folder import write_results

    bundle = open_model(model)
    pack = open_pack(data, cache)
    trained_on = bundle.manifest["split"]
    side = (
        pack.table["path"].map(lambda _: "test").rename("split")
        if new_patients
        else side_of_bundle(bundle, pack.table)
    )
    notes = []
    if not trained_on["patient_safe"]:
        if trained_on_same(bundle.manifest, pack.data_hash):
            raise UserError(
                "this model was trained on patches of this very folder, not split by patient; use another folder"
            )
        notes.append(
            "The model was not trained with a split by patient, so it cannot tell its own patients apart."
        )
    if bundle.manifest["data"]["synthetic"]:
        notes.append("The model was trained on SYNTHETIC patches; its scores mean nothing.")
    left_out = int((side == "train").sum())
    if left_out:
        notes.append(f"{left_out:,} patches of patients that trained the model are left out.")
    keys = dict(zip(pack.table["patient"], side, strict=True))
    split = Split(
        f"patients new to {bundle.name}", keys, patient_safe=trained_on["patient_safe"], notes=tuple(notes)
    )
    facts = {
        "command": shlex.join(["cancernet", *sys.argv[1:]]),
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "model": str(bundle.folder) if model else f"{bundle.name} (shipped)",
        "seed": bundle.manifest["seed"],
        "target_recall": bundle.manifest["target_recall"],
        "data_hash": pack.data_hash,
        "split_hash": split.hash,
        "trained_on": {"data_hash": bundle.manifest["data"]["hash"], "split_hash": trained_on["hash"]},
        "versions": versions(),
        "machine": machine(),
    }
    minutes = {bundle.name: bundle.manifest["training"]["minutes"]} if "training" in bundle.manifest else {}
    found = collect([bundle], pack, split, side, minutes=minutes, facts=facts, threads=threads)
    click.echo(f"report: {write_results(out, found)}")
    click.echo(table(found))


def trained_on_same(manifest: dict, data_hash: str) -> bool:
    """Say whether a model was trained on exactly these patches."""
    return manifest["data"]["hash"] == data_hash
