"""What `cancernet slide` marks as not judged: how often sound tissue, and how often a fault made on real tissue.

python benchmarks/slide_quality.py --data IDC_DIR [--fields DIR] [--tile FILE] [--choose]

Sound tissue: the ten complete specimens as they are, each patch looked at; marked patches are counted with the
malignant among them, since what is marked is not found. Real ink, blood and drying are in them and are counted as
marks. `--fields`: images of other laboratories at 0.5 um/px; `--tile`: one at 0.25 um/px. Faults: `artefacts.py`, at
PLACES places a specimen. "blocks" is the share of the tissue under a fault that is marked, "named" as what it is;
"patches" the share of patches with 30 % or more of their tissue under it that are not answered, by this measure, and
by it or the judge of single patches. Limits were chosen on the specimens of CHOSEN_ON, all else is of the others;
`--choose` prints what other limits do to the former.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

import artefacts
from cancernet.common.defaults import PATCH_SIZE
from cancernet.data.stream import PatchStream
from cancernet.maps.specimens import list_specimens, read_specimen, stitch
from cancernet.model.judge import Judge
from cancernet.model.model import load_model
from cancernet.slide import quality
from cancernet.slide.quality import Kind, Quality
from cancernet.slide.score import CHUNK, cut, positions
from cancernet.slide.section import Section
from cancernet.slide.tissue import BLOCK, MIN_TISSUE, Tissue, block_means, find_tissue, tissue_share

CHOSEN_ON = ("8863", "8867", "8914", "8950", "10253")
REPORTED = ("8865", "8913", "8917", "8955", "10254")
PLACES, ROUNDS = (
    2,
    3,
)  # of each fault on a specimen at once, and how often: a slide full of faults is none to measure on
APART = 320  # px between places at least
MOST = 0.4  # of the tissue lies beyond an edge at most
WINDOW = 800  # px about a place within which a fault is made
COVERED = 0.9  # share of a block under a fault
SPOILT = 0.3  # share of a patch's tissue under a fault
MILLIMETRE = 250  # px
OTHERS = {  # limits tried beside the ones in use, one at a time
    "FOLD_DENSITY": (1.2, 1.4),
    "FOLD_HUE": (0.04, 0.12),
    "FOLD_DARK": (0.9, 1.1),
    "FOREIGN": (0.04, 0.05, 0.08),
    "RIM": (0.02, 0.04, 0.06),
    "MIN_MARKED": (0.15, 0.4),
}
# faults told while choosing
CHOICES = ("fold, 120 um wide, 2 layers", "pen, red, strength 0.5", "bubble, rim of density 0.2")

Image = np.ndarray
Make = Callable[[np.random.Generator, Image, tuple[int, int]], artefacts.Spoilt]


class Specimen(NamedTuple):
    """A stitched section, and the labels of its patches by place."""

    name: str
    image: Image
    labels: dict[tuple[int, int], int]


class Seen(NamedTuple):
    """A section looked at: its patches that hold tissue, and why they are not judged."""

    section: Section
    tissue: Tissue
    quality: Quality
    x: np.ndarray
    y: np.ndarray
    reasons: np.ndarray
    seconds: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fields", type=Path)
    parser.add_argument("--tile", type=Path)
    parser.add_argument("--choose", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        names = CHOSEN_ON if options.choose else (*CHOSEN_ON, *REPORTED)
        specimens = {name: read(options.data / name, name) for name in names}
        if options.choose:
            choose([specimens[name] for name in CHOSEN_ON], work)
            return
        sound(list(specimens.values()), work)
        others(options.fields, options.tile, work)
        faults([specimens[name] for name in REPORTED], work)


def read(folder: Path, name: str) -> Specimen:
    """Read and stitch a complete specimen."""
    stream = PatchStream([folder], plain=True)
    ((patient, members),) = list_specimens(stream).items()
    found = read_specimen(stream, patient, members)
    left, top = (found.table[axis].to_numpy() - found.table[axis].min() for axis in ("x", "y"))
    return Specimen(
        name, stitch(found), dict(zip(zip(left.tolist(), top.tolist(), strict=True), found.table["label"], strict=True))
    )


def look(image: Image, work: Path) -> Seen:
    """Do what `cancernet slide` does with a section."""
    (work / "section").write_bytes(np.ascontiguousarray(image).tobytes())
    section = Section(work / "section", image.shape[1], image.shape[0], 16.0, 16.0, (0, 0), 0)
    blocks = block_means(section)
    tissue = find_tissue(blocks)
    started = time.perf_counter()
    found = quality.assess(section, blocks, tissue)
    x, y = positions(section.width, section.height, PATCH_SIZE)
    keep = tissue_share(tissue.mask, x, y, PATCH_SIZE) >= MIN_TISSUE
    x, y = x[keep], y[keep]
    reasons = quality.reasons_of(found, tissue, x, y)
    return Seen(section, tissue, found, x, y, reasons, time.perf_counter() - started)


def sound(specimens: list[Specimen], work: Path) -> None:
    """Print what is marked on specimens as they are."""
    kinds = list(quality.REASONS)
    print("| specimen | px | seconds | patches | marked | " + " | ".join(k.name.lower() for k in kinds), end="")
    print(" | malignant | of them marked |\n| --- |" + " --- |" * (6 + len(kinds)))
    for specimen in specimens:
        seen = look(specimen.image, work)
        malignant = labelled(specimen, seen)
        marked = seen.reasons != ""
        counts = [int(np.sum(seen.reasons == quality.REASONS[kind])) for kind in kinds]
        cells = [f"{marked.sum()} ({marked.mean():.2%})", *counts, malignant.sum(), (marked & malignant).sum()]
        height, width = specimen.image.shape[:2]
        side = "chosen on" if specimen.name in CHOSEN_ON else "reported"
        print(f"| {specimen.name}, {side} | {width}x{height} | {seen.seconds:.2f} | {len(marked)} | ", end="")
        print(" | ".join(map(str, cells)) + " |")


def others(fields: Path | None, tile: Path | None, work: Path) -> None:
    """Print what is marked on tissue of other laboratories."""
    if tile:
        seen = look(reduced(tile, 16), work)
        print(f"\n{tile.name}: {np.sum(seen.reasons != '')} of {len(seen.reasons)} patches marked")
    if fields:
        found = [(path.stem, look(reduced(path, 8), work)) for path in sorted(fields.glob("*.jpg"))]
        marked = {name: seen.reasons[seen.reasons != ""].tolist() for name, seen in found if any(seen.reasons != "")}
        patches = sum(len(seen.reasons) for _, seen in found)
        print(f"\nfields of other laboratories: {len(marked)} of {len(found)} ({patches} patches) marked: {marked}")


def reduced(path: Path, by: int) -> Image:
    """Read an image smaller by a whole number."""
    image = cv2.imread(str(path))[..., ::-1]
    return np.asarray(cv2.resize(image, (image.shape[1] // by, image.shape[0] // by), interpolation=cv2.INTER_AREA))


def kinds_of_fault() -> dict[str, tuple[Kind, Make]]:
    """Return name -> what it is, and how it is made."""
    made: dict[str, tuple[Kind, Make]] = {}
    for width, layers in ((15, 2.0), (30, 2.0), (50, 2.0), (30, 3.0), (30, 1.5)):
        name = f"fold, {width * 4} um wide, {layers:g} layers"
        made[name] = (Kind.FOLD, lambda r, i, a, w=width, n=layers: artefacts.fold(r, i, a, w, n))
    for sigma in (1, 1.5, 2, 3, 4, 6):
        made[f"out of focus, sigma {sigma:g} px"] = (
            Kind.OUT_OF_FOCUS,
            lambda _, i, a, s=sigma: artefacts.defocus(i, a, MILLIMETRE / 2, s),
        )
    for ink in artefacts.INKS:
        for strength in (0.25, 0.5, 1.0):
            made[f"pen, {ink}, strength {strength:g}"] = (
                Kind.PEN,
                lambda r, i, a, c=ink, s=strength: artefacts.pen(r, i, a, 80, c, s),
            )
    for rim, gap in ((0.1, 0.0), (0.2, 0.0), (0.4, 0.0), (0.8, 0.0), (0.8, 0.1), (0.8, 0.3)):
        name = f"bubble, rim of density {rim:g}" + (f", {gap:.0%} of it missing" if gap else "")
        made[name] = (Kind.AIR_BUBBLE, lambda _, i, a, d=rim, g=gap: artefacts.bubble(i, a, 120, d, gap=g))
    for grey, veil in ((10, False), (128, False), (200, True), (150, True), (100, True)):
        made[f"off the glass, grey {grey}, {'shade' if veil else 'opaque'}"] = (
            Kind.OFF_GLASS,
            lambda r, i, a, g=grey, v=veil: artefacts.off_glass(r, i, a, g, v),
        )
    return made


def faults(specimens: list[Specimen], work: Path) -> None:
    """Print how much of each fault is told."""
    print("\n| fault | blocks | named | patches | with the judge | n patches |\n| --- |" + " --- |" * 5)
    for name, (kind, make) in kinds_of_fault().items():
        blocks, marked, named, patches, alone, both = sum(told(each, kind, make, work) for each in specimens)
        cells = (share(marked, blocks), share(named, blocks), share(alone, patches), share(both, patches))
        print(f"| {name} | {' | '.join(cells)} | {patches} |", flush=True)


def share(part: int, whole: int) -> str:
    """Return a share in per cent."""
    return f"{part / whole:.0%}" if whole else "-"


def told(specimen: Specimen, kind: Kind, make: Make, work: Path) -> np.ndarray:
    """Return numbers: of blocks under a fault, marked, named; of patches under it, not answered, with the judge too."""
    rng = np.random.default_rng(int(specimen.name))
    before = find_tissue(means(specimen.image)).mask
    judge = Judge(load_model().colours)
    counts = np.zeros(6, int)
    for _ in range(ROUNDS):
        image, where = spoilt(rng, specimen.image, before, make, everywhere=kind == Kind.OFF_GLASS)
        under = before & covered(where, before)
        seen = look(image, work)
        left_out = (seen.quality.labels > 0) | ~seen.tissue.mask
        x, y = positions(seen.section.width, seen.section.height, PATCH_SIZE)
        had = tissue_share(before, x, y, PATCH_SIZE)
        hit = (had >= MIN_TISSUE) & (tissue_share(under, x, y, PATCH_SIZE) >= SPOILT * had)
        answered = {at for at, why in zip(zip(seen.x, seen.y, strict=True), seen.reasons, strict=True) if not why}
        alone = np.array([at not in answered for at in zip(x[hit], y[hit], strict=True)], bool)
        said = [why for images in cut(seen.section, x[hit], y[hit], CHUNK) for why in judge.see(images)]
        both = alone | (np.array(said, dtype=object) != "")
        named = seen.quality.labels[under] == kind
        counts += [under.sum(), left_out[under].sum(), named.sum(), hit.sum(), alone.sum(), both.sum()]
    return counts


def spoilt(
    rng: np.random.Generator, image: Image, tissue: np.ndarray, make: Make, *, everywhere: bool
) -> tuple[Image, np.ndarray]:
    """Return an image with faults at places in tissue, and where they are; one that reaches `everywhere` is alone."""
    rows, columns = np.nonzero(cv2.blur(tissue.astype(np.float32), (20, 20)) > 0.8)
    places: list[tuple[int, int]] = []
    while everywhere:
        i = rng.integers(len(rows))
        made = make(rng, image, (int(columns[i]) * BLOCK, int(rows[i]) * BLOCK))
        if 0 < np.mean(covered(made.where, tissue)[tissue]) < MOST:
            return made.image, made.where
    image, where = image.copy(), np.zeros(image.shape[:2], bool)
    for i in rng.permutation(len(rows)):
        at = (int(columns[i]) * BLOCK, int(rows[i]) * BLOCK)
        if len(places) == PLACES or any(np.hypot(at[0] - x, at[1] - y) < APART for x, y in places):
            continue
        places.append(at)
        left, top = (max(0, each - WINDOW // 2) for each in at)
        part = np.s_[top : top + WINDOW, left : left + WINDOW]
        made = make(rng, np.ascontiguousarray(image[part]), (at[0] - left, at[1] - top))
        image[part], where[part] = made.image, where[part] | made.where
    return image, where


def covered(where: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Say which blocks lie under a fault."""
    height, width = (side * BLOCK for side in blocks.shape)
    whole = cv2.copyMakeBorder(
        where.astype(np.float32), 0, height - where.shape[0], 0, width - where.shape[1], cv2.BORDER_REPLICATE
    )
    return cv2.resize(whole, blocks.shape[::-1], interpolation=cv2.INTER_AREA) >= COVERED


