"""How a labelled folder is laid out, and what each path in it says about patient and class.

The class is a folder at any level, called as people call it (`cancernet.data.words`) or as `Labels` says, or else part
of the file's name. The patient is what the name or a folder states, or the one level of folders that tells patients
apart. Where that is not certain the patient is unknown: a wrong one would let a test know its answers.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from cancernet.common.limits import read_bytes
from cancernet.data.class_folders import Classes, find_classes
from cancernet.data.headers import BadImage
from cancernet.data.names import parse_name
from cancernet.data.patient_folders import find_patients
from cancernet.data.patient_list import WHAT, read_patients
from cancernet.data.words import class_of

_SAMPLE = 5000  # names, evenly spaced, to check folders by: as good as all of them, and at once
_USUAL = ({"0", "benign"}, {"1", "malignant"})


@dataclass(frozen=True)
class Labels:
    """What a user says of a labelled folder that its paths do not.

    Args:
        benign: names of the folders of class 0, at any level; by default as people call them (`benign`, `normal`, `0`).
        malignant: names of the folders of class 1; by default `malignant`, `tumor`, `IDC(+)`, `1` and the like.
        patients: CSV with the columns path (or a shell pattern over paths) and patient; by default names and folders
            say whose a patch is.
    """

    benign: Sequence[str] = ()
    malignant: Sequence[str] = ()
    patients: Path | None = None

    def class_of(self, folder: str) -> int | None:
        """Return the class that a folder's name stands for, 0 or 1, or None."""
        for label, names in enumerate((self.benign, self.malignant)):
            if folder.casefold() in (name.rstrip("/").rpartition("/")[2].casefold() for name in names):
                return label
        word = class_of(folder)
        return None if word is None or (self.benign, self.malignant)[word] else word

    def digest(self) -> bytes:
        """Return bytes that differ where what is said does, also in the list of patients; raises as `read_bytes`."""
        listed = b"" if self.patients is None else read_bytes(Path(self.patients).expanduser(), WHAT)
        return repr((tuple(self.benign), tuple(self.malignant), self.patients is None)).encode() + listed


class Place(NamedTuple):
    """What a path says."""

    patient: str  # "" unknown
    x: int | None  # px
    y: int | None  # px
    label: int  # 0 benign, 1 malignant


class Folder(NamedTuple):
    """What a folder says of the files in it."""

    label: int | None
    patient: str  # "" unknown


@dataclass(frozen=True)
class Layout:
    """How a set of paths is laid out: what each folder says, and what a user's list says of whose they are."""

    name: str
    folders: Mapping[str, Folder]
    by_name: bool = False  # whether the names of the files state the class, and no folder does
    patients: Mapping[str, str] | None = None  # of each path; nothing without a list
    notes: list[str] = field(default_factory=list)  # what a reader of the results has to know


def detect_layout(paths: Sequence[str], labels: Labels | None = None) -> Layout:
    """Find out which folders state the class and which the patient.

    Args:
        paths: of all files, relative, "/" between folders.
        labels: what the user says of them.

    Raises:
        UserError: no folder and no name tells the classes apart, or they contradict each other: it says what was seen;
            or a list of patients that cannot be used.
    """
    labels = labels or Labels()
    counts = Counter(path.rpartition("/")[0] for path in paths)
    folders = {name: tuple(name.split("/")) if name else () for name in counts}
    sample = [(folders[path.rpartition("/")[0]], parse_name(path)) for path in paths[:: 1 + len(paths) // _SAMPLE]]
    weights = Counter({folders[name]: count for name, count in counts.items()})
    classes = find_classes(weights, sample, labels.class_of, given=bool(labels.benign or labels.malignant))
    patients = find_patients(classes, weights, sample)
    said = {
        name: Folder(classes[parts][1] if parts in classes else None, patients[parts][1] if parts in patients else "")
        for name, parts in folders.items()
    }
    order = "class"
    if patients and classes:
        above = sum(at < classes[parts][0] for parts, (at, _) in patients.items())
        order = "patient/class" if 2 * above >= len(patients) else "class/patient"
    name = f"{order}{_called(classes)}" if classes else "class in the file name"
    if labels.patients is None:
        return Layout(name, said, not classes)
    file = Path(labels.patients).expanduser()
    whose = read_patients(file, paths)
    return Layout(f"{name}, patients by {file.name}", said, not classes, whose.patients, whose.notes)


def place(path: str, layout: Layout) -> Place:
    """Return patient, position and label of a file in a labelled folder.

    Raises:
        BadImage: no folder and no name states its class, or its name contradicts the folder.
    """
    folder, _, file = path.rpartition("/")
    said, name = layout.folders[folder], parse_name(file)
    label = name.label if layout.by_name else said.label
    if label is None:
        raise BadImage("not in a class folder (0, 1, benign or malignant)")
    if name.label is not None and name.label != label:
        raise BadImage(f"label contradicts the file name (folder says {label}, name says {name.label})")
    if layout.patients is not None:
        patient = layout.patients.get(path, "")
    elif said.patient and name.patient and name.patient != said.patient:
        raise BadImage(f"patient contradicts the file name (folder says {said.patient}, name says {name.patient})")
    else:
        patient = said.patient or name.patient
    # A patient has a thousand patches; one string serves them all.
    return Place(sys.intern(patient), name.x, name.y, label)


def _called(classes: Classes) -> str:
    """Return what the classes are called, where it is not what anybody expects: a reader has to see what was taken."""
    names: list[set[str]] = [set(), set()]
    for parts, (at, label) in classes.items():
        names[label].add(parts[at])
    if all({name.casefold() for name in found} <= usual for found, usual in zip(names, _USUAL, strict=True)):
        return ""
    benign, malignant = (", ".join(sorted(found)) or "none" for found in names)
    return f" (benign: {benign}; malignant: {malignant})"
