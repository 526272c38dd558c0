"""Every specimen gets its files, what cannot be drawn is listed, and the numbers are right."""

import json
import re
import sys
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.common.executor import KILLED, Processes
from cancernet.common.output import LOCK, RECORD
from cancernet.context.smooth import apply_context
from cancernet.data.stream import PatchStream
from cancernet.maps import unit as maps_unit
from cancernet.maps.report import map_specimens
from cancernet.maps.specimens import list_specimens, read_specimen, stitch
from cancernet.model.manifest import Input
from cancernet.model.model import Model, load_model

sys.path.append(str(Path(__file__).parents[1] / "fixtures"))
import deadly


@pytest.fixture(scope="module")
def mapped(sections, model, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "maps"
    said = []
    return out, map_specimens(sections, model, out=out, say=said.append), said


def test_every_specimen_has_its_files(mapped):
    out, found, said = mapped
    assert [row["patient"] for row in found.specimens] == ["S001", "S002", "S003"]
    assert len(said) == 4  # a line each, and that they are synthetic
    for patient in ("S001", "S002", "S003"):
        names = {path.name for path in (out / patient).iterdir()}
        files = {"map.png", "overlay.png", "patches.csv", "specimen.json", RECORD}
        assert names == {*files, "viewer.html", "viewer", LOCK}
    assert {path.name for path in out.iterdir() if path.is_file()} == {"index.html", "specimens.csv", RECORD, LOCK}


def test_the_table_of_patches_holds_what_the_model_says(mapped, sections, model):
    out, _, _ = mapped
    rows = pd.read_csv(out / "S001" / "patches.csv")
    stream = PatchStream([sections])
    read = read_specimen(stream, "S001", list_specimens(stream)["S001"])
    probability = model.predict(read.images)
    assert rows["path"].tolist() == read.table["path"].tolist()
    assert np.allclose(rows["alone"], probability, atol=1e-6)
    context = apply_context(model, read.table["x"], read.table["y"], probability)
    assert (rows["decision"] == "malignant").tolist() == context.malignant.tolist()
    assert context.in_context.any()
    assert np.allclose(rows["probability"], context.probability, atol=1e-6)
    assert rows["label"].tolist() == read.table["label"].tolist()


def test_the_overlay_is_the_section_to_the_pixel(mapped, sections):
    out, _, _ = mapped
    stream = PatchStream([sections])
    read = read_specimen(stream, "S002", list_specimens(stream)["S002"])
    section = stitch(read)
    overlay = cv2.imread(str(out / "S002" / "overlay.png"))[..., ::-1]
    assert overlay.shape == section.shape
    covered = np.zeros(section.shape[:2], bool)
    for x, y in zip(read.table["x"] - read.table["x"].min(), read.table["y"] - read.table["y"].min(), strict=True):
        covered[y : y + 50, x : x + 50] = True
    changed = (overlay != section).any(axis=2)
    assert not changed[~covered].any()
    assert changed[covered].mean() > 0.9


def test_the_summary_is_plain_json_and_a_row_of_the_table(mapped):
    out, found, _ = mapped
    row = json.loads((out / "S003" / "specimen.json").read_text())["specimen"]
    assert row == found.specimens[2]
    assert pd.read_csv(out / "specimens.csv")["n_patches"].tolist() == [row["n_patches"] for row in found.specimens]


def test_the_page_shows_all_and_every_link_leads_somewhere(mapped):
    out, _, _ = mapped
    page = (out / "index.html").read_text()
    for link in re.findall(r'(?:href|src)="([^"#]+)"', page):
        assert (out / link).is_file(), link
    anchors = set(re.findall(r'href="#([^"]+)"', page))
    assert anchors == set(re.findall(r'section id="(s\d+)"', page))
    assert "not for diagnosis" in page
    assert "Synthetic data: not evidence" in page
    assert len(page) < 100_000  # pictures lie beside it


def test_one_specimen_that_cannot_be_drawn_ends_no_other(data, model, tmp_path):
    first = next((data / "S001" / "0").glob("*.png"))
    first.rename(first.with_name(re.sub(r"_x(\d+)", lambda x: f"_x{int(x[1]) + 7}", first.name)))  # off the grid
    found = map_specimens(data, model, out=tmp_path / "out")
    assert [row["patient"] for row in found.specimens] == ["S002", "S003"]
    [(patient, reason)] = found.errors
    assert patient == "S001"
    assert reason
    listed = pd.read_csv(tmp_path / "out" / "errors.csv")
    assert listed["path"].tolist() == ["S001"]
    assert reason.split(":")[0] in (tmp_path / "out" / "index.html").read_text()


def test_glass_is_unsure_and_a_specimen_of_nothing_else_is_left_out(data, model, tmp_path):
    for number, path in enumerate(sorted([*(data / "S001").rglob("*.png"), *(data / "S002").rglob("*.png")])):
        if "S001" in path.parts or number == 79:
            cv2.imwrite(str(path), np.full((50, 50, 3), 245, np.uint8))
    found = map_specimens(data, model, out=tmp_path / "out")
    assert [(row["patient"], row["n_unsure"]) for row in found.specimens] == [("S002", 1), ("S003", 0)]
    [(patient, reason)] = found.errors
    assert patient == "S001"
    assert "none of its patches can be judged: no stained tissue" in reason
    rows = pd.read_csv(tmp_path / "out" / "S002" / "patches.csv")
    assert (rows["decision"] == "unsure").sum() == 1
    assert "1 unsure" in (tmp_path / "out" / "index.html").read_text()


def test_damaged_and_nameless_files_are_listed_once_each(data, model, tmp_path):
    broken = next((data / "S001" / "0").glob("*.png"))
    broken.write_bytes(broken.read_bytes()[:80])
    (data / "notes.txt").write_text("hello")
    found = map_specimens(data, model, out=tmp_path / "out")
    assert len(found.specimens) == 3
    assert sorted(path.rpartition("/")[2] for path, _ in found.errors) == sorted([broken.name, "notes.txt"])


def test_an_old_list_of_errors_does_not_outlive_them(data, model, tmp_path):
    (data / "notes.txt").write_text("hello")
    map_specimens(data, model, out=tmp_path / "out")
    assert (tmp_path / "out" / "errors.csv").exists()
    (data / "notes.txt").unlink()
    map_specimens(data, model, out=tmp_path / "out")
    assert not (tmp_path / "out" / "errors.csv").exists()


def test_a_patient_that_is_not_there_is_named(data, model, tmp_path):
    with pytest.raises(UserError, match="no patches of X9"):
        map_specimens(data, model, out=tmp_path / "out", patients=("X9",))


def test_nothing_to_draw_is_an_error_with_the_first_reason(tmp_path, model):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.png").write_bytes(b"x")
    with pytest.raises(UserError, match=r"no specimen could be drawn: a\.png: its name"):
        map_specimens(tmp_path / "data", model, out=tmp_path / "out")


def test_scattered_patches_are_called_incomplete(data, model, tmp_path):
    files = sorted((data / "S001").rglob("*.png"))
    for file in files[2:]:
        file.unlink()
    move(files[0], 50 * 30)
    move(files[1], 50 * 30 + 500)
    found = map_specimens(data, model, out=tmp_path / "out", patients=("S001",))
    [row] = found.specimens
    assert row["n_patches"] == 2
    assert not row["complete"]
    assert row["n_in_context"] == 0
    assert any("INCOMPLETE" in text for text in row["warnings"])


def test_one_far_position_is_a_reason_and_no_crash(data, model, tmp_path):
    file = next((data / "S001" / "0").glob("*.png"))
    move(file, int(re.search(r"_x(\d+)", file.name)[1]) + 50 * 10**6)
    found = map_specimens(data, model, out=tmp_path / "out")
    assert [row["patient"] for row in found.specimens] == ["S002", "S003"]
    assert "check x and y" in found.errors[0][1]


def test_files_of_others_are_left_alone(data, model, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in ("index.html", "specimens.csv", "errors.csv"):
        (out / name).write_text("mine")
        with pytest.raises(UserError, match="not ours"):
            map_specimens(data, model, out=out)
        assert (out / name).read_text() == "mine"
        (out / name).unlink()
    (out / "S001").mkdir()
    (out / "S001" / "patches.csv").write_text("mine")
    map_specimens(data, model, out=out, patients=("S001",))
    assert (out / "S001" / "patches.csv").read_text() == "mine"
    assert (out / "S001-2" / "map.png").is_file()
    assert "S001-2/map.png" in (out / "index.html").read_text()


def test_a_second_run_replaces_the_first(data, model, tmp_path):
    for _ in range(2):
        map_specimens(data, model, out=tmp_path / "out", patients=("S001",))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"S001", "index.html", "specimens.csv", RECORD, LOCK}


def test_specimens_of_an_earlier_run_stay_on_the_page(data, model, tmp_path):
    out = tmp_path / "out"
    for patient in ("S001", "S002"):
        map_specimens(data, model, out=out, patients=(patient,))
    assert pd.read_csv(out / "specimens.csv")["patient"].tolist() == ["S001", "S002"]
    assert "S001/map.png" in (out / "index.html").read_text()
    other = Model(model.folder, msgspec.structs.replace(model.manifest, context=None))
    map_specimens(data, other, out=out, patients=("S003",))
    assert pd.read_csv(out / "specimens.csv")["patient"].tolist() == ["S003"]  # another model's maps are not mixed in


def test_a_specimen_of_another_version_is_left_out_of_the_page(data, model, tmp_path):
    out = tmp_path / "out"
    map_specimens(data, model, out=out, patients=("S001",))
    old = out / "S001" / "specimen.json"
    notes = json.loads(old.read_text())
    for changed in ({**notes, "specimen": {"patient": "S001"}}, {**notes, "specimen": None}, []):
        old.write_text(json.dumps(changed))
        map_specimens(data, model, out=out, patients=("S002",))
        assert pd.read_csv(out / "specimens.csv")["patient"].tolist() == ["S002"]


def test_a_killed_run_finds_its_folder_again(data, model, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(maps_unit, "blend", interrupted)
        with pytest.raises(KeyboardInterrupt):
            map_specimens(data, model, out=tmp_path / "out", patients=("S001",))
    map_specimens(data, model, out=tmp_path / "out", patients=("S001",))
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()] == ["S001"]


def test_glass_between_tissue_is_unsure_and_not_benign(data, model, tmp_path):
    file = next((data / "S001" / "0").glob("*.png"))
    cv2.imwrite(str(file), np.full((50, 50, 3), 240, np.uint8))
    [row] = map_specimens(data, model, out=tmp_path / "out", patients=("S001",)).specimens
    rows = pd.read_csv(tmp_path / "out" / "S001" / "patches.csv").set_index("path")
    blank = rows.loc[file.relative_to(data).as_posix()]
    assert blank["decision"] == "unsure"
    assert "no stained tissue" in blank["reason"]
    assert row["unsure_mm2"] == pytest.approx((rows["decision"] == "unsure").sum() * 0.04)


def test_results_do_not_go_among_the_patches(data, model):
    with pytest.raises(UserError, match="lies inside"):
        map_specimens(data, model, out=data / "maps")
    assert not (data / "maps").exists()


def test_a_model_of_another_scale_is_refused(data, model, tmp_path):
    coarse = msgspec.structs.replace(model.manifest, input=Input(size_px=50, mpp=8.0))
    other = Model(model.folder, coarse)
    with pytest.raises(UserError, match="8 um/px"):
        map_specimens(data, other, out=tmp_path / "out")


def test_names_that_formulas_are_made_of_are_drawn_as_they_are(data, model, tmp_path):
    for file in sorted((data / "S001").rglob("*.png")):
        file.rename(file.with_name(file.name.replace("S001", "$x_{$")))
    (data / "S001").rename(data / "$x_{$")
    found = map_specimens(data, model, out=tmp_path / "out", patients=("$x_{$",))
    assert found.specimens[0]["patient"] == "$x_{$"


def move(file, x):
    file.rename(file.with_name(re.sub(r"_x\d+", f"_x{x}", file.name)))


def test_workers_write_what_one_process_writes_in_the_order_of_the_patients(sections, model, tmp_path):
    as_it_lies = load_model(model.folder, threads=1)  # workers load it by its path
    one, many = (
        map_specimens(sections, as_it_lies, out=tmp_path / name, executor=executor, say=lambda _: None)
        for name, executor in (("one", None), ("many", Processes(2)))
    )
    assert [row["patient"] for row in one.specimens] == ["S001", "S002", "S003"]
    assert many.specimens == one.specimens
    for path in (tmp_path / "one").rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            assert (tmp_path / "many" / path.relative_to(tmp_path / "one")).read_bytes() == path.read_bytes(), path


def test_a_specimen_that_ends_its_process_is_left_out_with_the_reason(sections, model, tmp_path, monkeypatch):
    monkeypatch.setattr("cancernet.maps.report.map_guarded", deadly.poisoned_specimen)
    as_it_lies, executor = load_model(model.folder, threads=1), Processes(2, tries=2)
    found = map_specimens(sections, as_it_lies, out=tmp_path / "out", executor=executor, say=lambda _: None)
    assert [row["patient"] for row in found.specimens] == ["S001", "S003"]
    assert found.errors == [("S002", f"specimen left out: {KILLED.format(2)}")]
