"""How a labelled folder is laid out, and what each path in it says about patient and class.

Two layouts, at any depth (a zip often has one more folder on top):
`patient/class` is `PATIENT/{0,1}/file`, the public set's; `class` is `{benign,malignant}/file` or
`{0,1}/file`, where the patient can only come from the file's name.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cancernet.common import defaults
from cancernet.data.headers import BadImage
from cancernet.data.names import parse_name

_SAMPLE = 5000  # paths, evenly spaced, to tell a layout by: as good as all of them, and at once

_NUMBERS = {"0": 0, "1": 1}
_WORDS = {name: label for label, name in enumerate(defaults.CLASS_NAMES)}
_LABELS = _NUMBERS | _WORDS
# Folders that people put between the top and the classes; taken for a patient they would make a "patient"
# of half the data set, and a split that is not by patient at all.
_NOT_PATIENTS = {
    *("train", "training", "val", "valid", "validation", "test", "testing"),
    *("data", "dataset", "images"),
}


class Place(NamedTuple):
    """What a path says."""

    patient: str  # "" unknown
    x: int | None  # px
    y: int | None  # px
    label: int  # 0 benign, 1 malignant


def detect_layout(paths: Sequence[str]) -> str | None:
    """Return the name of the layout that the relative `paths` follow, or None for neither.

    `PATIENT/0/file` and `train/0/file` look alike. File names settle it where they state a patient;
    where they do not, several differently named parents are patients, unless they are named like the
    sides of a split.
    """
    parents: set[str] = set()
    agree = disagree = words = 0
    for path in paths[:: 1 + len(paths) // _SAMPLE]:
        parts = path.split("/")
        folder = parts[-2].lower() if len(parts) > 1 else ""
        if folder in _WORDS:
            words += 1
        elif folder in _NUMBERS:
            parent = parts[-3] if len(parts) > 2 else ""
            parents.add(parent)
            patient = parse_name(parts[-1]).patient
            agree += patient != "" and patient == parent
            disagree += patient not in ("", parent)
    if not parents:
        return "class" if words else None
    if agree or disagree:
        return "patient/class" if agree >= disagree else "class"
    is_split = any(parent.lower() in _NOT_PATIENTS for parent in parents)
    return "class" if len(parents) == 1 or is_split else "patient/class"


def mirrored_folder(sizes: Mapping[str, int]) -> str | None:
    """Return the top folder that repeats everything beside it, as the public zip has one, or None.

    Args:
        sizes: bytes of each file by its relative path.
    """
    tops = Counter(path.partition("/")[0] for path in sizes)
    for top, count in tops.items():
        if 2 * count != len(sizes):
            continue
        inside = {path[len(top) + 1 :]: size for path, size in sizes.items() if path.startswith(f"{top}/")}
        if inside and all(sizes.get(path) == size for path, size in inside.items()):
            return top
    return None


def class_folder(path: str) -> int | None:
    """Return the label that the folder of a file states, or None where it is no class folder."""
    parts = path.split("/")
    return _LABELS.get(parts[-2].lower()) if len(parts) > 1 else None


def place(path: str, layout: str) -> Place:
    """Return patient, position and label of a file in a labelled folder.

    Raises:
        BadImage: it lies in no class folder, or its name contradicts the folder.
    """
    parts = path.split("/")
    label = class_folder(path)
    if label is None:
        raise BadImage("not in a class folder (0, 1, benign or malignant)")
    name = parse_name(parts[-1])
    if name.label is not None and name.label != label:
        raise BadImage(f"label contradicts the file name (folder says {label}, name says {name.label})")
    if layout == "class":
        return Place(sys.intern(name.patient), name.x, name.y, label)
    patient = parts[-3] if len(parts) > 2 else ""
    if name.patient and patient and name.patient != patient:
        raise BadImage(f"patient contradicts the file name (folder says {patient}, name says {name.patient})")
    # A patient has a thousand patches; one string serves them all.
    return Place(sys.intern(patient or name.patient), name.x, name.y, label)
