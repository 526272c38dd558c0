"""From annotated slides to labelled patches, and back: the same places, pixels and classes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.data.catalog import catalog, open_labelled
from cancernet.data.decode import fit_patch
from cancernet.data.stream import PatchStream
from cancernet.maps.report import map_specimens
from cancernet.maps.specimens import list_specimens, read_specimen, stitch
from cancernet.model.model import Model
from cancernet.report.style import figure
from cancernet.slide import from_slides, labelled
from cancernet.slide.annotation_classes import ClassNames, LabelRule
from cancernet.slide.batch import map_slide
from cancernet.slide.from_slides import FromSlides, patches_from_slides
from cancernet.slide.inputs import SlideInput
from slide.rectangles import write

Run = Callable[..., FromSlides]


@pytest.fixture
def slide(save: Callable, tissue_image: np.ndarray, tmp_path: Path) -> Path:
    """A drawn section at 4 um/px whose last row of patches is 40 px high."""
    return save(tissue_image[:290], tmp_path / "s.png", mpp=4.0)


@pytest.fixture
def halves(tmp_path: Path) -> Path:
    return write(tmp_path / "ann" / "s.geojson", ("Tumor", (0, 0, 200, 290)), ("Other", (200, 0, 400, 290)))


@pytest.fixture
def run(slide: Path, halves: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Cut, without the pictures: drawing takes most of the time."""
    monkeypatch.setattr(labelled, "draw_taken", lambda *_, **__: figure(1, 1))

    def go(*slides: Path, **how: object) -> FromSlides:
        said: list[str] = []
        how = {"annotations": halves.parent, "out": tmp_path / "out", "patient_is_slide": True, **how}
        found = patches_from_slides(slides or [slide], say=said.append, **how)  # type: ignore[arg-type]
        found.said = said  # type: ignore[attr-defined]
        return found

    return go


def files(found: FromSlides) -> set[str]:
    return {path.relative_to(found.patches).as_posix() for path in found.patches.rglob("*.png")}


def second(slide: Path, name: str = "t.png") -> Path:
    other = slide.with_name(name)
    other.write_bytes(slide.read_bytes())
    return other


def test_patches_lie_in_the_public_layout_and_are_read_as_what_they_are(run: Run) -> None:
    found = run()
    read = catalog(open_labelled(found.patches))
    assert read.quarantine.empty
    ours = found.table.set_index("path").sort_index()
    theirs = read.table.set_index("path").sort_index()
    assert list(ours.index) == list(theirs.index)
    assert (ours["class"] == theirs["label"]).all()
    assert set(theirs["patient"]) == {"s"}
    assert (ours["x"] == theirs["x"]).all()
    assert set(ours["class"]) == {0, 1}
    assert (ours["class"] == (ours["x"] < 200)).all()
    assert set(ours["x"] % 50) == {1}


def test_patches_are_what_the_slide_shows_pixel_by_pixel(run: Run, tissue_image: np.ndarray) -> None:
    found = run()
    for row in found.table.itertuples():
        patch = cv2.imread(str(found.patches / row.path))[..., ::-1]
        x, y = row.x - 1, row.y - 1
        assert np.array_equal(patch, tissue_image[:290][y : y + 50, x : x + 50])
    assert (found.table["y"] == 251).any()  # smaller at the edge, as in the public set


def test_a_map_of_the_patches_is_the_map_of_the_slide(run: Run, model: Model, slide: Path, tmp_path: Path) -> None:
    map_slide(slide, model, out=tmp_path / "slide", say=lambda _: None)
    found = run(rule=LabelRule(rest="benign"))
    map_specimens(found.patches, model, out=tmp_path / "maps", say=lambda _: None)
    of_slide = pd.read_csv(tmp_path / "slide" / "s" / "patches.csv").set_index(["minx", "miny"]).sort_index()
    of_patches = pd.read_csv(tmp_path / "maps" / "s" / "patches.csv")
    of_patches = of_patches.assign(minx=of_patches["x"] - 1, miny=of_patches["y"] - 1).set_index(["minx", "miny"])
    of_patches = of_patches.sort_index()
    assert list(of_slide.index) == list(of_patches.index)
    assert (of_slide["decision"] == of_patches["decision"]).all()
    assert of_slide["context_prob_malignant"].to_numpy() == pytest.approx(of_patches["probability"], abs=1e-5)


