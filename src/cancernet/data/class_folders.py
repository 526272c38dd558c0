"""Which folders of a tree state the class: those called so in words, or else the level of those called 0 and 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile

from cancernet.common.errors import UserError
from cancernet.data.names import PatchName
from cancernet.data.words import NUMBERS

_SHOWN = 8  # folder names in a message
_MOST_WITHOUT = 0.1  # share of the files in no class folder beside which one class alone is no labelling
_HOW = "name the folders with --benign NAME and --malignant NAME"
_TWO_LEVELS = "two levels of folders could be the classes"

Parts = tuple[str, ...]  # a folder's path
Classes = Mapping[Parts, tuple[int, int]]  # folder -> where in its path the class stands, and which it is
Sample = Sequence[tuple[Parts, PatchName]]  # folder and name of some files


def find_classes(
    weights: Counter[Parts], sample: Sample, word: Callable[[str], int | None], *, given: bool = False
) -> Classes:
    """Return where in each folder's path its class stands, and which it is; nothing where only names state it.

    Args:
        weights: number of files directly in each folder.
        sample: folder and name of some of them.
        word: the class that a folder's name stands for, 0 or 1, or None.
        given: whether the user has named the folders, so that 0 and 1 are none unless named.

    Raises:
        UserError: folders of both classes above one file, two levels that could be the classes, or none; says what
            was seen.
    """
    words = _by_words(weights, word)
    numbers = {} if given else _by_numbers(weights, sample)
    if _divide(words) == _divide(numbers) and _contradict(words, numbers):
        by_words, by_numbers = _agreement(words, sample), _agreement(numbers, sample)
        if by_words == by_numbers:
            raise _ambiguous(weights, _TWO_LEVELS)
        words, numbers = (words, {}) if by_words > by_numbers else ({}, numbers)
    for classes in (words, numbers):
        if _divide(classes):
            return classes
    one = numbers or words
    stated = {name.label for _, name in sample} - {None}
    if stated and (not one or (not numbers and stated != {label for _, label in words.values()})):
        return {}  # one folder above patches whose names tell: "IDC/8863_idx5_x1_y1_class0.png"
    without = sum(weights.values()) - sum(weights[parts] for parts in one)
    if not one or without > _MOST_WITHOUT * sum(weights.values()):
        raise _unknown(weights, one, given=given)
    return one


def _by_words(weights: Counter[Parts], word: Callable[[str], int | None]) -> Classes:
    """Return the classes of the folders in whose path is a word for one.

    Raises:
        UserError: there are words for both in one path.
    """
    said = {
        parts: [(i, label) for i, part in enumerate(parts) if (label := word(part)) is not None] for parts in weights
    }
    said = {parts: found for parts, found in said.items() if found}
    shared = _shared(said)
    inner = {parts: [(i, label) for i, label in found if i >= shared] for parts, found in said.items()}
    if len({label for found in inner.values() for _, label in found}) > 1:
        said = inner  # a folder above all of them says nothing of one: "cancer/benign", "cancer/malignant"
    both = [parts for parts, found in said.items() if len({label for _, label in found}) > 1]
    if both:
        count = sum(weights[parts] for parts in both)
        raise _ambiguous(weights, f"{count:,} files lie below folders of both, such as {'/'.join(both[0])}/")
    return {parts: found[-1] for parts, found in said.items() if found}


def _by_numbers(weights: Counter[Parts], sample: Sample) -> Classes:
    """Return the classes of folders called 0 and 1, of that level above the files where most are called so.

    Raises:
        UserError: two levels of folders are called so, and names do not tell which is the class.
    """
    deepest = max(map(len, weights), default=0)
    levels = [
        {
            parts: (len(parts) - up, NUMBERS[parts[-up]])
            for parts in weights
            if len(parts) >= up and parts[-up] in NUMBERS
        }
        for up in range(1, 1 + deepest)
    ]
    ranks = [(_divide(level), sum(weights[parts] for parts in level), _agreement(level, sample)) for level in levels]
    best = max(ranks, default=(False, 0, 0))
    if not best[1]:
        return {}
    if best[0] and ranks.count(best) > 1:
        raise _ambiguous(weights, _TWO_LEVELS)
    return levels[ranks.index(best)]


def _shared(folders: Iterable[Parts]) -> int:
    """Return how many folders at the top all paths have in common."""
    return sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, zip(*folders, strict=False)))


def _divide(classes: Classes) -> bool:
    return len({label for _, label in classes.values()}) > 1


def _contradict(words: Classes, numbers: Classes) -> bool:
    """Whether folders called 0 and 1 below words say other than these; if not all are so called, they are patients."""
    below = [parts for parts in words if parts in numbers and numbers[parts][0] > words[parts][0]]
    return len(below) == len(words) and any(words[parts][1] != numbers[parts][1] for parts in below)


def _agreement(classes: Classes, sample: Sample) -> int:
    """Return in how many names more the class is the folder's than it is not."""
    said = [(classes[parts][1], name.label) for parts, name in sample if parts in classes and name.label is not None]
    return sum(1 if folder == name else -1 for folder, name in said)


def _seen(weights: Counter[Parts]) -> str:
    """Return the names of the folders, with the number of files below each."""
    shared = _shared(weights)
    names: Counter[str] = Counter()
    for parts, count in weights.items():
        names.update(dict.fromkeys(parts[shared:] or parts[-1:], count))
    if not names:
        return "no folders, only files"
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return "folders " + ", ".join(f"{name} ({count:,} files)" for name, count in names.most_common(_SHOWN)) + more


def _unknown(weights: Counter[Parts], one: Classes, *, given: bool) -> UserError:
    what = "no folder says which patches are benign and which malignant"
    if one:
        word = ("benign", "malignant")[next(iter(one.values()))[1]]
        what = f"folders say which patches are {word}, and not what the others are"
    elif given:
        what = "no folder has one of the names given"
    return UserError(f"no known layout: {what}; seen: {_seen(weights)}; {_HOW}")


def _ambiguous(weights: Counter[Parts], what: str) -> UserError:
    return UserError(f"the classes are not clear: {what}; seen: {_seen(weights)}; {_HOW}, or rename what misleads")
