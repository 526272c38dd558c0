"""Checklists that journals ask for, filled in where the files of a run know the answer: one engine, a table a list.

What is filled in is a start and no seal: whether a report is sound, and all that no file holds, is for its authors.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

AUTHOR = "author"  # in place of an answer that no file holds
NAMES = ("tripod_ai", "stard_ai", "claim_2024", "probast_ai")


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item of a list: its number as published, its topic in our words, and what it is answered with.

    `says` is so whatever the run; `facts` are names of what a run knows; `author` is what only an author can add,
    unless the fact `unless` is known.
    """

    number: str
    topic: str
    says: str = ""
    facts: tuple[str, ...] = ()
    author: str = ""
    unless: str = ""

    def answer(self, facts: Mapping[str, str], unknown: str) -> str:
        """Return what is known of the item, and what of it is not."""
        known = [text for text in (self.says, *(facts.get(name, "") for name in self.facts)) if text]
        if not known:
            return unknown
        if self.author and not (self.unless and facts.get(self.unless)):
            known.append(f"{self.author}: {unknown}")
        return "; ".join(known)


class Checklist(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list: its name, where it was published, what it is for, and its items in order."""

    name: str
    source: str
    use: str
    items: tuple[Item, ...]


@cache
def load(name: str) -> Checklist:
    """Return one of the lists in `NAMES`."""
    text = (resources.files("cancernet.report") / "checklists" / f"{name}.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Checklist)


def fill_in(checklist: Checklist, facts: Mapping[str, str], *, unknown: str = AUTHOR) -> list[tuple[str, str, str]]:
    """Return every item as (number, topic, answer).

    Args:
        checklist: from `load`.
        facts: what the run knows, by name, from `report.known.facts`.
        unknown: what stands where no fact is known.
    """
    return [(item.number, item.topic, item.answer(facts, unknown)) for item in checklist.items]
