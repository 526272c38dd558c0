"""One annotated slide: its labelled patches, in the layout of the public set, on the grid that a slide is judged on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.files import read_csv, read_json, write_png
from cancernet.common.output import Output
from cancernet.common.progress import progress
from cancernet.common.provenance import versions
from cancernet.common.text import utf8
from cancernet.common.version import __version__
from cancernet.data.integrity import near_white
from cancernet.slide.annotation import Frame
from cancernet.slide.annotation_classes import WORDS, ClassNames, LabelRule
from cancernet.slide.annotations import content_hash, find_annotations, read_annotations
from cancernet.slide.cell_labels import NONE, CellLabels, areas_of, label_cells
from cancernet.slide.extra import PACKAGES
from cancernet.slide.inputs import WORK, SlideInput
from cancernet.slide.job import read_section
from cancernet.slide.labelled_picture import draw_taken
from cancernet.slide.results import doubts
from cancernet.slide.scale import BadSlide
from cancernet.slide.score import CHUNK, cut, positions
from cancernet.slide.section import Section
from cancernet.slide.tissue import MIN_TISSUE, block_means, find_tissue, tissue_share

FORMAT = 1  # of summary.json
SUMMARY, TABLE, PICTURE = "summary.json", "patches.csv", "taken.png"
PARTS = 3  # of a patch's path: patient, class, name
FIRST = 1  # x and y of the first patch in a name, as the public set counts
COLUMNS = ("path", "patient", "slide", "x", "y", "class", "share_malignant", "share_benign", "mpp")
BLANK, GLASS = "blank", "no tissue"
LITTLE_TISSUE = 0.5  # share of the annotated patches with tissue, below which these may be of another slide


@dataclass(frozen=True)
class Cut:
    """How labelled patches are cut, of all slides alike."""

    names: ClassNames
    rule: LabelRule

    def describe(self) -> dict[str, Any]:
        """Return what all patches in a folder have in common."""
        said = {name: sorted(given) for name, given in asdict(self.names).items()}
        return {**said, **asdict(self.rule), "mpp": defaults.MPP, "size_px": defaults.PATCH_SIZE}


@dataclass(frozen=True)
class Target:
    """Where the patches of a slide go: the folder of all of them, whose they are, and which section of hers it is."""

    patches: Path
    patient: str
    index: int

    def path(self, x: int, y: int, label: int) -> str:
        """Return the path below `patches` of the patch at x, y (px of the section).

        Example:
            >>> Target(Path("p"), "8863", 5).path(0, 50, 1)
            '8863/1/8863_idx5_x1_y51_class1.png'
        """
        name = f"{self.patient}_idx{self.index}_x{x + FIRST}_y{y + FIRST}_class{label}.png"
        return f"{self.patient}/{label}/{name}"


def cut_one(
    item: SlideInput, out: Output, owner: dict[str, Any], target: Target, how: Cut, threads: int
) -> tuple[dict[str, Any], bool]:
    """Cut the labelled patches of one slide.

    Args:
        item: the slide, with its annotations.
        out: folder for what is said of it.
        owner: from `identify`.
        target: where its patches go.
        how: names and rule.
        threads: that decode.

    Returns:
        The summary, and whether all was there already.

    Raises:
        BadSlide, UserError: the reason why there are none.
        OSError: they cannot be written.
    """
    if item.annotations is None:
        raise BadSlide("no annotations were named")
    file = find_annotations(item.annotations, item.path)
    settings = {
        "cancernet": __version__,
        "slide": owner,
        "mpp": item.mpp,
        "annotations": content_hash(file),
        "patient": target.patient,
        "index": target.index,
        "how": how.describe(),
    }
    found = read_json(out.folder / SUMMARY, dict)
    if found and found.get("settings") == settings and _whole(out, target.patches):
        return found, True
    discard(out, target.patches)
    section, about = read_section(item, out, owner, model_mpp=defaults.MPP, threads=threads)
    frame = Frame(item.path, about["file"]["width_px"], about["file"]["height_px"], section.origin)
    said = read_annotations(file, frame)
    meaning = how.names.meanings(said.classes)
    areas = areas_of(said, meaning)
    cells = label_cells(areas, section, defaults.PATCH_SIZE, how.rule)
    x, y, why, notes = _choose(section, cells)
    label, malignant, benign = (
        each[y // defaults.PATCH_SIZE, x // defaults.PATCH_SIZE]
        for each in (cells.label, cells.malignant, cells.benign)
    )
    taken = why == ""
    if not taken.any():
        raise BadSlide(f"no patch gets a label: {_counts(why)}; classes: {_told(meaning)}")
    table = pd.DataFrame({
        "path": list(map(target.path, x[taken].tolist(), y[taken].tolist(), label[taken].tolist())),
        "patient": target.patient,
        "slide": item.path.name,
        "x": x[taken] + FIRST,
        "y": y[taken] + FIRST,
        "class": label[taken],
        "share_malignant": malignant[taken].round(4),
        "share_benign": benign[taken].round(4),
        "mpp": defaults.MPP,
    })  # fmt: skip
    out.write_csv(TABLE, table)  # before the patches: a run that was killed is cleared by it
    _write(section, x[taken], y[taken], table["path"], target.patches)
    counts = {WORDS[each]: int((table["class"] == each).sum()) for each in (0, 1)}
    caption = (
        f"{counts['malignant']:,} malignant and {counts['benign']:,} benign patches of {defaults.PATCH_SIZE} px at "
    )
    caption += f"{defaults.MPP:g} um/px, labelled by {file.name} ({_told(meaning)}). Left out: {_counts(why)}."
    figure = draw_taken(section, areas, x[taken], y[taken], label[taken], title=item.path.stem, caption=caption)
    out.write_figure(PICTURE, figure)
    summary = {
        "format": FORMAT,
        "slide": item.path.name,
        "path": owner["path"],
        "patient": target.patient,
        "index": target.index,
        "file": about["file"],
        "mpp": about["mpp"],
        "annotations": {"path": str(said.path), "sha256": said.sha256},
        "classes": {name: WORDS[what] for name, what in meaning.items()},
        "patches": len(table),
        **{f"patches_{name}": count for name, count in counts.items()},
        "left_out": {str(each): int((why == each).sum()) for each in np.unique(why[~taken].astype(str))},
        "warnings": [*about["warnings"], *said.notes, *notes],
        "versions": versions(PACKAGES),
        "settings": settings,
    }
    out.write_json(SUMMARY, summary)  # last: a folder with it is whole
    out.remove(WORK)
    return summary, False


def discard(out: Output, patches: Path) -> None:
    """Remove what an earlier run cut of a slide, finished or not."""
    for path in listed(out, patches):
        path.unlink(missing_ok=True)
    for name in (SUMMARY, TABLE, PICTURE):
        out.remove(name)


def listed(out: Output, patches: Path) -> list[Path]:
    """Return the patches that a slide's table lists, there or not."""
    table = table_of(out)
    if table is None:
        return []
    parts = [PurePosixPath(path).parts for path in table["path"]]
    return [patches.joinpath(*each) for each in parts if len(each) == PARTS and not {"..", "/"} & set(each)]