@pytest.mark.parametrize("what", ["tiles", "regions"])
@pytest.mark.parametrize("factor", [1, 3])
def test_what_a_map_called_comes_back_as_labels(
    run: Run,
    model: Model,
    save: Callable,
    enlarge: Callable,
    tissue_image: np.ndarray,
    tmp_path: Path,
    what: str,
    factor: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Model, "predict", lambda _, images: (images.mean(axis=(1, 2, 3)) < 185).astype(np.float32))
    path = save(enlarge(tissue_image, factor), tmp_path / "big.png", mpp=4.0 / factor)
    [folder] = map_slide(path, model, out=tmp_path / "slide", say=lambda _: None).mapped
    rule = LabelRule(share=1.0, rest="benign" if what == "regions" else "unknown")
    found = run(path, annotations=folder / f"{what}.geojson", rule=rule, names=ClassNames())
    called = pd.read_csv(folder / "patches.csv")
    expected = {
        (round(x / factor) + 1, round(y / factor) + 1): int(decision == "malignant")
        for x, y, decision in zip(called["minx"], called["miny"], called["decision"], strict=True)
    }
    got = {(row.x, row.y): row.label for row in found.table.rename(columns={"class": "label"}).itertuples()}
    assert got == expected
    assert set(got.values()) == {0, 1}


def test_what_is_not_annotated_is_left_out_and_counted(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path / "few.geojson", ("Tumor", (0, 0, 100, 100)), ("Other", (100, 0, 200, 100)))
    found = run(annotations=file)
    assert len(found.table) <= 8
    [summary] = found.cut.values()
    assert summary["left_out"]["not annotated"] > 10
    assert summary["classes"] == {"Tumor": "malignant", "Other": "benign"}
    assert any("not annotated" in line for line in found.said)  # type: ignore[attr-defined]


def test_glass_is_no_patch_even_where_it_is_annotated(
    run: Run, save: Callable, tissue_image: np.ndarray, tmp_path: Path
) -> None:
    image = np.full((300, 600, 3), 240, np.uint8)
    image[:, :400] = tissue_image
    path = save(image, tmp_path / "glass.png", mpp=4.0)
    file = write(tmp_path / "g.geojson", ("Tumor", (0, 0, 200, 300)), ("Other", (200, 0, 600, 300)))
    found = run(path, annotations=file)
    assert found.table["x"].max() < 401
    [summary] = found.cut.values()
    assert summary["left_out"]["no tissue"] >= 24


def test_an_unknown_class_is_refused_until_it_is_said(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path / "d.geojson", ("DCIS", (0, 0, 200, 290)), ("Other", (200, 0, 400, 290)))
    with pytest.raises(UserError, match="what the class DCIS stands for"):
        run(annotations=file)
    assert set(run(annotations=file, names=ClassNames(malignant=["DCIS"])).table["class"]) == {0, 1}
    assert set(run(annotations=file, names=ClassNames(ignore=["DCIS"])).table["class"]) == {0}


def test_a_mask_labels_by_the_values_that_are_said(run: Run, tmp_path: Path) -> None:
    mask = np.zeros((29, 40), np.uint8)
    mask[:, :20], mask[:, 20:] = 255, 100
    cv2.imwrite(str(tmp_path / "m.png"), mask)
    with pytest.raises(UserError, match="what the class 100, 255 stands for"):
        run(annotations=tmp_path / "m.png")
    table = run(annotations=tmp_path / "m.png", names=ClassNames(malignant=["255"], benign=["100"])).table
    assert (table["class"] == (table["x"] < 200)).all()


