"""The viewer of a slide shows its section and its map, anew where anything changed."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from msgspec import structs

from cancernet.common.errors import UserError
from cancernet.maps.viewer import UNSURE
from cancernet.model.model import Model
from cancernet.slide.batch import Outcome, map_slide
from cancernet.slide.scale import BadSlide, Scale
from cancernet.slide.viewer import check_viewer_mpp, refuse_finer

Map = Callable[..., Outcome]


@pytest.fixture
def run(model: Model, tmp_path: Path) -> Map:
    def go(*paths: Path, model: Model = model, **options: Any) -> Outcome:
        return map_slide(paths, model, out=tmp_path / "out", say=lambda _: None, **options)

    return go


@pytest.fixture
def slide(save: Callable, enlarge: Callable, tissue_image: np.ndarray, tmp_path: Path) -> Path:
    """A drawn section at 1 um/px, as a tiled pyramid."""
    return save(enlarge(tissue_image, 4), tmp_path / "s.tif", mpp=1.0, tile=True, pyramid=True)


def data(folder: Path) -> dict[str, Any]:
    page = (folder / "viewer.html").read_text("utf-8")
    [found] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


def cells(found: dict[str, Any], name: str) -> np.ndarray:
    values = np.frombuffer(base64.b64decode(found["cells"][name]), "<u2")
    return values.reshape(found["cells"]["rows"], found["cells"]["columns"]).astype(int)


def test_the_tiles_are_the_section(run: Map, slide: Path, tissue_image: np.ndarray, tmp_path: Path) -> None:
    run(slide)
    tile = cv2.imread(str(tmp_path / "out" / "s" / "viewer" / "tiles" / "0" / "0_0.jpg"))[..., ::-1]
    assert tile.shape == tissue_image.shape
    error = np.abs(tile.astype(int) - tissue_image).mean()
    assert error < 6  # of JPEG
    for axis in (0, 1):  # a px off is seen
        assert error < 0.7 * np.abs(np.roll(tile, 1, axis).astype(int) - tissue_image).mean()
    found = data(tmp_path / "out" / "s")
    assert (found["tiles"]["width"], found["tiles"]["height"], found["tiles"]["mpp"]) == (400, 300, 4.0)


@pytest.mark.parametrize(
    ("asked", "size", "levels"), [(1.0, (1600, 1200), 3), (2.0, (800, 600), 2), (3.0, (533, 400), 2)]
)
def test_finer_tiles_are_the_slide_at_that_scale_and_the_map_lies_where_it_lay(
    run: Map, slide: Path, tmp_path: Path, asked: float, size: tuple[int, int], levels: int
) -> None:
    run(slide)
    coarse = data(tmp_path / "out" / "s")
    assert not run(slide, viewer_mpp=asked).skipped
    fine = data(tmp_path / "out" / "s")
    assert (fine["tiles"]["width"], fine["tiles"]["height"]) == size
    assert (fine["tiles"]["mpp"], fine["tiles"]["levels"]) == (asked, levels)
    assert fine["cells"] == coarse["cells"]
    assert fine["slide_mpp"] == [1.0, 1.0]


def test_the_cells_of_the_page_are_the_tiles_of_the_table(run: Map, slide: Path, tmp_path: Path) -> None:
    run(slide)
    folder = tmp_path / "out" / "s"
    found = data(folder)
    probability, state = cells(found, "probability"), cells(found, "state")
    tiles = json.loads((folder / "tiles.geojson").read_text("utf-8"))["features"]
    tiles = [tile for tile in tiles if tile["properties"]["classification"]["name"] != "Ignore*"]
    assert len(tiles) == np.isin(state, (1, 2)).sum()
    side = found["cells"]["um"]
    for tile in tiles:
        x, y = np.min(tile["geometry"]["coordinates"][0], axis=0)
        row, column = int(y * 1.0 / side), int(x * 1.0 / side)
        measured = tile["properties"]["measurements"]["context_prob_malignant"]
        assert probability[row, column] / found["cells"]["steps"] == pytest.approx(measured, abs=6e-5)
        assert (state[row, column] == 2) == (tile["properties"]["classification"]["name"] == "Tumor")
    assert (found["cells"]["width_um"], found["cells"]["height_um"]) == (1600.0, 1200.0)


def test_regions_are_those_of_the_table_in_its_order(
    run: Map, save: Callable, tissue_image: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "predict", lambda _, images: (np.arange(len(images)) % 3 == 0).astype(np.float32))
    run(save(tissue_image, tmp_path / "s.png"), mpp=4.0)
    folder = tmp_path / "out" / "s"
    regions = json.loads((folder / "regions.geojson").read_text("utf-8"))["features"]
    boxes = data(folder)["regions"]
    assert len(boxes) == len(regions) > 1
    for box, region in zip(boxes, regions, strict=True):
        corners = np.array(region["geometry"]["coordinates"][0]) / 50
        assert box == [*corners.min(axis=0), *np.ceil(corners.max(axis=0))]


def test_the_page_of_all_slides_names_the_folder_of_each_viewer(run: Map, slide: Path, tmp_path: Path) -> None:
    other = tmp_path / "ä & #1.tif"
    other.write_bytes(slide.read_bytes())
    run(slide, other)
    found = json.loads(
        re.findall(r'id="data">(.*?)</script>', (tmp_path / "out" / "cohort.html").read_text("utf-8"))[0]
    )
    folders = [row[found["fields"].index("folder")] for row in found["rows"]]
    assert folders == ["s", "ä _ _1"]
    assert all((tmp_path / "out" / folder / "viewer.html").is_file() for folder in folders)


def test_another_stain_is_refused_on_the_page_and_hatched(run: Map, model: Model, slide: Path, tmp_path: Path) -> None:
    colours = model.colours
    moved = structs.replace(colours, mean=tuple(each + 30 for each in colours.mean))
    run(slide, model=Model(model.folder, structs.replace(model.manifest, colours=moved)))
    folder = tmp_path / "out" / "s"
    page = (folder / "viewer.html").read_text("utf-8")
    assert re.search(r'role="alert">REFUSED: stained or scanned unlike', page)
    assert re.search(r'role="alert">The model was trained on SYNTHETIC patches', page)
    state = cells(data(folder), "state")
    assert (state >= UNSURE).any()
    assert not np.isin(state, (1, 2)).any()
    assert data(folder)["regions"] == []


@pytest.mark.parametrize("lost", ["viewer.html", "viewer/tiles/0/0_0.jpg"])
def test_a_viewer_that_is_lost_is_made_again(run: Map, slide: Path, tmp_path: Path, lost: str) -> None:
    run(slide)
    folder = tmp_path / "out" / "s"
    before = {path: path.read_bytes() for path in folder.glob("viewer*/**/*") if path.is_file()}
    assert run(slide).skipped
    (folder / lost).unlink()
    assert not run(slide).skipped
    assert {path: path.read_bytes() for path in folder.glob("viewer*/**/*") if path.is_file()} == before


@pytest.mark.parametrize("place", ["write_viewer", "make_tiles", "write_pyramid"])
def test_a_run_that_ended_in_the_viewer_goes_on_and_ends_alike(
    run: Map, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    run(slide, viewer_mpp=2.0)
    folder = tmp_path / "out" / "s"
    whole = {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if "viewer" in str(path.relative_to(folder)) and path.is_file()
    }
    (folder / "viewer.html").unlink()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"cancernet.slide.viewer.{place}", killed)
        with pytest.raises(KeyboardInterrupt):
            run(slide, viewer_mpp=2.0)
    assert not (folder / "summary.json").exists()
    run(slide, viewer_mpp=2.0)
    assert {path: path.read_bytes() for path in whole} == whole
    assert len(list(folder.glob("viewer/tiles/*/*"))) == 1 + 4


def test_tiles_that_are_whole_are_not_made_again(
    run: Map, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cancernet.slide.judged.score", killed)
        with pytest.raises(KeyboardInterrupt):
            run(slide, viewer_mpp=1.0)
    with monkeypatch.context() as patch:
        patch.setattr("cancernet.slide.viewer.write_pyramid", lambda *_: pytest.fail("was made again"))
        run(slide, viewer_mpp=1.0)
    assert (tmp_path / "out" / "s" / "viewer" / "tiles" / "2" / "3_2.jpg").is_file()


def test_what_is_finer_than_the_slide_is_refused_with_its_scale(run: Map, slide: Path) -> None:
    with pytest.raises(UserError, match=r"--viewer-mpp 0.5 is finer than the slide \(1 um/px\)"):
        run(slide, viewer_mpp=0.5)


@pytest.mark.parametrize(("stated", "refused"), [(0.2527, False), (0.26, False), (0.3, True), (0.5, True)])
def test_a_scanners_odd_scale_is_taken_for_what_it_is_called(stated: float, refused: bool) -> None:
    scale = Scale(stated, stated, "x")
    if refused:
        with pytest.raises(BadSlide, match="finer than the slide"):
            refuse_finer(0.25, scale)
    else:
        refuse_finer(0.25, scale)
    refuse_finer(None, scale)


@pytest.mark.parametrize("asked", [0.0, -1.0, 4.5, float("nan"), float("inf")])
def test_what_no_viewer_can_have_is_refused(asked: float) -> None:
    with pytest.raises(UserError, match="--viewer-mpp"):
        check_viewer_mpp(asked, 4.0)
    check_viewer_mpp(4.0, 4.0)
