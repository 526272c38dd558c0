"""Which folders of a tree are patients: those that bear a patient's code, or the one level that tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from cancernet.data.class_folders import Classes, Parts, Sample
from cancernet.data.names import stated
from cancernet.data.words import is_no_patient, is_side

Patients = Mapping[Parts, tuple[int, str]]  # folder -> where in its path the patient stands, and who it is


def find_patients(classes: Classes, weights: Counter[Parts], sample: Sample) -> Patients:
    """Return the patient of each folder that states one; nothing where that is not certain.

    Args:
        classes: from `find_classes`; the patients' level is another.
        weights: number of files directly in each folder.
        sample: folder and name of some of them.
    """
    coded: dict[Parts, tuple[int, str]] = {}
    for parts in weights:
        found = [(i, patient) for i, part in enumerate(parts) if (patient := stated(part))]
        if len({patient for _, patient in found}) == 1:
            coded[parts] = found[-1]
    return coded or _by_level(classes, weights, sample)


def _by_level(classes: Classes, weights: Counter[Parts], sample: Sample) -> Patients:
    # The levels beside the class, of the folders that have as many of them as most files have.
    levels = {
        parts: tuple(i for i in range(len(parts)) if parts not in classes or i != classes[parts][0])
        for parts in classes or weights
    }
    lengths: Counter[int] = Counter()
    for parts, level in levels.items():
        lengths[len(level)] += weights[parts]
    length = lengths.most_common(1)[0][0]
    columns = [
        {parts: (level[j], parts[level[j]]) for parts, level in levels.items() if len(level) == length}
        for j in range(length)
    ]
    named = {name.patient for _, name in sample if name.patient}
    if named:  # their names tell which level it is, if one is
        told = [(parts, name.patient) for parts, name in sample if name.patient]
        agree = [
            2 * sum(parts in c and c[parts][1] == patient for parts, patient in told) >= len(told) for c in columns
        ]
        columns = [column for column, is_it in zip(columns, agree, strict=True) if is_it][:1]
    else:
        columns = [column for column in columns if _tells_apart(column)]
    # Of two levels either could be the patients', and by the finer one a patient might be on two sides of a split.
    if len(columns) != 1 or not (named or _is_patients(columns[0], classes)):
        return {}
    return {
        parts: (at, patient)
        for parts, (at, patient) in columns[0].items()
        if patient in named or not is_no_patient(patient)
    }


def _tells_apart(column: Patients) -> bool:
    """Whether the names of a level differ, and are not of sides, groups or kinds of patches."""
    names = {name for _, name in column.values()}
    return len(names) > 1 and not any(map(is_side, names)) and 2 * sum(map(is_no_patient, names)) < len(names)


def _is_patients(column: Patients, classes: Classes) -> bool:
    """Whether a level that tells apart is of patients: within a class, folders without numbers are kinds of tissue."""
    names = {name for _, name in column.values()}
    within = any(parts in classes and at > classes[parts][0] for parts, (at, _) in column.items())
    return not within or 2 * sum(any(c.isdigit() for c in name) for name in names) >= len(names)