def test_patients_have_to_be_stated(run: Run, slide: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"patient of 1 of 1 slides is unknown \(such as s.png\)"):
        run(patient_is_slide=False)
    (tmp_path / "p.csv").write_text("path,patient\ns.png,P7\n")
    found = run(patient_is_slide=False, patients=tmp_path / "p.csv")
    assert set(found.table["patient"]) == {"P7"}
    with pytest.raises(UserError, match="give one of them"):
        run(patients=tmp_path / "p.csv")


@pytest.mark.parametrize("patient", ["a/b", "tumor", ".p", "p_idx5", "1\n", "normal"])
def test_a_patient_that_would_be_read_as_something_else_is_refused(
    run: Run, slide: Path, halves: Path, patient: str
) -> None:
    with pytest.raises(UserError, match="call the patient otherwise"):
        run(SlideInput(slide, patient=patient, annotations=halves))  # type: ignore[arg-type]


def test_two_slides_of_a_patient_are_two_sections_in_one_folder(
    run: Run, slide: Path, halves: Path, model: Model, tmp_path: Path
) -> None:
    other = second(slide)
    write(halves.with_name("t.geojson"), ("Tumor", (0, 0, 200, 290)), ("Other", (200, 0, 400, 290)))
    (tmp_path / "p.csv").write_text("path,patient\n*.png,P7\n")
    found = run(slide, other, patient_is_slide=False, patients=tmp_path / "p.csv")
    assert {path.partition("/")[0] for path in files(found)} == {"P7"}
    assert len(files(found)) == len(found.table) == 2 * len(found.table[found.table["slide"] == "s.png"])
    assert {path.split("_")[1] for path in files(found)} == {"idx5", "idx6"}
    mapped = map_specimens(found.patches, model, out=tmp_path / "maps", say=lambda _: None)
    assert [row["patient"] for row in mapped.specimens] == ["P7", "P7_idx6"]
    again = run(other, patient_is_slide=False, patients=tmp_path / "p.csv")
    assert again.skipped == [tmp_path / "out" / "t"]  # it keeps its number without the other at its side


def test_a_slide_that_is_done_is_not_done_again_until_something_changes(run: Run, slide: Path, halves: Path) -> None:
    first = run()
    assert not first.skipped
    before = files(first)
    assert run().skipped
    write(halves, ("Tumor", (0, 0, 100, 290)), ("Other", (100, 0, 200, 290)))
    changed = run()
    assert not changed.skipped
    assert files(changed) == set(changed.table["path"])
    assert files(changed) != before
    (changed.patches / changed.table["path"][0]).unlink()
    assert not run().skipped
    os.utime(slide, (1, 1))
    assert not run().skipped


