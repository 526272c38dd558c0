"""A region of interest: what lies in it is judged, and nothing else."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.model.model import Model
from cancernet.slide import pages
from cancernet.slide.annotation import Frame
from cancernet.slide.batch import Outcome, map_slide
from cancernet.slide.roi import read_roi
from cancernet.slide.section import Section
from cancernet.slide.tissue import Tissue
from slide.rectangles import write

FRAME = Frame(Path("s.png"), 400, 300)


@pytest.fixture
def slide(save: Callable, tissue_image: np.ndarray, tmp_path: Path) -> Path:
    return save(tissue_image, tmp_path / "s.png", mpp=4.0)


@pytest.fixture
def run(model: Model, slide: Path, tmp_path: Path, undrawn: None) -> Callable[..., Outcome]:
    return lambda **how: map_slide(slide, model, out=tmp_path / "out", say=lambda _: None, **how)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Overlays are files without a picture: drawing takes most of the time."""
    monkeypatch.setattr(pages, "write_overlay", lambda out, *_, **__: out.write_text(pages.OVERLAY, ""))


def judged(outcome: Outcome) -> list[tuple[str, ...]]:
    [folder] = outcome.mapped
    with (folder / "patches.csv").open(newline="") as file:
        return [(row["minx"], row["miny"], row["prob_malignant"]) for row in csv.DictReader(file)]


def test_patches_that_lie_inside_by_half_are_judged_as_they_are_without_it(run: Callable, tmp_path: Path) -> None:
    whole = judged(run())
    inside = judged(run(roi=write(tmp_path / "r.geojson", ("Region*", (50, 75, 250, 250)))))
    assert inside == [row for row in whole if 50 <= int(row[0]) <= 200 and 50 <= int(row[1]) <= 200]
    assert len(inside) > 4


def test_areas_count_inside_alone_and_the_summary_says_of_what(run: Callable, tmp_path: Path) -> None:
    path = write(tmp_path / "r.geojson", ("a", (0, 0, 200, 300)), ("Ignore*", (0, 0, 100, 300)))
    [found] = run(roi=path).mapped.values()
    assert found["roi"]["path"] == str(path)
    assert found["roi"]["mm2"] == pytest.approx(100 * 300 * 0.004**2)
    assert 0 < found["tissue_mm2"] <= found["roi"]["mm2"]
    assert "mm² outlined in r.geojson" in (tmp_path / "out" / "s" / "viewer.html").read_text("utf-8")
    [plain] = run().mapped.values()
    assert plain["roi"] is None
    assert plain["tissue_mm2"] > found["tissue_mm2"]


def test_a_region_half_way_through_a_patch_counts_to_the_line_at_any_stride(run: Callable, tmp_path: Path) -> None:
    path = write(tmp_path / "r.geojson", ("a", (0, 0, 120, 300)))
    [found] = run(roi=path, stride=10).mapped.values()
    assert found["analysed_mm2"] <= 120 * 300 * 0.004**2


def test_classes_restrict_it_and_an_absent_one_is_refused(run: Callable, tmp_path: Path) -> None:
    path = write(tmp_path / "r.geojson", ("Tumor", (0, 0, 200, 300)), ("Stroma", (200, 0, 400, 300)))
    assert all(int(x) < 200 for x, *_ in judged(run(roi=path, roi_classes=["tumor"])))
    with pytest.raises(UserError, match=r"no area of class Fat; it has Stroma \(1\)|it has Tumor \(1\), Stroma \(1\)"):
        run(roi=path, roi_classes=["Fat"])


def test_a_changed_region_maps_anew_and_the_same_one_does_not(run: Callable, tmp_path: Path) -> None:
    path = write(tmp_path / "r.geojson", ("a", (0, 0, 200, 300)))
    assert not run(roi=path).skipped
    assert run(roi=path).skipped
    write(path, ("a", (0, 0, 250, 300)))
    assert not run(roi=path).skipped
    assert not run(roi=path, roi_classes=["a"]).skipped
    assert not run().skipped


def test_a_region_of_another_slide_is_an_error(run: Callable, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="another slide"):
        run(roi=write(tmp_path / "r.geojson", ("a", (4000, 3000, 5000, 4000))))


def test_a_region_without_tissue_is_an_error(
    model: Model, save: Callable, tissue_image: np.ndarray, tmp_path: Path
) -> None:
    image = np.full((300, 600, 3), 240, np.uint8)
    image[:, :400] = tissue_image
    path = write(tmp_path / "r.geojson", ("a", (450, 0, 600, 300)))
    with pytest.raises(UserError, match=r"no patch with tissue lies in r\.geojson"):
        map_slide(save(image, tmp_path / "s.png", mpp=4.0), model, out=tmp_path / "out", roi=path, say=lambda _: None)


def test_a_region_that_is_all_excluded_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "r.geojson", ("a", (0, 0, 100, 100)), ("Ignore*", (0, 0, 200, 200)))
    with pytest.raises(UserError, match="nothing is left"):
        read_roi(path, (), FRAME)


def test_of_a_folder_each_slide_takes_its_own_and_one_without_is_refused(
    model: Model, slide: Path, tmp_path: Path
) -> None:
    other = slide.with_name("t.png")
    other.write_bytes(slide.read_bytes())
    (tmp_path / "rois").mkdir()
    write(tmp_path / "rois" / "s.geojson", ("a", (0, 0, 200, 300)))
    outcome = map_slide([slide, other], model, out=tmp_path / "out", roi=tmp_path / "rois", say=lambda _: None)
    assert len(outcome.mapped) == 1
    [(path, reason)] = outcome.failed
    assert path.endswith("t.png")
    assert "holds no annotations called t.geojson" in reason


@pytest.mark.parametrize("how", ["two slides", "no file", "classes alone"])
def test_options_that_make_no_sense_are_refused(
    run: Callable, model: Model, slide: Path, tmp_path: Path, how: str
) -> None:
    if how == "two slides":
        path = write(tmp_path / "r.geojson", ("a", (0, 0, 200, 300)))
        with pytest.raises(UserError, match="one file for 2 slides"):
            map_slide([slide, tmp_path / "b.png"], model, out=tmp_path / "out", roi=path)
    elif how == "no file":
        with pytest.raises(UserError, match="no such file"):
            run(roi=tmp_path / "none")
    else:
        with pytest.raises(UserError, match="--roi-class needs --roi"):
            run(roi_classes=["a"])


def test_the_overlay_shows_what_was_outlined(
    model: Model, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list = []
    monkeypatch.setattr(
        Output, "write_figure", lambda self, name, figure: drawn.append(figure) or self.write_text(name, "")
    )
    path = write(tmp_path / "r.geojson", ("a", (0, 0, 200, 300)))
    map_slide(slide, model, out=tmp_path / "out", roi=path, say=lambda _: None)
    for axes in drawn[0].axes[:2]:
        rings = [segment for made in axes.collections for segment in made.get_segments() if len(segment) == 5]
        assert any(np.ptp(ring, axis=0).tolist() == [200, 300] for ring in rings)


def test_tissue_is_cut_by_blocks(tmp_path: Path) -> None:
    roi = read_roi(write(tmp_path / "r.geojson", ("a", (0, 0, 102, 300))), (), FRAME)
    made = Section(Path("x"), 400, 300, 1.0, 1.0, (0, 0), 0)
    found = roi.within(Tissue(np.ones((60, 80), bool), 10.0, 0.0), made).mask
    assert found[:, :20].all()
    assert not found[:, 20:].any()
    assert len(roi.outline(made)) == 1
