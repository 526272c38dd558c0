"""The lists are whole, and every name in them is one that a run may know."""

from __future__ import annotations

import re

import pytest

from cancernet.report.checklist import AUTHOR, NAMES, Item, fill_in, load
from cancernet.report.known import facts

SHAPES = {  # rows, and the numbers as published
    "tripod_ai": (52, [str(n) for n in range(1, 28)]),  # Collins et al. 2024, table 2: 27 items
    "stard_ai": (48, [str(n) for n in range(1, 41)]),  # Sounderajah et al. 2025, table 2: 40 items
    "claim_2024": (44, [str(n) for n in range(1, 45)]),  # Tejani et al. 2024
    "probast_ai": (34, [f"{part}{domain}" for part in "DE" for domain in range(1, 5)]),  # Moons et al. 2025: 16 and 18
}


def main(number: str) -> str:
    found = re.match(r"[DE]?\d+", number)
    assert found is not None
    return found.group()


@pytest.mark.parametrize("name", NAMES)
def test_a_list_has_every_item_once_in_order(name: str) -> None:
    rows, mains = SHAPES[name]
    numbers = [item.number for item in load(name).items]
    assert len(numbers) == len(set(numbers)) == rows
    assert list(dict.fromkeys(map(main, numbers))) == mains


def test_the_parts_of_items_are_as_published() -> None:
    def parts(name: str) -> str:
        return " ".join(item.number for item in load(name).items if item.number[-1].isalpha())

    assert parts("stard_ai") == "15a 15b 15c 15d 16a 16b 16c 17a 17b 26a 26b 40a 40b"
    assert parts("tripod_ai").startswith("3a 3b 3c 5a 5b 6a 6b 6c 8a 8b 8c 9a 9b 9c 12a")
    domains = [item.number.partition(".")[0] for item in load("probast_ai").items]
    assert [domains.count(f"D{n}") for n in range(1, 5)] == [3, 4, 4, 5]
    assert [domains.count(f"E{n}") for n in range(1, 5)] == [3, 4, 4, 7]


@pytest.mark.parametrize("name", NAMES)
def test_every_fact_that_a_list_names_can_be_known(name: str, everything: set[str]) -> None:
    named = {fact for item in load(name).items for fact in (*item.facts, item.unless) if fact}
    assert named <= everything, named - everything


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_knows_nothing_leaves_all_but_what_is_always_so_to_the_author(name: str) -> None:
    checklist = load(name)
    for item, (number, topic, answer) in zip(checklist.items, fill_in(checklist, {}), strict=True):
        assert (number, topic) == (item.number, item.topic)
        assert answer == (item.says or AUTHOR)
    assert all((checklist.name, checklist.source, checklist.use))


def test_an_answer_has_what_is_known_and_names_what_is_not() -> None:
    item = Item("1", "topic", says="always", facts=("a", "b"), author="rest", unless="b")
    assert item.answer({"a": "A"}, AUTHOR) == "always; A; rest: author"
    assert item.answer({"a": "A", "b": "B"}, AUTHOR) == "always; A; B"
    assert Item("2", "topic", author="rest").answer({"a": "A"}, "?") == "?"


@pytest.fixture
def everything(manifest, five) -> set[str]:
    """The names of all that the fullest run may know."""
    import pandas as pd

    from cancernet.evaluation.subgroups import subgroups

    rows = five.predictions["baseline"].query("split == 'test'")
    table = pd.DataFrame({"site": "a"}, index=sorted(rows["patient"].unique()))
    splits = five.metrics[0]["splits"]
    test = {**splits["test"], "subgroups": subgroups(rows, table, 0.4, samples=5)}
    test["unsure"] = {"n": 1, "reasons": {"blank": 1}}
    data = {"quarantined": pd.DataFrame({"path": []}), "leakage": {"copies": 0}}
    audit = {"robustness": {"corruptions": {"blur": {}}}}
    folded = manifest_with_folds(manifest)
    return set(facts(folded, {**splits, "test": test}, data=data, audit=audit, explains=True))


def manifest_with_folds(manifest):
    from msgspec.structs import replace

    return replace(manifest, recipe=replace(manifest.recipe, cross_fit=5))
