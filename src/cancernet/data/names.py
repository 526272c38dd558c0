"""What a patch's file name says: patient, position in the section, class."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

# PATIENT_idx5_xX_yY_classC: the naming of the public IDC set. The class is optional, because patches to
# be predicted have none.
_NAME = re.compile(r"(?P<patient>.+)_idx\d+_x(?P<x>\d{1,9})_y(?P<y>\d{1,9})(?:_class(?P<label>[01]))?", re.IGNORECASE)


class PatchName(NamedTuple):
    """What is known from a name alone; `patient` is "" and the others None where it does not say."""

    patient: str
    x: int | None  # px, left edge of the patch in its section
    y: int | None  # px, top edge
    label: int | None  # 0 benign, 1 malignant


_UNKNOWN = PatchName("", None, None, None)


def parse_name(path: str) -> PatchName:
    """Read patient, x, y (px) and label from a path ending in `PATIENT_idx5_xX_yY_classC.png`.

    Any folder before it, any extension and any number after `idx` will do. A name of another form is
    not an error: it gives an empty patient and None for the rest.

    Source: file names of the "Breast Histopathology Images" set (Cruz-Roa et al. 2014).

    Example:
        >>> parse_name("10253/1/10253_idx5_x501_y351_class1.png")
        PatchName(patient='10253', x=501, y=351, label=1)
    """
    name = path.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    match = _NAME.fullmatch(stem)
    if match is None:
        return _UNKNOWN
    patient, x, y, label = match.groups()
    return PatchName(patient, int(x), int(y), None if label is None else int(label))


def group_of(path: str, top: Path | str = ".") -> str:
    """Return whose patch a path is of, as far as it says: the patient of its name, or else the folder it lies in.

    Args:
        path: "/" between folders.
        top: how the folder is called that a path without one lies in.

    Example:
        >>> group_of("a/8863_idx5_x1_y1.png"), group_of("slides/b/x.png"), group_of("x.png", "mine")
        ('8863', 'slides/b', 'mine')
    """
    return parse_name(path).patient or path.rpartition("/")[0] or str(top)
