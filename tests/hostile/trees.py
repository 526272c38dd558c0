"""Folders of patches, copies of them and archives, as rows want them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from hostile.case import MODEL, Case
from hostile.made import tissue

PREDICT = ("predict", "HERE/d", "--model", str(MODEL), "--out", "OUT/p.csv")
EXPLAIN = ("explain", "HERE/d", "--out", "OUT", "--max-images", "1")  # the small model cannot
CHECK = ("data", "check", "HERE/d", "--out", "OUT")
BYTES = "caf\udce9"  # a name that is not UTF-8
SIX = ("P1", "P2", "P3", "P4", "P5", "P6")


def encoded(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


def fill(here: Path, names: Iterable[str], *, first: int = 0) -> None:
    """Write a patch of its own for each name."""
    for seed, name in enumerate(names, first):
        file = here / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encoded(tissue(seed)))


def named(*names: str) -> Callable[[Path], None]:
    return lambda here: fill(here, [f"d/{name}" for name in names])


def tree(form: str, classes: Sequence[str] = ("benign", "malignant"), patients: Sequence[str] = SIX) -> list[str]:
    """Two patches of each patient and class."""
    return [form.format(p=p, c=c, i=i) for p in patients for c in classes for i in range(2)]


def check(name: str, names: Iterable[str], *says: str, code: int = 0, options: tuple[str, ...] = ()) -> Case:
    return Case(name, named(*names), (*CHECK, *options), code, says)


def mirrored(form: str, short: int = 0) -> Callable[[Path], None]:
    """A set of 24 patches and a copy of it, some files of which are missing."""

    def make(here: Path) -> None:
        names = tree("{p}/{c}/{p}_{i}.png")
        fill(here, [f"d/{name}" for name in names])
        fill(here, [f"d/{form}/{name}" for name in names[: len(names) - short]])

    return make


def written(name: str, text: str | bytes, make: Callable[[Path], object]) -> Callable[[Path], None]:
    """What `make` writes, and one more file."""

    def both(here: Path) -> None:
        make(here)
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    return both


def tar(mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo("a.png")
        content = encoded(tissue())
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def zipped(*names: str, other: dict[str, bytes] | None = None) -> Callable[[Path], None]:
    def make(here: Path) -> None:
        with zipfile.ZipFile(here / "d.zip", "w") as archive:
            for seed, name in enumerate(names):
                archive.writestr(name, encoded(tissue(seed)))
            for name, content in (other or {}).items():
                archive.writestr(name, content)

    return make


def field(here: Path) -> None:
    image = np.tile(tissue(), (10, 14, 1))[:460, :700]
    (here / "d").mkdir()
    (here / "d" / "field.png").write_bytes(encoded(image))
    (here / "d" / "a.png").write_bytes(encoded(tissue()))


def unnamed(here: Path) -> None:
    """A labelled folder whose own name is not UTF-8."""
    fill(here, [f"{BYTES}/{p}/{c}/{p}_idx5_x1_y{1 + 50 * c}_class{c}.png" for p in SIX for c in (0, 1)])


def twins(here: Path) -> None:
    """Patches of P1 again, under other names, as those of P2."""
    fill(here, [f"d/{name}" for name in tree("{p}/{c}/{i}.png")])
    for i, file in enumerate(sorted((here / "d" / "P1").rglob("*.png"))):
        (here / "d" / "P2" / file.parent.name / f"again {i} of\n.png").write_bytes(file.read_bytes())


def zip_copy(here: Path) -> None:
    names = tree("{p}/{c}/{i}.png")
    with zipfile.ZipFile(here / "d.zip", "w") as archive:
        for top in ("", "x/y/"):
            for seed, name in enumerate(names):
                archive.writestr(top + name, encoded(tissue(seed)))


LEFTOVERS = (
    "Desktop.ini",
    "thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "@eaDir/a.png/SYNOPHOTO_THUMB.png",
    "#recycle/b.png",
    "$RECYCLE.BIN/c.png",
    "System Volume Information/d",
    "lost+found/e.png",
    ".DS_Store",
    "._a.png",
    "Icon\r",
    "__MACOSX/._a.png",
    ".Trash-1000/f.png",
    "@Recycle/g.png",
    ".snapshot/h.png",
    "README",
    "readme.txt",
    "LICENSE.md",
    "about.md",
)


def leftovers(here: Path) -> None:
    fill(here, ["d/a.png"])
    for name in LEFTOVERS:
        (here / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (here / "d" / name).write_bytes(encoded(tissue()) if name.endswith("g") else b"x")


BREAKHIS = [
    f"BreaKHis_v1/histology_slides/breast/{word}/SOB/{kind}/SOB_{c}_{code}_14-{n}/40X/SOB_{c}_{code}-14-{n}-40-00{i}.png"
    for word, kind, c, code, first in (
        ("benign", "adenosis", "B", "A", 22549),
        ("malignant", "ductal_carcinoma", "M", "DC", 9461),
    )
    for n in range(first, first + 5)
    for i in (1, 2)
]
BARCODES = [f"TCGA-A7-A0D{n}-01Z-00-DX{i}" for n in range(6) for i in (1, 2)]
ANONYMOUS = [f"{c}/{i}.png" for c in ("benign", "malignant") for i in range(20)]
BY_PATCH = ("--allow-patch-split",)
