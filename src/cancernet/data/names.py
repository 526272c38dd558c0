"""What a patch's file name says: patient, position in the section, class."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

# PATIENT_idx5_xX_yY_classC: the naming of the public IDC set. The class is optional, because patches to
# be predicted have none.
_NAME = re.compile(
    r"(?P<patient>.+)_idx(?P<index>\d+)_x(?P<x>\d{1,9})_y(?P<y>\d{1,9})(?:_class(?P<label>[01]))?", re.IGNORECASE
)
# SOB_B_A-14-22549AB-40-001 of BreakHis, and its folders SOB_B_A_14-22549AB: class, subtype, year and number.
_BREAKHIS = re.compile(r"SOB_([BM])_[A-Z]+[-_](\d+-\d+[A-Z]*)(?:[-_].*)?", re.IGNORECASE)
# TCGA-A7-A0D9-01Z-00-DX1: project, site and patient; what follows is a sample and a slide of that patient.
_TCGA = re.compile(r"(?<![A-Z0-9])TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}(?![A-Z0-9])", re.IGNORECASE)


PUBLIC_INDEX = "5"  # after "idx" in the public set, where a patient has one section; another number is another section


class PatchName(NamedTuple):
    """What is known from a name alone; `patient` is "" and the others None where it does not say."""

    patient: str
    x: int | None  # px, left edge of the patch in its section
    y: int | None  # px, top edge
    label: int | None  # 0 benign, 1 malignant


_UNKNOWN = PatchName("", None, None, None)


def parse_name(path: str) -> PatchName:
    """Read patient, x, y (px) and label from a path ending in `PATIENT_idx5_xX_yY_classC.png`.

    Any folder before it, any extension and any number after `idx` will do. Names of BreakHis state patient and label,
    those with a TCGA barcode the patient. A name of another form is not an error: it gives an empty patient and None
    for the rest.

    Source: file names of the "Breast Histopathology Images" set (Cruz-Roa et al. 2014), of BreakHis (Spanhol et al.
    2016), and the barcodes of the Genomic Data Commons.

    Example:
        >>> parse_name("10253/1/10253_idx5_x501_y351_class1.png")
        PatchName(patient='10253', x=501, y=351, label=1)
        >>> parse_name("TCGA-A7-A0D9-01Z-00-DX2_18001_13001.jpg").patient
        'TCGA-A7-A0D9'
    """
    name = path.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    match = _NAME.fullmatch(stem)
    if match is not None:
        patient, x, y, label = match.group("patient", "x", "y", "label")
        return PatchName(stated(patient) or patient, int(x), int(y), None if label is None else int(label))
    found = _BREAKHIS.fullmatch(stem)
    if found is not None:
        return PatchName(found[2].upper(), None, None, int(found[1] in "Mm"))
    patient = stated(stem)
    return PatchName(patient, None, None, None) if patient else _UNKNOWN


def stated(text: str) -> str:
    """Return the one patient whose TCGA barcode, or name in BreakHis, a file or folder bears; "" for none or several.

    Example:
        >>> stated("SOB_B_A_14-22549AB"), stated("slides of tcga-a7-a0d9-01Z"), stated("8863")
        ('14-22549AB', 'TCGA-A7-A0D9', '')
    """
    found = _BREAKHIS.fullmatch(text)
    if found is not None:
        return found[2].upper()
    patients = {code.upper() for code in _TCGA.findall(text)}
    return patients.pop() if len(patients) == 1 else ""


def relabelled(path: str, label: int) -> str:
    """Return the stem of a file's name that states this class and is else the same, or that states none.

    "" where it states the other class and has no place for this one, as names of BreakHis.

    Example:
        >>> relabelled("a/8863_idx5_x1_y51.png", 1), relabelled("8863_idx5_x1_y51_class1.png", 0)
        ('8863_idx5_x1_y51_class1', '8863_idx5_x1_y51_class0')
        >>> relabelled("b.jpg", 0), relabelled("SOB_M_DC-14-2523-40-001.png", 0)
        ('b', '')
    """
    name = path.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    match = _NAME.fullmatch(stem)
    if match is not None:
        bare = stem if match["label"] is None else stem[: -len("_class0")]
        return f"{bare}_class{label}"
    return stem if parse_name(name).label in (None, label) else ""


def specimen_of(path: str) -> str:
    """Return what is stitched together: what a name states before its position, as a slide of a patient; "" for none.

    The number after `idx` counts too: a patient's second slide has another than the 5 of the public set.

    Example:
        >>> specimen_of("a/8863_idx5_x1_y51.png"), specimen_of("a/TCGA-A7-A0D9-01Z-00-DX1_idx5_x1_y1.png")
        ('8863', 'TCGA-A7-A0D9-01Z-00-DX1')
        >>> specimen_of("a/8863_idx6_x1_y51.png")
        '8863_idx6'
    """
    name = path.rpartition("/")[2]
    match = _NAME.fullmatch(name.rpartition(".")[0] or name)
    if match is None:
        return ""
    index = match["index"].lstrip("0")  # as text: it may be of any length
    return match["patient"] if index == PUBLIC_INDEX else f"{match['patient']}_idx{index}"


def section_of(path: str, patient: str) -> str:
    """Return which section a patch is of: its patient, and the slide of hers where its name states one; "" if unknown.

    Patches of two slides of a patient are of two sections, whose places have nothing to do with each other.

    Example:
        >>> section_of("a/8863_idx5_x1_y1.png", "8863"), section_of("a/8863_idx6_x1_y1.png", "8863")
        ('8863', '8863/8863_idx6')
    """
    specimen = specimen_of(path)
    return f"{patient}/{specimen}" if patient and specimen not in ("", patient) else patient


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
