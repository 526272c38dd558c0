"""Options that several verbs share, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import fields
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.executor import Processes
from cancernet.common.text import printable

if TYPE_CHECKING:
    from cancernet.model.model import Model

Command = Callable[..., Any]


class UserPath(click.Path):
    """A path as a user types it: `~` is the home folder, also where no shell has seen it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path."""
        return Path(str(super().convert(value, param, ctx))).expanduser()


PATH = UserPath(path_type=Path)


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Make one decorator of several, kept in reading order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


cache_option = click.option(
    "--cache", type=PATH, envvar="CANCERNET_CACHE", help="Folder for packed patches. [default: the user's cache]"
)
model_option = click.option(
    "--model", type=PATH, help="Folder of the model. [default: the one that ships with CancerNet]"
)
threads_option = click.option(
    "--threads", type=click.IntRange(0), default=0, help="CPU threads; 0 takes all this process may use."
)
data_option = click.option("--data", type=PATH, required=True, help="Folder or zip of labelled patches.")
new_patients_option = click.option(
    "--new-patients",
    is_flag=True,
    help="All patients are new to the model, even those whose ids its training patients have too.",
)
_executor_options = together(
    click.option(
        "--workers",
        type=click.IntRange(1),
        help="Do so much at once, each in a process of its own, which may die without ending the others. [default: all"
        " in this process, one after the other, with all its threads]",
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Have it done by the workers of a Dask scheduler: tcp://HOST:PORT, or its --scheduler-file. All paths must"
        " lead to the same files there. Needs cancernet[scale].",
    ),
)
shard_option = click.option(
    "--shard",
    metavar="I/N",
    help="Do part I of N alone, as one job of an array does; `cancernet gather` puts the parts together.",
)
alone_option = click.option(
    "--alone",
    is_flag=True,
    help="Judge each patch by itself. [default: with the others of its patient, where names say where they lie]",
)
prevalence_option = click.option(
    "--prevalence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Share of malignant patches to restate probabilities for, in a column of their own. Decisions do not change.",
)
by_option = click.option(
    "--by",
    metavar="CSV[:COLUMN]",
    help="Table with the column patient and others (site, scanner, age band, grade): measure by group of each, too.",
)
seed_option = click.option("--seed", type=click.IntRange(0), default=defaults.SEED, help="Seeds everything.")
mpp_option = click.option(
    "--mpp",
    type=float,
    help="um a pixel at full resolution, usually 0.25 at 40x, 0.5 at 20x: of one slide in place of what its file says,"
    " of several where theirs state none.",
)
recipe_file_option = click.option("--recipe-file", type=PATH, help="TOML file with recipes of your own.")

label_options = together(
    click.option(
        "--benign",
        multiple=True,
        metavar="NAME",
        help="Folder of benign patches, at any level; repeat for several. [default: benign, normal, 0, IDC(-), ...]",
    ),
    click.option(
        "--malignant",
        multiple=True,
        metavar="NAME",
        help="Folder of malignant patches. [default: malignant, tumor, cancer, 1, IDC(+), ...]",
    ),
    click.option(
        "--patients",
        type=PATH,
        help="CSV with the columns path,patient, where a path may be a pattern (P1/*). [default: as folders and names"
        " say]",
    ),
)

split_options = together(
    click.option(
        "--split",
        "kind",
        type=click.Choice(["grouped", "official", "kfold", "column", "patch"]),
        default="grouped",
        help="By patient (grouped), the official case lists, one fold of a k-fold by patient, all patients of a site or"
        " the like held out (column), or patches at random (needs --allow-patch-split).",
    ),
    click.option("--split-file", "file", type=PATH, help="CSV with columns patient,split (train, val, test)."),
    click.option("--folds", type=click.IntRange(3), default=5, help="Folds of --split kfold."),
    click.option("--fold", type=click.IntRange(1), default=1, help="Which fold tests."),
    click.option(
        "--split-by",
        metavar="CSV:COLUMN",
        help="Of --split column: a table with the column patient, and another of it.",
    ),
    click.option(
        "--test-value",
        "test_values",
        multiple=True,
        help="Of --split column: a value whose patients test; repeat for several. The others train and validate.",
    ),
    click.option(
        "--test-fraction",
        type=float,
        default=defaults.TEST_FRACTION,
        help="Share of the patches to test on (grouped, patch).",
    ),
    click.option(
        "--val-fraction",
        type=float,
        default=defaults.VAL_FRACTION,
        help="Share that chooses epoch and thresholds (grouped, column, patch).",
    ),
    click.option(
        "--allow-patch-split",
        is_flag=True,
        help="Go on where patients are unknown or --split patch is asked for; every output then says so.",
    ),
    seed_option,
)

training_options = together(
    click.option(
        "--weights",
        default="imagenet",
        metavar="imagenet|auto|none|PATH",
        help="What MobileNetV2 starts from. auto: ImageNet if the network answers, else random, and it says so.",
    ),
    click.option("--epochs", type=click.IntRange(0), default=0, help="Most epochs; 0 leaves each recipe's own."),
    click.option(
        "--max-per-patient",
        type=click.IntRange(0),
        default=defaults.MAX_PER_PATIENT,
        help="Most training patches a patient; 0 for no cap.",
    ),
    click.option("--limit", type=click.IntRange(0), default=0, help="Most training patches in all; 0 for no limit."),
    click.option(
        "--target-recall",
        type=click.FloatRange(0, 1, min_open=True),
        default=defaults.TARGET_RECALL,
        help="Recall on validation patients that the operating threshold is chosen for.",
    ),
    recipe_file_option,
    threads_option,
)


def with_model(command: Command) -> Command:
    """Give a command --model and --threads, and call it with the `model` they stand for."""

    @model_option
    @threads_option
    @wraps(command)
    def loaded(*, model: Path | None, threads: int, **chosen: Any) -> Any:
        found = load(model, threads)
        _ = found.session  # a graph that cannot be run is told before the work
        return command(model=found, **chosen)

    return loaded


def with_executor(command: Command) -> Command:
    """Give a command --workers and --scheduler, and call it with the `executor` they stand for, None for this process.

    Raises:
        UserError: both are given, or the scheduler cannot be used.
    """

    @_executor_options
    @wraps(command)
    def placed(*, workers: int | None, scheduler: str | None, **chosen: Any) -> Any:
        if scheduler is None:
            return command(executor=Processes(workers) if workers is not None else None, **chosen)
        if workers is not None:
            raise UserError("--scheduler and --workers: give one; how many workers a scheduler has is its own matter")
        from cancernet.common.scheduled import Scheduled

        with closing(Scheduled(scheduler)) as executor:
            return command(executor=executor, **chosen)

    return placed


def load(folder: Path | None, threads: int = 0) -> Model:
    """Load the model of a folder, or the one that ships; warn where its answers mean nothing."""
    from cancernet.model.model import load_model

    model = load_model(folder, threads=threads or None)
    if model.synthetic:
        echo("WARNING: this model was trained on SYNTHETIC patches; its answers mean nothing.", err=True)
    if model.shortened:
        echo(
            f"WARNING: this model is of a quick run ({model.shortened}); train it in full before it is used.", err=True
        )
    return model


def echo(text: str, *, err: bool = False) -> None:
    """Print text, of one line or several, that names of files and patients may be in; no terminal obeys those."""
    click.echo("\n".join(map(printable, text.split("\n"))), err=err)


def say(line: str) -> None:
    """Print a line for the user; warnings go to standard error."""
    click.echo(printable(line), err=line.startswith("WARNING: "))


def note(what: str, count: int, where: str) -> bool:
    """Print of what there were how many, and where to look, on standard error; whether there were any."""
    if count:
        click.echo(printable(f"{what}: {count:,}; {where}"), err=True)
    return count > 0


def warn(alarms: Mapping[str, str]) -> None:
    """Print what is to be said of patients or folders whose stain is foreign; of many the first ones."""
    for group, alarm in islice(alarms.items(), defaults.MAX_ALARMS):
        say(f"WARNING: {group}: {alarm}")
    if len(alarms) > defaults.MAX_ALARMS:
        say(f"WARNING: {len(alarms) - defaults.MAX_ALARMS:,} more patients or folders have a foreign stain")


def answered(unsure: int, n: int, where: str) -> bool:
    """Print how many of n patches cannot be judged, and where to look; whether there are any.

    Raises:
        UserError: all of them; the results are written then, and of no use.
    """
    if unsure == n:
        raise UserError(f"not one of {n:,} patches can be judged; {where}")
    return note("patches that cannot be judged", unsure, where)


def collected(chosen: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return a command's values with dataclasses, by their names, in the place of the values they are made of.

    Example:
        >>> from cancernet.data.split import SplitChoice
        >>> made = collected({"kind": "kfold", "folds": 4, "seed": 1, "out": None}, split=SplitChoice)
        >>> made["split"].folds, list(made)
        (4, ['out', 'split'])
    """
    names = {part: {each.name for each in fields(kind)} & chosen.keys() for part, kind in parts.items()}
    rest = {name: value for name, value in chosen.items() if not any(name in own for own in names.values())}
    return rest | {part: parts[part](**{name: chosen[name] for name in own}) for part, own in names.items()}
