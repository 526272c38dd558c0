"""From slides to folders of results: right in place and number, resumed, skipped, and refused with reasons."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec import structs

from cancernet.common.errors import UserError
from cancernet.common.output import BEGUN, LOCK, RECORD, Output
from cancernet.model.decide import logit
from cancernet.model.judge import OUT_OF_FOCUS
from cancernet.model.manifest import Context
from cancernet.model.model import Model, load_model
from cancernet.slide import job
from cancernet.slide.batch import Outcome, map_slide
from cancernet.slide.cohort_row import UNREADABLE
from cancernet.slide.inputs import WORK
from cancernet.slide.openslide_reader import OpenSlideReader
from cancernet.slide.pages import FILES
from hostile.made import tissue

Map = Callable[..., Outcome]
NAMES = {name.partition("/")[0] for name in FILES}  # at the top of a slide's folder


@pytest.fixture
def run(model: Model, tmp_path: Path) -> Map:
    def go(*paths: Path, out: Path = tmp_path / "out", model: Model = model, **options: object) -> Outcome:
        said: list[str] = []
        outcome = map_slide(paths, model, out=out, say=said.append, **options)  # type: ignore[arg-type]
        outcome.said = said  # type: ignore[attr-defined]
        return outcome

    return go


@pytest.fixture
def slide(save: Callable, enlarge: Callable, tissue_image: np.ndarray, tmp_path: Path) -> Path:
    """A drawn section at 1 um/px, as a tiled pyramid."""
    return save(enlarge(tissue_image, 4), tmp_path / "s.tif", mpp=1.0, tile=True, pyramid=True)


def mosaic(rows: int, columns: int) -> np.ndarray:
    """So many patches of tissue at 4 um/px, side by side: uint8 (50 rows, 50 columns, 3)."""
    patches = [[tissue(row * columns + column) for column in range(columns)] for row in range(rows)]
    return np.concatenate([np.concatenate(row, axis=1) for row in patches])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def summary(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text("utf-8"))


def test_a_slide_gets_every_file_and_no_work_is_left(run: Map, slide: Path, tmp_path: Path) -> None:
    outcome = run(slide)
    folder = tmp_path / "out" / "s"
    assert {path.name for path in folder.iterdir()} == {*NAMES, RECORD, LOCK}
    assert all((folder / name).is_file() for name in FILES)
    assert list(outcome.mapped) == [folder]
    assert not (tmp_path / "out" / "errors.csv").exists()
    found = summary(folder)
    source = "TIFF resolution (px an inch)"
    believed = {"from": source, "stated": {source: 1.0}, "not_believed": []}
    assert found["mpp"] == {"x": 1.0, "y": 1.0, **believed}
    assert found["section"]["level"] == 0
    assert found["synthetic"]
    assert any("SYNTHETIC" in warning for warning in found["warnings"])
    assert list(found["seconds"]) == ["read", "reduce", "tiles", "judge", "predict", "write", "whole"]
    assert all(spent >= 0 for spent in found["seconds"].values())


def test_the_table_holds_each_patchs_own_probability_in_wsinfers_columns(
    run: Map, model: Model, slide: Path, tissue_image: np.ndarray, tmp_path: Path
) -> None:
    run(slide)
    found = rows(tmp_path / "out" / "s" / "patches.csv")
    assert list(found[0])[:6] == ["minx", "miny", "width", "height", "prob_benign", "prob_malignant"]
    assert len(found) > 20
    for row in found[::7]:
        x, y = int(row["minx"]) // 4, int(row["miny"]) // 4
        patch = np.ascontiguousarray(tissue_image[y : y + 50, x : x + 50])
        assert float(row["prob_malignant"]) == pytest.approx(model.predict(patch[None])[0], abs=1e-5)
        assert float(row["prob_benign"]) + float(row["prob_malignant"]) == pytest.approx(1, abs=1e-5)
        assert (row["width"], row["height"]) == ("200", "200")


def test_coloured_squares_land_in_the_cells_they_were_painted_in(
    run: Map, save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = mosaic(4, 5)
    dark = {(0, 1), (2, 3), (3, 4)}
    for row, column in dark:
        cell = small[row * 50 : (row + 1) * 50, column * 50 : (column + 1) * 50]
        cell[:] = cell * 0.85
    image = np.repeat(np.repeat(small, 8, axis=0), 8, axis=1)  # 8 px at 0.5 um/px are one at 4 um/px
    path = save(image, tmp_path / "q.png", mpp=0.5)
    monkeypatch.setattr(Model, "predict", lambda _, images: (images.mean(axis=(1, 2, 3)) < 170).astype(np.float32))
    run(path)
    folder = tmp_path / "out" / "q"
    found = rows(folder / "patches.csv")
    high = {(int(r["miny"]) // 400, int(r["minx"]) // 400) for r in found if float(r["prob_malignant"]) == 1}
    assert high == dark
    regions = json.loads((folder / "regions.geojson").read_text("utf-8"))["features"]
    corners = {tuple(np.min(r["geometry"]["coordinates"][0], axis=0) // 400) for r in regions}
    assert corners == {(column, row) for row, column in dark}
    assert summary(folder)["malignant_mm2"] == pytest.approx(3 * 0.04)
    assert summary(folder)["malignant_share"] == pytest.approx(3 / 20, abs=1e-3)


@pytest.mark.parametrize("kind", ["png", "svs"])
def test_the_same_section_maps_alike_from_a_plain_image_and_a_pyramid(
    run: Map, save: Callable, save_svs: Callable, enlarge: Callable, tissue_image: np.ndarray, tmp_path: Path, kind: str
) -> None:
    large = enlarge(tissue_image, 16)
    plain = run(save(large, tmp_path / "p.png"), mpp=0.25)
    path = tmp_path / f"x.{kind}"
    other = run(save_svs(large, path) if kind == "svs" else save(large, path), mpp=0.25)
    a, b = (next(iter(outcome.mapped)) for outcome in (plain, other))
    ours, theirs = rows(a / "patches.csv"), rows(b / "patches.csv")
    assert [(r["minx"], r["miny"]) for r in ours] == [(r["minx"], r["miny"]) for r in theirs]
    tolerance = 0.1 if kind == "svs" else 1e-6  # JPEG is not exact
    for one, two in zip(ours, theirs, strict=True):
        assert float(one["prob_malignant"]) == pytest.approx(float(two["prob_malignant"]), abs=tolerance)


def test_overlap_makes_a_finer_map(run: Map, slide: Path, tmp_path: Path) -> None:
    run(slide, stride=25)
    folder = tmp_path / "out" / "s"
    tiles = json.loads((folder / "tiles.geojson").read_text("utf-8"))["features"]
    first = tiles[0]["geometry"]["coordinates"][0]
    assert np.ptp(first, axis=0).tolist() == [100, 100]
    assert summary(folder)["stride_px"] == 25


def test_a_finished_slide_is_skipped_until_something_changes(
    run: Map, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(slide)
    with monkeypatch.context() as patch:
        patch.setattr(job, "open_slide", lambda *_, **__: pytest.fail("was opened"))
        again = run(slide)
    assert again.skipped == [tmp_path / "out" / "s"]
    assert any("done before" in line for line in again.said)  # type: ignore[attr-defined]
    assert run(slide, stride=25).skipped == []
    (tmp_path / "out" / "s" / "regions.geojson").unlink()
    assert run(slide, stride=25).skipped == []
    os.utime(slide, (1, 1))
    assert run(slide, stride=25).skipped == []
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()] == ["s"]


def test_bad_files_are_listed_and_the_good_ones_mapped(
    run: Map, slide: Path, save: Callable, tissue_image: np.ndarray, tmp_path: Path
) -> None:
    (tmp_path / "empty.svs").touch()
    (tmp_path / "text.svs").write_text("hello")
    whole = slide.read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 2])
    save(np.full((300, 300, 3), 240, np.uint8), tmp_path / "glass.png", mpp=4.0)
    save(tissue_image, tmp_path / "dpi.png", mpp=25_400 / 300)
    (tmp_path / "folder").mkdir()
    bad = [tmp_path / name for name in ("empty.svs", "text.svs", "cut.tif", "glass.png", "dpi.png", "folder", "none")]
    outcome = run(*bad, slide)
    listed = {Path(row["path"]).name: row["reason"] for row in rows(tmp_path / "out" / "errors.csv")}
    assert set(listed) == {path.name for path in bad}
    assert "no stained tissue" in listed["glass.png"]
    assert "pass --mpp" in listed["dpi.png"]
    assert "damaged" in listed["cut.tif"]
    assert len(outcome.mapped) == 1
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()] == ["s"]
    cohort = rows(tmp_path / "out" / "cohort.csv")
    assert [row["status"] for row in cohort] == [*["failed"] * len(bad), "mapped"]
    assert {row["slide"]: row["reason"] for row in cohort} == {**listed, "s.tif": ""}
    run(slide)
    assert not (tmp_path / "out" / "errors.csv").exists()


def test_nothing_mapped_is_an_error_that_names_the_first_reason(run: Map, tmp_path: Path) -> None:
    (tmp_path / "a.svs").touch()
    with pytest.raises(UserError, match=r"no slide could be mapped of 1: .*a\.svs: empty"):
        run(tmp_path / "a.svs")


def test_names_with_accents_spaces_and_the_same_name_twice(run: Map, slide: Path, tmp_path: Path) -> None:
    name = "Schnitt ä & <b>.tif"
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        (tmp_path / place / name).write_bytes(slide.read_bytes())
    outcome = run(tmp_path / "one" / name, tmp_path / "two" / name)
    assert [folder.name for folder in outcome.mapped] == ["Schnitt ä _ _b_", "Schnitt ä _ _b_-2"]
    cohort = rows(tmp_path / "out" / "cohort.csv")
    assert [(row["slide"], row["folder"]) for row in cohort] == [(name, folder.name) for folder in outcome.mapped]
    page = (tmp_path / "out" / "cohort.html").read_text("utf-8")
    assert r"\u003cb\u003e.tif" in page
    assert "<b>.tif" not in page


def test_users_files_and_folders_are_left_as_they_were(run: Map, slide: Path, tmp_path: Path) -> None:
    before = (slide.read_bytes(), slide.stat().st_mtime_ns)
    mine = tmp_path / "out" / "s" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    outcome = run(slide)
    assert [folder.name for folder in outcome.mapped] == ["s-2"]
    assert (slide.read_bytes(), slide.stat().st_mtime_ns) == before
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "options",
    [{"mpp": 0.0}, {"mpp": -1.0}, {"mpp": float("nan")}, {"stride": 7}, {"viewer_mpp": 4.1}, {"viewer_mpp": 0.0}],
)
def test_impossible_options_stop_before_anything_is_written(
    run: Map, slide: Path, tmp_path: Path, options: dict[str, float]
) -> None:
    with pytest.raises(UserError, match=r"--mpp|--stride|--viewer-mpp"):
        run(slide, **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("stride", "left_out"), [(50, True), (10, False)])
def test_an_edge_that_is_left_out_is_told(
    run: Map, save: Callable, tissue_image: np.ndarray, tmp_path: Path, stride: int, left_out: bool
) -> None:
    image = np.ascontiguousarray(tissue_image[:, :374])
    run(save(image, tmp_path / "e.png"), mpp=4.0, stride=stride)
    told = any("24 px at the right edge" in each for each in summary(tmp_path / "out" / "e")["warnings"])
    assert told == left_out
    found = rows(tmp_path / "out" / "e" / "patches.csv")
    assert max(int(row["minx"]) + int(row["width"]) for row in found) == (350 if left_out else 374)


def test_another_stain_is_refused_in_summary_page_and_tables(
    run: Map, model: Model, slide: Path, tmp_path: Path
) -> None:
    colours = model.colours
    moved = structs.replace(colours, mean=tuple(each + 30 for each in colours.mean))
    outcome = run(slide, model=Model(model.folder, structs.replace(model.manifest, colours=moved)))
    assert outcome.refused == [tmp_path / "out" / "s"]
    found = summary(tmp_path / "out" / "s")
    assert found["stain_distance"] > found["stain_limit"]
    assert "stained or scanned unlike" in found["refused"]
    assert (found["malignant_mm2"], found["malignant_share"], found["patches_malignant"]) == (None, None, 0)
    assert {row["decision"] for row in rows(tmp_path / "out" / "s" / "patches.csv")} == {"unsure"}
    tiles = json.loads((tmp_path / "out" / "s" / "tiles.geojson").read_text("utf-8"))["features"]
    assert {tile["properties"]["classification"]["name"] for tile in tiles} == {"Ignore*"}
    assert json.loads((tmp_path / "out" / "s" / "regions.geojson").read_text("utf-8"))["features"] == []
    [row] = rows(tmp_path / "out" / "cohort.csv")
    assert (row["status"], row["reason"], row["mean_log_odds"]) == ("refused", found["refused"], "")
    assert float(row["unsure_share"]) == 1
    assert "REFUSED" not in row["warnings"]  # it is the reason already


def test_a_bounded_slide_is_placed_from_its_corner_in_the_table_and_from_the_area_for_qupath(
    run: Map, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cancernet.slide.openslide_reader.bounds", lambda *_: ((400, 200), (800, 800)))
    run(slide)
    folder = tmp_path / "out" / "s"
    first = rows(folder / "patches.csv")[0]
    tile = json.loads((folder / "tiles.geojson").read_text("utf-8"))["features"][0]
    x, y = np.min(tile["geometry"]["coordinates"][0], axis=0)
    assert (int(first["minx"]), int(first["miny"])) == (x + 400, y + 200)


SLOWLY = """
import sys, time
from cancernet.model.model import Model, load_model
from cancernet.slide import score
from cancernet.slide.batch import map_slide
score.CHUNK = 4
real = Model.predict
def slowly(self, images):
    time.sleep(float(sys.argv[4]))
    return real(self, images)
