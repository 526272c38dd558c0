"""What people call their folders: the classes, the sides of a split, and what else stands there that is no patient."""

from __future__ import annotations

import re
from functools import lru_cache

NUMBERS = {"0": 0, "1": 1}  # of folders; a class only where a whole level of the tree is so called
# All in small letters, in the singular, without what separates words.
_MALIGNANT = {
    *("malignant", "malign", "malignancy", "tumor", "tumour", "tumoral", "tumorous", "cancer", "cancerous"),
    *("carcinoma", "positive", "pos", "idc", "class1", "label1"),
}
_BENIGN = {"benign", "normal", "healthy", "negative", "neg", "class0", "label0"}
_NOT = ("non", "not", "no")  # non-IDC, no tumor
_SIGN = re.compile(r"(.*?)[\s_]*(?:\(\s*([+-])\s*\)|([+-]))")  # IDC(-), IDC+
_DASHES = str.maketrans("\u2010\u2011\u2012\u2013\u2212\uff0b\uff0d", "-----+-")
# What people add: "0_benign", "benign patches".
_ADDED = re.compile(r"(?:[01](?=[a-z]))?(.+?)(?:patche?|image|tile|tissue|sample|case|slide)?s?")

_SIDES = {"train", "training", "val", "valid", "validation", "dev", "test", "testing", "holdout", "eval", "evaluation"}
_GROUPS = {  # of patches, perhaps of several patients or of a part of one; with or without a number
    *("data", "dataset", "image", "img", "patch", "patche", "tile", "crop", "roi", "region", "slide", "wsi", "scan"),
    *("fold", "split", "part", "batch", "set", "subset", "group", "cohort", "site", "lab", "center", "centre"),
    *("hospital", "scanner", "stain", "level", "zoom", "magnification", "folder", "dir", "class", "label", "type"),
    *("grade", "cv", "original", "augmented", "raw", "png", "jpg", "jpeg", "tif", "tiff", "sob", "breast", "histology"),
}
_HEADINGS = {"patient", "case", "subject", "specimen", "sample", "individual"}  # a patient with a number alone
_SUBTYPE = re.compile(
    r".*(?:carcinoma|adenoma|adenosis|hyperplasia|tumou?r)s?|dcis|lcis|insitu|invasive|ductal|lobular|mucinous"
    r"|papillary|tubular|phyllodes"
)
_MAGNIFICATION = re.compile(r"x?\d+(?:\.\d+)?x|x\d+", re.IGNORECASE)


@lru_cache(maxsize=10_000)
def class_of(folder: str) -> int | None:
    """Return the class that a folder's name says, 0 benign or 1 malignant, or None where it says none.

    Example:
        >>> class_of("IDC(-)"), class_of("Tumours"), class_of("class_0"), class_of("8863")
        (0, 1, 0, None)
    """
    name = folder.translate(_DASHES).casefold().strip()
    signed = _SIGN.fullmatch(name)
    if signed and (signed[2] or _plain(signed[1]) == "idc"):  # a bare dash may end any name
        return None if _plain(signed[1]) not in _MALIGNANT else int("+" in signed.groups())
    plain = _plain(name)
    for word in (plain, _ADDED.fullmatch(plain)[1] if plain else ""):  # type: ignore[index]  # it takes any text
        if word in _MALIGNANT:
            return 1
        denied = (word.removeprefix(no) for no in _NOT if word.startswith(no))
        if word in _BENIGN or any({each, each.removesuffix("s")} & _MALIGNANT for each in denied):
            return 0
    return None


@lru_cache(maxsize=10_000)
def is_side(folder: str) -> bool:
    """Whether a folder is called like a side of a split."""
    return _plain(folder.casefold()).removesuffix("s").rstrip("0123456789") in _SIDES


@lru_cache(maxsize=100_000)
def is_no_patient(folder: str) -> bool:
    """Whether a folder's name says that it is something else than a patient: a side, a group, a subtype, a lens."""
    plain = _plain(folder.casefold()).removesuffix("s")
    stem = plain.rstrip("0123456789")
    return (
        is_side(folder)
        or stem in _GROUPS
        or plain in _HEADINGS
        or bool(_MAGNIFICATION.fullmatch(folder))
        or bool(_SUBTYPE.fullmatch(_plain(folder.casefold())))
    )


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text)
