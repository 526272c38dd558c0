"""Options that several verbs share, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cancernet.common import defaults
from cancernet.common.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from cancernet.data.pack import Pack
    from cancernet.data.sides import Split
    from cancernet.model.bundle import Bundle
    from cancernet.training.options import TrainingOptions

Command = Callable[..., Any]
PATH = click.Path(path_type=Path)


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Make one decorator of several, kept in reading order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


cache_option = click.option(
    "--cache",
    type=PATH,
    envvar="CANCERNET_CACHE",
    help="Folder for packed patches. [default: the user's cache]",
)
model_option = click.option(
    "--model", type=PATH, help="Folder of the model. [default: the one that ships with CancerNet]"
)
threads_option = click.option(
    "--threads", type=click.IntRange(0), default=0, help="CPU threads; 0 takes all this process may use."
)

split_options = together(
    click.option(
        "--split",
        type=click.Choice(["grouped", "official", "kfold", "patch"]),
        default="grouped",
        show_default=True,
        help="By patient (grouped), the official case lists, one fold of a k-fold by patient, or patches at random"
        " (needs --allow-patch-split).",
    ),
    click.option("--split-file", type=PATH, help="CSV with columns patient,split (train, val, test)."),
    click.option(
        "--folds", type=click.IntRange(3), default=5, show_default=True, help="Folds of --split kfold."
    ),
    click.option("--fold", type=click.IntRange(1), default=1, show_default=True, help="Which fold tests."),
    click.option(
        "--test-fraction",
        type=float,
        default=defaults.TEST_FRACTION,
        show_default=True,
        help="Share of the patches to test on (grouped, patch).",
    ),
    click.option(
        "--val-fraction",
        type=float,
        default=defaults.VAL_FRACTION,
        show_default=True,
        help="Share that chooses epoch and thresholds (grouped, patch).",
    ),
    click.option(
        "--allow-patch-split",
        is_flag=True,
        help="Go on where patients are unknown or --split patch is asked for; every output then says so.",
    ),
    click.option(
        "--seed", type=click.IntRange(0), default=defaults.SEED, show_default=True, help="Seeds everything."
    ),
)

training_options = together(
    click.option(
        "--weights",
        default="imagenet",
        show_default=True,
        metavar="imagenet|auto|none|PATH",
        help="What MobileNetV2 starts from. auto: ImageNet if the network answers, else random, and it says so.",
    ),
    click.option(
        "--epochs", type=click.IntRange(0), default=0, help="Most epochs; 0 leaves each recipe's own."
    ),
    click.option(
        "--max-per-patient",
        type=click.IntRange(0),
        default=defaults.MAX_PER_PATIENT,
        show_default=True,
        help="Most training patches a patient; 0 for no cap.",
    ),
    click.option(
        "--limit", type=click.IntRange(0), default=0, help="Most training patches in all; 0 for no limit."
    ),
    click.option(
        "--target-recall",
        type=click.FloatRange(0, 1, min_open=True),
        default=defaults.TARGET_RECALL,
        show_default=True,
        help="Recall on validation patients that the operating threshold is chosen for.",
    ),
    click.option("--recipe-file", type=PATH, help="TOML file with recipes of your own."),
    threads_option,
)


def open_model(folder: Path | None) -> Bundle:
    """Read the model of a folder, or the one that ships with the package."""
    from cancernet.model.bundle import read_bundle, shipped

    return read_bundle(folder or shipped())


def open_pack(data: Path, cache: Path | None) -> Pack:
    """Pack a labelled folder or zip and say what was found."""
    from cancernet.data.pack import default_cache_dir, pack

    packed = pack(data, cache_dir=cache or default_cache_dir())
    malignant = int(packed.table["label"].sum())
    click.echo(
        f"{data}: layout {packed.layout}, {len(packed.table):,} patches, {name_patients(packed.table)}, "
        f"{malignant / len(packed.table):.1%} malignant, {len(packed.quarantine)} files set aside"
    )
    if packed.synthetic:
        click.echo("These patches are SYNTHETIC: what follows is no evidence of anything.")
    for warning in packed.warnings:
        click.echo(f"WARNING: {warning}", err=True)
    return packed


def name_patients(table: pd.DataFrame) -> str:
    """Say of how many patients the rows of a table are."""
    from cancernet.data.sides import count_patients

    known = count_patients(table)
    return f"{known} patients" if known else "unknown patients"


def make_split(pack: Pack, chosen: dict[str, Any]) -> Split:
    """Make the split that the options ask for.

    Args:
        pack: the patches.
        chosen: values of `split_options` by name.

    Raises:
        UserError: the split cannot be made from these patients, or is unsafe and was not allowed.
    """
    from cancernet.data import split as splits
    from cancernet.data.split_lists import official_split, split_from_file

    table, seed = pack.table, chosen["seed"]
    unknown = not table["patient"].astype(bool).all()
    fractions = {"test_fraction": chosen["test_fraction"], "val_fraction": chosen["val_fraction"]}
    if chosen["split"] == "patch" or (unknown and chosen["allow_patch_split"]):
        if not chosen["allow_patch_split"]:
            raise UserError(
                "--split patch puts a patient on several sides and inflates every score; add --allow-patch-split"
            )
        split = splits.patch_split(table, seed=seed, **fractions)
        click.echo("WARNING: NOT SPLIT BY PATIENT. Every score will be too high.", err=True)
    elif chosen["split_file"]:
        split = split_from_file(table, chosen["split_file"])
    elif chosen["split"] == "official":
        split = official_split(table)
    elif chosen["split"] == "kfold":
        if chosen["fold"] > chosen["folds"]:
            raise UserError(f"--fold {chosen['fold']}: there are {chosen['folds']} folds")
        split = splits.kfold(table, chosen["folds"], seed)[chosen["fold"] - 1]
    else:
        split = splits.grouped_split(table, seed=seed, **fractions)
    click.echo(f"split {split.name} ({split.hash[:12]}): {describe_split(pack, split)}")
    for note in split.notes:
        click.echo(f"  {note}")
    return split


def describe_split(pack: Pack, split: Split) -> str:
    """Say in one line how large the sides are."""
    from cancernet.data.sides import SIDES, assign

    table = pack.table.assign(split=assign(split, pack.table).to_numpy())
    parts = []
    for name in SIDES:
        rows = table[table["split"] == name]
        share = f", {rows['label'].mean():.0%} malignant" if len(rows) else ""
        parts.append(f"{name} {len(rows):,} patches of {name_patients(rows)}{share}")
    return "; ".join(parts)


def read_training_options(chosen: dict[str, Any]) -> TrainingOptions:
    """Collect the values of `training_options`."""
    from cancernet.training.options import TrainingOptions

    names = ("seed", "epochs", "max_per_patient", "limit", "target_recall", "weights", "threads")
    return TrainingOptions(**{name: chosen[name] for name in names})


def require_training(threads: int) -> None:
    """Check that TensorFlow is installed, and start it without its start-up notes.

    Args:
        threads: CPU threads for it; 0 for those this process may use.

    Raises:
        UserError: it is not; says how to install it.
    """
    from importlib.util import find_spec

    missing = [name for name in ("keras", "tensorflow", "tf2onnx") if find_spec(name) is None]
    if missing:
        raise UserError(
            f"training needs {missing[0]}, which is not installed; pip install 'cancernet[train]'"
        )
    from cancernet.data.pack import default_cache_dir
    from cancernet.training.kernels import choose_kernels
    from cancernet.training.quiet import import_quietly

    choose_kernels(default_cache_dir(), say=click.echo)
    import_quietly(threads)