Model.predict = slowly
map_slide(sys.argv[1], load_model(sys.argv[2], threads=1), out=sys.argv[3])
"""


def start_slowly(slide: Path, model: Model, out: Path, seconds: float) -> subprocess.Popen:
    """Map a slide in another process, so slowly; returns when it has scored a few patches."""
    arguments = [str(each) for each in (slide, model.folder, out, seconds)]
    child = subprocess.Popen([sys.executable, "-c", SLOWLY, *arguments])
    scores = out / "s" / WORK / "scores.f32"
    while child.poll() is None and not (scores.exists() and scores.stat().st_size >= 64):
        time.sleep(0.01)
    return child


def test_a_run_killed_half_way_goes_on_without_reading_again_and_ends_alike(
    run: Map, model: Model, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cancernet.slide.score.CHUNK", 4)
    run(slide, out=tmp_path / "whole")
    out = tmp_path / "killed"
    child = start_slowly(slide, model, out, 0.05)
    child.kill()
    assert child.wait() == -9
    assert not (out / "s" / "summary.json").exists()
    (out / "s" / BEGUN).unlink()  # or a process of its own would do the rest, where nothing can be watched
    monkeypatch.setattr(OpenSlideReader, "read", lambda *_: pytest.fail("was read again"))
    asked: list[int] = []
    real = Model.predict
    monkeypatch.setattr(Model, "predict", lambda self, images: asked.append(len(images)) or real(self, images))
    run(slide, out=out)
    total = len(rows(out / "s" / "patches.csv"))
    assert 0 < sum(asked) <= total - 8
    for name in ("patches.csv", "tiles.geojson", "regions.geojson", "thumbnail.png", "viewer.html"):
        assert (out / "s" / name).read_bytes() == (tmp_path / "whole" / "s" / name).read_bytes()
    assert not (out / "s" / WORK).exists()


SIDE_PX = 14_000  # 588 MB of pixels; with them a small slide's 350 MB would be 940
MOST_MB = 800
MEMORY = """
import sys
from pathlib import Path
from cancernet.model.model import load_model
from cancernet.slide.batch import map_slide
map_slide(sys.argv[1], load_model(sys.argv[2]), out=sys.argv[3], mpp=0.25)
status = Path("/proc/self/status").read_text()
print("PEAK", next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
@pytest.mark.parametrize("name", ["tiled.tif", "large.jpg"])
def test_200_megapixels_are_not_held_whole(model: Model, tissue_image: np.ndarray, tmp_path: Path, name: str) -> None:
    import pyvips

    tile = pyvips.Image.new_from_memory(tissue_image.tobytes(), 400, 300, 3, "uchar")
    image = tile.copy(interpretation="srgb").replicate(5, 7).zoom(10, 10).crop(0, 0, SIDE_PX, SIDE_PX)
    if name == "tiled.tif":
        image.tiffsave(str(tmp_path / name), compression="jpeg", tile=True)
    else:
        image.jpegsave(str(tmp_path / name))
    ended = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / name), str(model.folder), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
    )
    peak_mb = int(ended.stdout.split("PEAK")[1]) / 1024
    assert peak_mb < MOST_MB
    assert cv2.imread(str(tmp_path / "out" / Path(name).stem / "overlay.png")) is not None


