"""The checklists of a run, filled in with what the headline's model and its evaluation know."""

from __future__ import annotations

from collections.abc import Sequence

from cancernet.evaluation.results import RunResults, chosen
from cancernet.model.model import Model
from cancernet.report.checklist import NAMES, fill_in, load
from cancernet.report.known import facts


def fill_in_checklists(results: RunResults, models: Sequence[Model]) -> dict[str, list[tuple[str, str, str]]]:
    """Fill in what the headline's model and its evaluation know of each checklist: name -> (number, topic, answer)."""
    best, _ = chosen(results)
    model = next(each for each in models if each.name == best.model)
    splits = next(entry["splits"] for entry in results.metrics if entry["model"] == best.model)
    known = facts(model.manifest, splits, data=results.data, explains=model.can_explain, card="the model card")
    return {each.name: fill_in(each, known) for each in map(load, NAMES)}