def test_a_run_that_was_killed_leaves_no_patch_behind(run: Run, halves: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(labelled, "draw_taken", killed)
        with pytest.raises(KeyboardInterrupt):
            run()
    write(halves, ("Tumor", (0, 0, 100, 290)), ("Other", (100, 0, 200, 290)))
    found = run()
    assert files(found) == set(found.table["path"])


def test_patches_cut_by_another_rule_are_not_mixed_with_these(run: Run, slide: Path, halves: Path) -> None:
    run()
    other = second(slide)
    write(halves.with_name("t.geojson"), ("Tumor", (0, 0, 200, 290)), ("Other", (200, 0, 400, 290)))
    with pytest.raises(UserError, match="cut by another rule"):
        run(other, rule=LabelRule(share=0.8))
    both = run(other)
    assert set(both.table["slide"]) == {"s.png", "t.png"}
    assert set(run(slide, other, rule=LabelRule(share=0.8)).table["slide"]) == {"s.png", "t.png"}


def test_a_slide_that_fails_loses_its_patches_and_ends_no_other(
    run: Run, slide: Path, halves: Path, tmp_path: Path
) -> None:
    other = second(slide)
    mine = write(halves.with_name("t.geojson"), ("Tumor", (0, 0, 200, 290)), ("Other", (200, 0, 400, 290)))
    run(slide, other)
    mine.write_text("{")
    found = run(slide, other)
    assert files(found) == set(found.table["path"])
    assert set(found.table["slide"]) == {"s.png"}
    [(path, reason)] = found.failed
    assert path.endswith("t.png")
    assert "no JSON" in reason
    assert "t.png" in (tmp_path / "out" / "errors.csv").read_text("utf-8")
    halves.write_text("{")
    with pytest.raises(UserError, match="no slide could be used of 2"):
        run(slide, other)
    assert not files(found)


def test_few_patients_cannot_be_split_and_the_patches_are_there_all_the_same(run: Run, tmp_path: Path) -> None:
    found = run()
    assert "3 or more" in found.no_split
    assert any("no split.csv" in line for line in found.said)  # type: ignore[attr-defined]
    assert not (tmp_path / "out" / "split.csv").exists()
    assert (tmp_path / "out" / "catalog.csv").is_file()


@pytest.mark.slow
def test_many_patients_are_split_by_patient(run: Run, slide: Path, halves: Path, tmp_path: Path) -> None:
    slides = [slide, *(second(slide, f"t{i}.png") for i in range(4))]
    for each in slides:
        write(halves.with_name(f"{each.stem}.geojson"), ("Tumor", (0, 0, 200, 290)), ("Other", (200, 0, 400, 290)))
    assert not run(*slides).no_split
    split = pd.read_csv(tmp_path / "out" / "split.csv")
    assert set(split["patient"]) == {each.stem for each in slides}
    assert set(split["split"]) == {"train", "val", "test"}


def test_a_table_of_another_hand_deletes_nothing_outside(run: Run, slide: Path, tmp_path: Path) -> None:
    run()
    mine = tmp_path / "mine.png"
    mine.write_text("mine")
    table = tmp_path / "out" / "s" / "patches.csv"
    rows = pd.read_csv(table)
    rows.loc[0, "path"] = "../../mine.png"
    rows.loc[1, "path"] = str(mine)
    rows.to_csv(table, index=False)
    os.utime(slide, (1, 1))
    run()
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("how", ["no annotations", "one for two", "absent", "same name"])
def test_what_cannot_be_meant_is_refused(run: Run, slide: Path, halves: Path, tmp_path: Path, how: str) -> None:
    (tmp_path / "b").mkdir()
    same = tmp_path / "b" / "s.png"
    same.write_bytes(slide.read_bytes())
    given, says = {
        "no annotations": ({"annotations": None}, "no annotations are named"),
        "one for two": ({"annotations": halves}, "one file for 2 slides"),
        "absent": ({"annotations": tmp_path / "none"}, "no such file"),
        "same name": ({}, "another slide is called s too"),
    }[how]
    with pytest.raises(UserError, match=says):
        run(slide, same, **given)


def test_the_first_section_has_the_number_of_the_public_set() -> None:
    assert from_slides.FIRST_INDEX == 5


@pytest.mark.real
def test_a_real_specimen_comes_back_patch_by_patch(run: Run, real_data: Path, save: Callable, tmp_path: Path) -> None:
    stream = PatchStream([real_data / "idc" / "8863"], plain=True)
    [(_, members)] = list_specimens(stream).items()
    specimen = read_specimen(stream, "8863", members)
    table = specimen.table
    path = save(stitch(specimen), tmp_path / "8863.png", mpp=4.0)
    left, top = table["x"] - table["x"].min(), table["y"] - table["y"].min()
    boxes = zip(left, top, left + table["width"], top + table["height"], strict=True)
    areas = [
        (("Other", "Tumor")[label], tuple(map(int, box))) for label, box in zip(table["label"], boxes, strict=True)
    ]
    found = run(path, annotations=write(tmp_path / "ann" / "8863.geojson", *areas))
    known = {(x + 1, y + 1): (label, i) for i, (x, y, label) in enumerate(zip(left, top, table["label"], strict=True))}
    assert len(found.table) > 0.95 * len(table)
    for row in found.table.rename(columns={"class": "label"}).itertuples():
        label, i = known[row.x, row.y]
        assert row.label == label
        assert np.array_equal(fit_patch(cv2.imread(str(found.patches / row.path))[..., ::-1]), specimen.images[i])