def means(image: Image) -> Image:
    """Return the mean colour of each block; sides are cut to whole blocks upwards, as `block_means` does."""
    height, width = image.shape[:2]
    whole = cv2.copyMakeBorder(image, 0, -height % BLOCK, 0, -width % BLOCK, cv2.BORDER_REPLICATE)
    return cv2.resize(whole, (whole.shape[1] // BLOCK, whole.shape[0] // BLOCK), interpolation=cv2.INTER_AREA)


def choose(specimens: list[Specimen], work: Path) -> None:
    """Print what other limits would do."""
    print("| limit | value | sound patches marked | malignant | " + " | ".join(CHOICES) + " |")
    print("| --- |" + " --- |" * (3 + len(CHOICES)))
    print(f"| all | in use | {under_limits(specimens, work)}", flush=True)
    for limit, values in OTHERS.items():
        used = getattr(quality, limit)
        for value in values:
            setattr(quality, limit, value)
            print(f"| {limit} | {value:g}, not {used:g} | {under_limits(specimens, work)}", flush=True)
        setattr(quality, limit, used)


def under_limits(specimens: list[Specimen], work: Path) -> str:
    """Return the rest of a row: sound patches marked, malignant ones, and the share of faulty patches told."""
    marked = malignant = patches = 0
    for specimen in specimens:
        seen = look(specimen.image, work)
        label = labelled(specimen, seen)
        marked, patches = marked + int(np.sum(seen.reasons != "")), patches + len(label)
        malignant += int(np.sum((seen.reasons != "") & label))
    made = kinds_of_fault()
    found = [sum(told(each, *made[name], work) for each in specimens) for name in CHOICES]
    rates = " | ".join(share(each[4], each[3]) for each in found)
    return f"{marked / patches:.2%} | {malignant} | {rates} |"


def labelled(specimen: Specimen, seen: Seen) -> np.ndarray:
    """Say which patches (N,) are labelled malignant."""
    return np.array([specimen.labels.get(at) == 1 for at in zip(seen.x.tolist(), seen.y.tolist(), strict=True)])


if __name__ == "__main__":
    main()
