"""Folders that repeat others, as the public zip has one: whose patches would count twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from cancernet.data.source import Member
from cancernet.data.words import NUMBERS, class_of

_NEARLY = 0.9  # share of a folder's files that another has too, to call it a copy
_LEAST = 2  # files; one alone may be called and sized alike by chance
_COMPARED = 50  # files of a copy that are read to see that it is one; a copy that has changed differs in nearly all

Pair = tuple[Member, Member]  # copy, original
Folders = tuple[str, str]  # of the copy, of the original; "" the root


class Mirror(NamedTuple):
    """A folder that repeats another."""

    folder: str  # "" the root, what lies in `of` left aside
    of: str  # "" the root
    copies: list[Member]  # its files that the other one has too


def find_mirrors(members: Sequence[Member], alike: Callable[[Member, Member], bool]) -> list[Mirror]:
    """Return the folders, at any depth, that nearly wholly repeat another: same names, sizes, places within.

    Folders of two classes are no copies of each other, whatever lies in them.

    Args:
        members: all files.
        alike: whether two files have the same content; asked of some of each folder.
    """
    mirrors: list[Mirror] = []
    while True:  # of three alike, two may be seen as copies of the third only one after the other
        found = _find(members, alike)
        if not found:
            return mirrors
        mirrors += found.values()
        gone = {copy.path for mirror in found.values() for copy in mirror.copies}
        members = [member for member in members if member.path not in gone]


def _find(members: Sequence[Member], alike: Callable[[Member, Member], bool]) -> dict[str, Mirror]:
    found: dict[str, Mirror] = {}
    within: Counter[str] = Counter()
    for (deeper, other), pairs in sorted(_pairs(members).items()):
        within = within or _counts(members)
        nested = not other or deeper.startswith(f"{other}/")
        beside = within[other] - (within[deeper] if nested else 0)
        if len(pairs) >= max(_LEAST, _NEARLY * within[deeper]):
            mirror = Mirror(deeper, other, [copy for copy, _ in pairs])
        elif len(pairs) >= max(_LEAST, _NEARLY * beside):  # the one that seemed the original is part of the other
            mirror = Mirror(other, deeper, [original for _, original in pairs])
        else:
            continue
        if {deeper, other}.isdisjoint(found) and all(alike(*pair) for pair in pairs[:: 1 + len(pairs) // _COMPARED]):
            found[mirror.folder] = mirror
    return found


def _pairs(members: Sequence[Member]) -> dict[Folders, list[Pair]]:
    """Return the pairs of files, copy and original, that are alike in name, size and tail, by what is above."""
    if len({member.path.rpartition("/")[2] for member in members}) == len(members):  # as in the public set
        return {}
    groups: dict[tuple[str, int], list[tuple[str, Member]]] = defaultdict(list)
    for member in members:
        folder, _, name = member.path.rpartition("/")
        if member.size:
            groups[name, member.size].append((folder, member))
    # A tree has few folders: how two of them are related is asked once, and not for each of their files.
    parts = cache(lambda folder: tuple(folder.split("/")) if folder else ())
    relate = cache(lambda a, b: _relate(parts(a), parts(b)))
    pairs: dict[Folders, list[Pair]] = defaultdict(list)
    for group in groups.values():
        if len(group) > 2:  # sorted by their folders from below, those with the longest common tail stand side by side
            group.sort(key=lambda each: parts(each[0])[::-1])
        for (a, first), (b, second) in pairwise(group):
            related = relate(a, b)
            if related is not None:
                folders, swap = related
                pairs[folders].append((first, second) if swap else (second, first))
    return pairs


def _relate(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[Folders, bool] | None:
    """Return copy and original of what stands above the common tail of two folders, and whether `a` is of the copy."""
    tail = 0
    while tail < min(len(a), len(b)) and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    first, second = a[: len(a) - tail], b[: len(b) - tail]
    original, copy = sorted((first, second), key=lambda parts: (len(parts), parts))
    nested = copy[: len(original)] == original
    if (not tail and not nested) or not _of_one_class(a[len(a) - tail :], first, second):
        return None
    return ("/".join(copy), "/".join(original)), copy == first


def _of_one_class(tail: Sequence[str], *above: Sequence[str]) -> bool:
    """Whether two files are of one class as far as folders say: by what they share, or by what they do not."""
    if any(map(_class, tail)):
        return True
    first, second = ({said for part in parts if (said := _class(part))} for parts in above)
    return first == second


def _class(folder: str) -> str:
    label = NUMBERS.get(folder, class_of(folder))
    return "" if label is None else str(label)


def _counts(members: Sequence[Member]) -> Counter[str]:
    """Return the number of files below each folder."""
    below = Counter({"": len(members)})
    for folder, count in Counter(member.path.rpartition("/")[0] for member in members).items():
        parts = folder.split("/")
        if folder:
            below.update({"/".join(parts[:depth]): count for depth in range(1, 1 + len(parts))})
    return below
