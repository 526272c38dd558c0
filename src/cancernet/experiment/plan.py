"""Plan how many local patients are needed, from a model's bundle or from results, and leave a page of it."""

from __future__ import annotations

from pathlib import Path

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.files import safe_name
from cancernet.common.output import Output
from cancernet.common.provenance import begin, minutes_since
from cancernet.evaluation.pilot import Pilot, pilot
from cancernet.evaluation.plan import Plan, PlanOptions
from cancernet.evaluation.plan import plan as foretell
from cancernet.evaluation.results import FLOOR
from cancernet.experiment.compare import read
from cancernet.experiment.data import Say
from cancernet.model.bundle import MANIFEST
from cancernet.model.decide import sigmoid
from cancernet.model.held_out import read_held_out
from cancernet.model.model import Model, load_model
from cancernet.report.plan_page import NAMES, write_plan


def plan(
    model: Model | None = None,
    *,
    out: Path | str,
    results: Path | str | None = None,
    split: str = "test",
    against: Path | str | None = None,
    ask: PlanOptions | None = None,
    patches: int = 0,
    seed: int = defaults.SEED,
    say: Say = print,
) -> Plan:
    """Say how many local patients are needed for a threshold, for an estimate, and to tell two models apart.

    Samples of patients are drawn from those that the model did not learn from, with all their patches.

    Args:
        model: from `load_model`; by default the one that ships. Its bundle keeps the scores of patients held out.
        out: folder for plan.html, plan.csv, plan.json and plan.png.
        results: in place of a model, a folder of results that `evaluate` or `run` left: its patients are drawn from.
        split: which side of the results.
        against: bundle or folder of results of another model on the same patients, to plan a comparison with it; by
            default the colour floor that goes with the model or the results.
        ask: what is asked for.
        patches: at most so many of each patient, drawn at random, where no more will be labelled; all with 0.
        seed: of every draw.
        say: where lines for the user go.

    Raises:
        UserError: a bundle that keeps no scores, too few patients, two models on other patients, or a place that cannot
            be written.
    """
    facts = begin()
    if model is not None and results is not None:
        raise UserError("a model and results: give one; the patients of results are drawn from without the model")
    model = None if results is not None else model or load_model()
    inputs = [Path(each) for each in (results, against) if each is not None]
    with Output(Path(out), "plan", inputs=inputs, names=NAMES) as output:
        place = model if results is None else Path(results).expanduser()
        assert place is not None  # one of the two is given
        first, other = _pilots(place, split, patches, seed)
        if against is not None:
            second = Path(against).expanduser()
            place = load_model(second) if (second / MANIFEST).is_file() else second
            other = _told_apart(first, _pilots(place, split, patches, seed)[0], second)
        ask = ask or PlanOptions(target_recall=model.manifest.target_recall if model else defaults.TARGET_RECALL)
        made = foretell(
            first,
            other,
            ask,
            seed=seed,
            synthetic=model is not None and model.synthetic,
            shortened=model.shortened if model else "",
        )
        run = {
            **facts,
            "minutes": minutes_since(facts["started"]),
            "seed": seed,
            "patches_of_a_patient": patches or "all",
        }
        say(f"page: {write_plan(output, made, run)}")
        return made


def _pilots(place: Model | Path, split: str, patches: int, seed: int) -> tuple[Pilot, Pilot | None]:
    return of_model(place, patches, seed) if isinstance(place, Model) else of_results(place, split, patches, seed)


def of_model(model: Model, patches: int, seed: int) -> tuple[Pilot, Pilot]:
    """Return the patients held out of a model as the model and as its colour floor sees them.

    Raises:
        UserError: its bundle keeps none, or too few.
    """
    table = read_held_out(model)
    if table is None:
        raise UserError(
            f"{model.folder}: this bundle keeps no scores of patients held out (it is of an older CancerNet, or was "
            "trained without known patients); give --results FOLDER of `cancernet evaluate`, or train it again"
        )
    of = f"{table['patient'].nunique()} patients held out of {model.name}"
    floor = table.assign(probability=sigmoid(table["floor"]))
    threshold = model.manifest.floor.thresholds.target_recall
    return (
        pilot(model.name, of, table, model.threshold, patches=patches, seed=seed),
        pilot(FLOOR, of, floor, threshold, patches=patches, seed=seed),
    )


def of_results(folder: Path, split: str, patches: int, seed: int) -> tuple[Pilot, Pilot | None]:
    """Return the patients of a folder of results as its model, and as the colour floor beside it, sees them.

    Raises:
        UserError: no such results, or too few patients.
    """
    found: list[Pilot] = []
    for place in (folder, folder / safe_name(FLOOR)):
        if found and not place.is_dir():
            break
        name, rows, thresholds = read(place, split)
        if "target_recall" not in thresholds:
            raise UserError(f"{place}: its metrics name no threshold for the target recall; evaluate the model again")
        rows = rows.sort_values("path", kind="stable")  # so that the same patches of both are drawn
        of = f"the {split} patients of {place.name}"
        found.append(pilot(name, of, rows, thresholds["target_recall"], patches=patches, seed=seed))
    return found[0], found[1] if len(found) > 1 else None


def _told_apart(first: Pilot, other: Pilot, place: Path) -> Pilot:
    """Name the other model by its folder where both have one name."""
    if other.name != first.name:
        return other
    return Pilot(place.resolve().name or "the other", other.of, other.table, other.threshold)