@pytest.fixture
def neighbourly(model: Model) -> Model:
    """The same model, which takes surroundings in."""
    context = Context(method="surroundings", sigma_px=50.0, weights=(0.5, 0.5, 0.0))
    return Model(model.folder, structs.replace(model.manifest, context=context))


def test_neighbours_decide_and_every_file_says_the_same(
    run: Map, neighbourly: Model, slide: Path, tmp_path: Path
) -> None:
    outcome = run(slide, model=neighbourly)
    folder = tmp_path / "out" / "s"
    found, told = rows(folder / "patches.csv"), summary(folder)
    tiles = json.loads((folder / "tiles.geojson").read_text())["features"]
    assert not any("knows nothing of surroundings" in line for line in outcome.said)  # type: ignore[attr-defined]
    assert told["patches_in_context"] > len(found) / 2
    assert len({row["threshold"] for row in found}) == 1
    assert any(row["prob_malignant"] != row["context_prob_malignant"] for row in found)
    called = [row["decision"] for row in found]
    assert called.count("malignant") == told["patches_malignant"]
    assert called.count("benign") == told["patches_benign"]
    odds = [logit(float(row["context_prob_malignant"])) for row in found if row["decision"] != "unsure"]
    assert told["mean_log_odds"] == pytest.approx(np.mean(odds), abs=1e-3)
    [cohort] = rows(tmp_path / "out" / "cohort.csv")
    for name in ("patches", "patches_benign", "mean_log_odds", "malignant_share", "tissue_mm2", "stain_distance"):
        assert float(cohort[name]) == told[name]
    by_place = {tuple(tile["geometry"]["coordinates"][0][0]): tile["properties"] for tile in tiles}
    for row in found:
        place = (int(row["minx"]), int(row["miny"]))
        tile = by_place[place]
        called = {"malignant": "Tumor", "benign": "Other", "unsure": "Ignore*"}[row["decision"]]
        assert tile["classification"]["name"] == called
        if row["decision"] == "unsure":
            assert tile["measurements"] == {}
            continue
        for name in ("prob_malignant", "context_prob_malignant"):
            assert tile["measurements"][name] == pytest.approx(float(row[name]), abs=2e-6)