def table_of(out: Output) -> pd.DataFrame | None:
    """Return the table of a slide's patches, or nothing where there is none."""
    if not (out.folder / TABLE).is_file():
        return None
    found = read_csv(out.folder / TABLE, texts=("path", "patient", "slide"))
    return found if tuple(found.columns) == COLUMNS else None


def _whole(out: Output, patches: Path) -> bool:
    files = listed(out, patches)
    return (out.folder / PICTURE).is_file() and bool(files) and all(path.is_file() for path in files)


def _choose(section: Section, cells: CellLabels) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], list[str]]:
    """Return left and top px of all patches that are annotated or tissue, why each has no label, and notes."""
    side = defaults.PATCH_SIZE
    x, y = positions(section.width, section.height, side)
    label, outlined, why = (each[y // side, x // side] for each in (cells.label, cells.outlined, cells.why))
    found = find_tissue(block_means(section))
    tissue = tissue_share(found.mask, x, y, side) >= MIN_TISSUE
    notes = doubts(section, found, side)
    if outlined.any() and (share := tissue[outlined].mean()) < LITTLE_TISSUE:
        notes.append(f"only {share:.0%} of the outlined patches show tissue; are these annotations of another slide?")
    why[(label != NONE) & ~tissue] = GLASS
    keep = tissue | outlined  # glass that nobody outlined is not worth a word
    x, y, why = x[keep], y[keep], why[keep]
    taken = np.flatnonzero(why == "")
    done = 0
    for images in cut(section, x[taken], y[taken], CHUNK):
        why[taken[done : done + len(images)][near_white(images)]] = BLANK
        done += len(images)
    return x, y, why, notes


def _write(section: Section, x: NDArray[Any], y: NDArray[Any], paths: pd.Series, patches: Path) -> None:
    for folder in {(patches / path).parent for path in paths}:
        folder.mkdir(parents=True, exist_ok=True)
    with progress(total=len(x), what="cut") as bar:
        for path, image in zip(paths, _pixels(section, x, y), strict=True):
            write_png(patches / path, image)
            bar.update(1)


def _pixels(section: Section, x: NDArray[Any], y: NDArray[Any]) -> Iterator[NDArray[np.uint8]]:
    """Yield each patch as far as the section goes: smaller at the right and bottom edge, as in the public set."""
    side, top = defaults.PATCH_SIZE, -1
    for left, wanted in zip(x.tolist(), y.tolist(), strict=True):
        if wanted != top:
            rows, top = section.rows(wanted, wanted + side), wanted
        yield np.ascontiguousarray(rows[:, left : left + side])


def _counts(why: NDArray[Any]) -> str:
    """Return how many patches were left out for what, most first."""
    reasons, counts = np.unique(why[why != ""].astype(str), return_counts=True)
    found = sorted(zip(counts.tolist(), reasons.tolist(), strict=True), reverse=True)
    return ", ".join(f"{count:,} {reason}" for count, reason in found) or "none"


def _told(meaning: dict[str, int]) -> str:
    return ", ".join(f"{utf8(name)} = {WORDS[what]}" for name, what in meaning.items()) or "none"