def test_a_model_without_neighbours_is_told(run: Map, slide: Path) -> None:
    assert any("knows nothing of surroundings" in line for line in run(slide).said)  # type: ignore[attr-defined]


def test_a_slide_that_turned_to_glass_is_not_shown_with_its_old_map(
    run: Map, save: Callable, slide: Path, tmp_path: Path
) -> None:
    run(slide)
    glass = np.full((1200, 1600, 3), 245, np.uint8)
    save(glass, slide, mpp=1.0, tile=True, pyramid=True)
    with pytest.raises(UserError, match="no stained tissue"):
        run(slide)
    [row] = rows(tmp_path / "out" / "cohort.csv")
    assert (row["status"], row["folder"]) == ("failed", "")
    assert "no stained tissue" in row["reason"]


def test_a_page_of_others_is_left_alone(run: Map, slide: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cohort.html").write_text("mine")
    with pytest.raises(UserError, match="not ours"):
        run(slide)
    assert (tmp_path / "out" / "cohort.html").read_text() == "mine"


def test_folders_of_others_do_not_confuse_the_page(run: Map, slide: Path, tmp_path: Path) -> None:
    other = tmp_path / "out" / "other"
    other.mkdir(parents=True)
    (other / "summary.json").write_text('{"format": 2}')
    (other / ".cancernet.json").write_text("[]")
    run(slide)
    assert (tmp_path / "out" / "s" / "summary.json").is_file()


def test_signs_of_formulas_and_bytes_that_are_no_text(run: Map, slide: Path, tmp_path: Path) -> None:
    odd = Path(slide.rename(slide.with_name("a$\\foo$.tif")))
    broken = tmp_path / os.fsdecode(b"\xff.tif")
    outcome = run(broken, odd)
    assert len(outcome.mapped) == 1
    [(path, reason)] = outcome.failed
    assert "UTF-8" in reason
    path.encode()


def test_one_slide_has_one_folder_however_it_is_spelled(run: Map, slide: Path, tmp_path: Path) -> None:
    run(slide)
    outcome = run(tmp_path / "out" / ".." / slide.name)
    assert [folder.name for folder in outcome.mapped] == ["s"]
    assert outcome.skipped


@pytest.mark.parametrize(
    "change",
    [
        lambda found: {**found, "format": 1},
        lambda found: {"format": found["format"]},
        lambda found: {**found, "mpp": None, "settings": {}},
        lambda found: {**found, "patches": "many", "settings": {}},
    ],
)
def test_a_summary_of_another_version_is_told_in_the_cohort_and_made_anew(
    run: Map, slide: Path, tmp_path: Path, change: Callable[[dict], dict]
) -> None:
    first = slide.rename(tmp_path / "first.tif")
    second = tmp_path / "second.tif"
    second.write_bytes(first.read_bytes())
    run(first)
    old = tmp_path / "out" / "first" / "summary.json"
    old.write_text(json.dumps(change(json.loads(old.read_text()))))
    run(second)
    told = {row["slide"]: (row["status"], row["reason"]) for row in rows(tmp_path / "out" / "cohort.csv")}
    assert told == {"first.tif": ("failed", UNREADABLE), "second.tif": ("mapped", "")}
    assert run(first).skipped == []


def test_a_folder_that_is_being_written_is_refused_and_the_first_run_ends_right(
    run: Map, model: Model, slide: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    child = start_slowly(slide, model, out, 0.3)
    with pytest.raises(UserError, match="is being written by another cancernet"):
        run(slide, out=out)
    assert child.wait() == 0
    run(slide, out=tmp_path / "alone")
    ours, theirs = rows(out / "s" / "patches.csv"), rows(tmp_path / "alone" / "s" / "patches.csv")
    for one, two in zip(ours, theirs, strict=True):
        assert float(one["prob_malignant"]) == pytest.approx(float(two["prob_malignant"]), abs=1e-5)
    assert run(slide, out=out).skipped == [out / "s"]


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("cancernet.slide.results.find_regions", RuntimeError("GEOSException: odd ring")),
        ("cancernet.slide.judged.find_tissue", UserError("odd colours")),
        ("cancernet.slide.judged.block_means", MemoryError("no room")),
    ],
)
def test_an_error_of_one_slide_is_listed_and_the_next_is_mapped(
    run: Map, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, error: Exception
) -> None:
    module, _, name = place.rpartition(".")
    real = getattr(sys.modules[module], name)
    calls: list[int] = []

    def once(*given: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise error
        return real(*given)

    monkeypatch.setattr(place, once)
    other = tmp_path / "t.tif"
    other.write_bytes(slide.read_bytes())
    outcome = run(slide, other)
    [(path, reason)] = outcome.failed
    assert path.endswith("s.tif")
    assert str(error) in reason
    assert [folder.name for folder in outcome.mapped] == ["t"]
    assert [each["path"] for each in rows(tmp_path / "out" / "errors.csv")] == [path]
    assert not (tmp_path / "out" / "s").exists()


def test_a_slide_that_cannot_be_read_is_listed(
    run: Map, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import openslide

    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    good = slide.rename(tmp_path / "t.png")
    cv2.imwrite(str(good), cv2.imread(str(good)))
    cv2.imwrite(str(slide), np.zeros((9, 9, 3), np.uint8))
    monkeypatch.setattr(openslide.OpenSlide, "detect_format", lambda path: fails() if path == str(slide) else None)
    outcome = run(slide, good, mpp=1.0)
    assert [reason for _, reason in outcome.failed] == ["cannot be read (Input/output error)"]
    assert len(outcome.mapped) == 1


def test_a_full_disk_ends_the_batch_and_keeps_the_work(
    run: Map, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cancernet.slide.pages.write_thumbnail", full)
    with pytest.raises(OSError, match="No space left"):
        run(slide)
    assert (tmp_path / "out" / "s" / WORK / "scores.f32").exists()


@pytest.mark.parametrize("name", ["..png", "cohort.html.png", "errors.csv.png"])
def test_no_name_of_a_slide_leads_out_of_its_own_folder(
    run: Map, save: Callable, tissue_image: np.ndarray, tmp_path: Path, name: str
) -> None:
    outcome = run(save(tissue_image, tmp_path / name), mpp=4.0)
    out = tmp_path / "out"
    [folder] = outcome.mapped
    assert folder.parent == out
    assert {path.name for path in out.iterdir() if path.is_file()} == {
        *("cohort.html", "cohort.csv", ".cancernet.json", ".cancernet.lock")
    }
    assert {path.name for path in folder.iterdir()} > NAMES


def test_a_folder_is_kept_for_its_slide_whatever_the_order(run: Map, slide: Path, tmp_path: Path) -> None:
    paths = [tmp_path / place / "x.tif" for place in "ab"]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(slide.read_bytes())
    assert [folder.name for folder in run(*paths).mapped] == ["x", "x-2"]
    assert [folder.name for folder in run(*paths[::-1]).mapped] == ["x-2", "x"]
    assert [folder.name for folder in run(paths[1]).mapped] == ["x-2"]


def test_a_slide_that_failed_takes_no_results_of_others_with_it(
    run: Map, slide: Path, save: Callable, tmp_path: Path
) -> None:
    run(slide)
    mine = tmp_path / "out" / "s" / "mine.txt"
    mine.write_text("mine")
    slide.write_text("damaged")
    with pytest.raises(UserError, match="not a slide"):
        run(slide)
    assert mine.read_text() == "mine"
    assert not (mine.parent / WORK).exists()


def test_the_folder_of_another_command_is_refused(run: Map, slide: Path, tmp_path: Path) -> None:
    with Output(tmp_path / "out", "map") as maps:
        maps.write_text("a.txt", "a")
    with pytest.raises(UserError, match="holds the results of `cancernet map`"):
        run(slide)


def test_unsure_patches_are_in_the_table_with_a_reason_and_in_no_map(run: Map, save: Callable, tmp_path: Path) -> None:
    image = mosaic(6, 6)
    image[50:100, 50:100] = (210, 210, 190)  # coloured enough for tissue, but by neither dye
    run(save(image, tmp_path / "q.png"), mpp=4.0)
    folder = tmp_path / "out" / "q"
    unsure = [row for row in rows(folder / "patches.csv") if row["decision"] == "unsure"]
    assert [(row["minx"], row["miny"]) for row in unsure] == [("50", "50")]
    assert unsure[0]["reason"].startswith("no stained tissue")
    assert summary(folder)["patches_unsure"] == 1
    assert summary(folder)["analysed_mm2"] == pytest.approx(35 * 0.04)
    tiles = json.loads((folder / "tiles.geojson").read_text("utf-8"))["features"]
    names = [tile["properties"]["classification"]["name"] for tile in tiles]
    assert (len(names), names.count("Ignore*")) == (36, 1)
    assert "36, every 50 px, 1 of them unsure" in (folder / "viewer.html").read_text("utf-8")


def test_one_path_as_text_does_and_a_notebook_shows_a_table(model: Model, slide: Path, tmp_path: Path) -> None:
    outcome = map_slide(str(slide), model, out=str(tmp_path / "out"), say=lambda _: None)
    assert "s.tif" in outcome._repr_html_()
    assert outcome.page.is_file()


def test_a_folder_and_a_manifest_name_slides_and_what_is_said_of_them_stands_in_the_summary(
    run: Map, slide: Path, save: Callable, tissue_image: np.ndarray, tmp_path: Path
) -> None:
    folder = tmp_path / "slides"
    folder.mkdir()
    slide.rename(folder / "s.tif")
    unscaled = save(tissue_image, tmp_path / "u.png")
    listed = tmp_path / "list.csv"
    listed.write_text("path,patient,mpp,scanner\nu.png,P7,4.0,GT 450\n", encoding="utf-8")
    outcome = run(folder, manifest=listed)
    assert {path.name for path in outcome.mapped} == {"s", "u"}
    said = next(found for path, found in outcome.mapped.items() if path.name == "u")
    assert (said["patient"], said["scanner"], said["mpp"]["from"]) == ("P7", "GT 450", "the mpp in list.csv")
    assert unscaled.is_file()


def test_one_mpp_for_several_slides_stands_in_only_where_none_is_stated(
    run: Map, slide: Path, save: Callable, tissue_image: np.ndarray, tmp_path: Path
) -> None:
    unscaled = save(tissue_image, tmp_path / "u.png")
    outcome = run(slide, unscaled, mpp=4.0)
    scales = {path.name: found["mpp"] for path, found in outcome.mapped.items()}
    assert (scales["s"]["x"], scales["u"]["x"], scales["u"]["from"]) == (pytest.approx(1.0), 4.0, "--mpp")
    assert scales["s"]["stated"] == {"TIFF resolution (px an inch)": pytest.approx(1.0)}
    assert any("its own 1 um/px stands" in line for line in outcome.said)


def test_two_images_of_one_file_get_a_folder_each(run: Map, tissue_image: np.ndarray, tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    path = tmp_path / "two.tif"
    with tifffile.TiffWriter(path) as file:
        for image in (tissue_image, tissue_image[::-1]):
            file.write(image, photometric="rgb", resolution=(2500, 2500), resolutionunit=3, metadata=None)
    with pytest.raises(UserError, match="which image is the slide is not certain"):
        run(path)
    folders = {number: next(iter(run(path, series=number).mapped)) for number in (0, 1)}
    assert folders[0] != folders[1]
    assert json.loads((folders[1] / "summary.json").read_text())["series"] == 1


def test_what_was_named_and_is_no_slide_is_listed_beside_the_maps(run: Map, slide: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    outcome = run(slide, tmp_path / "nothing")
    assert outcome.failed == [(str(tmp_path / "nothing"), "a folder without a slide (0 files in it and below)")]
    assert len(outcome.mapped) == 1


def test_a_blurred_part_is_unsure_measured_and_warned_of(run: Map, save: Callable, tmp_path: Path) -> None:
    image = mosaic(6, 6)
    image[:, :135] = cv2.GaussianBlur(image, (0, 0), 3)[:, :135]  # the third column of patches in part
    run(save(image, tmp_path / "b.png"), mpp=4.0)
    folder = tmp_path / "out" / "b"
    unsure = {row["minx"]: row["reason"] for row in rows(folder / "patches.csv") if row["decision"] == "unsure"}
    assert set(unsure) == {"0", "50", "100"}
    assert set(unsure.values()) == {OUT_OF_FOCUS}
    told = summary(folder)
    assert told["not_judged_share"] == pytest.approx(0.5, abs=0.01)
    assert list(told["not_judged_mm2"]) == [OUT_OF_FOCUS]
    assert any(OUT_OF_FOCUS in warning and "not judged" in warning for warning in told["warnings"])


def test_tables_are_written_when_asked_for_and_gone_when_not(run: Map, slide: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    table = tmp_path / "out" / "s" / "patches.parquet"
    run(slide, tables=("parquet",))
    table.unlink()
    run(slide, tables=("parquet",))  # it is not called done before
    assert table.is_file()
    run(slide)
    assert not table.exists()
    with pytest.raises(UserError, match="--table xlsx"):
        run(slide, tables=("xlsx",))


def test_anndata_of_a_slide_is_of_the_same_patches_and_says_of_which_model(
    run: Map, save: Callable, tissue_image: np.ndarray, tmp_path: Path
) -> None:
    anndata = pytest.importorskip("anndata")
    model = load_model(threads=1)  # which has embeddings
    slide = save(tissue_image, tmp_path / "e.png")
    run(slide, model=model, mpp=4.0, tables=("h5ad",))
    folder = tmp_path / "out" / "e"
    found, table = anndata.read_h5ad(folder / "patches.h5ad"), rows(folder / "patches.csv")
    assert found.obs["decision"].tolist() == [row["decision"] for row in table]
    assert found.obsm["spatial"][0].tolist() == [int(table[0]["minx"]) + 25, int(table[0]["miny"]) + 25]
    x, y = int(table[3]["minx"]), int(table[3]["miny"])
    patch = np.ascontiguousarray(tissue_image[y : y + 50, x : x + 50])[None]
    np.testing.assert_allclose(found.X[3], model.explain(patch).embedding[0], rtol=1e-4, atol=1e-5)
    said = found.uns["cancernet"]
    assert (said["graph_sha256"], said["threshold"], said["mpp"]) == (model.graph_sha256, model.threshold, 4.0)
    assert said["refused"] == summary(folder)["refused"]
