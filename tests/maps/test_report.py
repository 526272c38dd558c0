"""Every specimen gets its files, what cannot be drawn is listed, and the numbers are right."""

import json
import re

import cv2
import numpy as np
import pandas as pd
import pytest

from cancernet.data.source import open_source
from cancernet.errors import UserError
from cancernet.inference import predict
from cancernet.maps.context import apply_context
from cancernet.maps.report import folder_name, line, map_specimens, measure, warnings, write_specimen
from cancernet.maps.specimens import Specimen, list_specimens, read_specimen, stitch


def specimen(labels, *, patient="P", width=50):
    """A row of cells, three high, so that each has neighbours."""
    n = len(labels)
    column, row = np.divmod(np.arange(n), 3)
    table = pd.DataFrame(
        {
            "path": [f"{k}.png" for k in range(n)],
            "x": column * 50 + 1,
            "y": row * 50 + 1,
            "label": labels,
            "width": width,
            "height": 50,
        }
    )
    rng = np.random.default_rng(0)
    return Specimen(patient, table, rng.integers(0, 256, (n, 50, 50, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def mapped(sections, bundle, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "maps"
    said = []
    return out, map_specimens(open_source(sections), bundle, out, say=said.append), said


def test_every_specimen_has_its_files(mapped):
    out, found, said = mapped
    assert [row["patient"] for row in found.specimens] == ["S001", "S002", "S003"]
    assert len(said) == 3
    for patient in ("S001", "S002", "S003"):
        names = {path.name for path in (out / patient).iterdir()}
        assert names == {"map.png", "overlay.png", "patches.csv", "specimen.json"}
    assert {path.name for path in out.iterdir() if path.is_file()} == {"index.html", "specimens.csv"}


def test_the_table_of_patches_holds_what_the_model_says(mapped, sections, bundle):
    out, _, _ = mapped
    rows = pd.read_csv(out / "S001" / "patches.csv")
    source = open_source(sections)
    listed, _ = list_specimens(source)
    read, _ = read_specimen(source, "S001", listed["S001"])
    probability = predict(bundle.session(), read.images)
    assert rows["path"].tolist() == read.table["path"].tolist()
    assert np.allclose(rows["probability"], probability, atol=1e-6)
    context = apply_context(bundle, read.table["x"], read.table["y"], probability)
    assert (rows["decision"] == "malignant").tolist() == context.malignant.tolist()
    assert np.array_equal(rows["probability_context"].notna(), context.in_context)
    assert rows["label"].tolist() == read.table["label"].tolist()


def test_the_overlay_is_the_section_to_the_pixel(mapped, sections):
    out, _, _ = mapped
    source = open_source(sections)
    listed, _ = list_specimens(source)
    read, _ = read_specimen(source, "S002", listed["S002"])
    section = stitch(read)
    overlay = cv2.imread(str(out / "S002" / "overlay.png"))[..., ::-1]
    assert overlay.shape == section.shape
    covered = np.zeros(section.shape[:2], bool)
    for x, y in zip(
        read.table["x"] - read.table["x"].min(), read.table["y"] - read.table["y"].min(), strict=True
    ):
        covered[y : y + 50, x : x + 50] = True
    changed = (overlay != section).any(axis=2)
    assert not changed[~covered].any()
    assert changed[covered].mean() > 0.9


def test_the_summary_is_plain_json_and_a_row_of_the_table(mapped):
    out, found, _ = mapped
    row = json.loads((out / "S003" / "specimen.json").read_text())
    assert row == found.specimens[2]
    assert pd.read_csv(out / "specimens.csv")["n_patches"].tolist() == [
        row["n_patches"] for row in found.specimens
    ]


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


def test_one_specimen_that_cannot_be_drawn_ends_no_other(data, bundle, tmp_path):
    first = next((data / "S001" / "0").glob("*.png"))
    first.rename(
        first.with_name(re.sub(r"_x(\d+)", lambda x: f"_x{int(x[1]) + 7}", first.name))
    )  # off the grid
    found = map_specimens(open_source(data), bundle, tmp_path / "out")
    assert [row["patient"] for row in found.specimens] == ["S002", "S003"]
    [(patient, reason)] = found.errors
    assert patient == "S001"
    assert reason
    listed = pd.read_csv(tmp_path / "out" / "errors.csv")
    assert listed["path"].tolist() == ["S001"]
    assert reason.split(":")[0] in (tmp_path / "out" / "index.html").read_text()


def test_damaged_and_nameless_files_are_listed_once_each(data, bundle, tmp_path):
    broken = next((data / "S001" / "0").glob("*.png"))
    broken.write_bytes(broken.read_bytes()[:80])
    (data / "notes.txt").write_text("hello")
    found = map_specimens(open_source(data), bundle, tmp_path / "out")
    assert len(found.specimens) == 3
    assert sorted(path.rpartition("/")[2] for path, _ in found.errors) == sorted([broken.name, "notes.txt"])


def test_an_old_list_of_errors_does_not_outlive_them(data, bundle, tmp_path):
    (data / "notes.txt").write_text("hello")
    map_specimens(open_source(data), bundle, tmp_path / "out", patients=("S001",))
    assert (tmp_path / "out" / "errors.csv").exists()
    (data / "notes.txt").unlink()
    map_specimens(open_source(data), bundle, tmp_path / "out", patients=("S001",))
    assert not (tmp_path / "out" / "errors.csv").exists()


def test_a_patient_that_is_not_there_is_named(data, bundle, tmp_path):
    with pytest.raises(UserError, match="no patches of X9"):
        map_specimens(open_source(data), bundle, tmp_path / "out", patients=("X9",))


def test_nothing_to_draw_is_an_error_with_the_first_reason(tmp_path, bundle):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.png").write_bytes(b"x")
    with pytest.raises(UserError, match=r"no specimen could be drawn: a\.png: its name"):
        map_specimens(open_source(tmp_path / "data"), bundle, tmp_path / "out")


def test_areas_and_rates_are_those_of_the_calls(bundle):
    labels = [1, 1, 1, 0, 0, 0, 0, 0, 0]
    some = specimen(labels, width=25)
    probability = np.array([0.9, 0.9, 0.1, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1])
    context = apply_context(bundle, some.table["x"], some.table["y"], probability)
    row = measure(some, probability, context, bundle)
    cell = 25 * 50 * 16e-6  # mm2
    assert row["tissue_mm2"] == pytest.approx(9 * cell, abs=1e-4)
    assert row["labelled_malignant_mm2"] == pytest.approx(3 * cell, abs=1e-4)
    assert row["malignant_mm2"] == pytest.approx(context.malignant.sum() * cell, abs=1e-4)
    called = probability >= bundle.threshold
    assert row["recall_alone"] == pytest.approx(called[:3].mean(), abs=1e-3)
    assert row["specificity_alone"] == pytest.approx((~called[3:]).mean(), abs=1e-3)
    assert row["recall_context"] == pytest.approx(context.malignant[:3].mean(), abs=1e-3)
    assert row["complete"]


def test_without_labels_there_are_areas_and_no_rates(bundle):
    some = specimen([-1] * 9)
    probability = np.full(9, 0.9)
    row = measure(
        some, probability, apply_context(bundle, some.table["x"], some.table["y"], probability), bundle
    )
    assert row["malignant_mm2"] == pytest.approx(9 * 0.04)
    assert row["n_malignant"] is None
    assert row["auc_context"] is None
    assert "AUC" not in line(row)


def test_a_specimen_of_one_class_has_no_auc(bundle):
    some = specimen([0] * 9)
    probability = np.full(9, 0.1)
    row = measure(
        some, probability, apply_context(bundle, some.table["x"], some.table["y"], probability), bundle
    )
    assert row["auc_context"] is None
    assert row["recall_context"] is None
    assert row["specificity_context"] == 1
    assert "AUC –" in line(row)


def test_patients_that_taught_the_model_are_marked(bundle):
    trained = next(p for p, side in bundle.manifest["split"]["patients"].items() if side == "train")
    row = {"patient": trained, "complete": True}
    assert any("LEARNED FROM THIS PATIENT" in text for text in warnings(row, bundle))
    assert not any("THIS PATIENT" in text for text in warnings({"patient": "new", "complete": True}, bundle))


def test_scattered_patches_are_called_incomplete(bundle, tmp_path):
    some = specimen([0, 1, 0])
    some.table["x"], some.table["y"] = [1, 501, 1001], [1, 301, 51]
    row = write_specimen(some, np.array([0.1, 0.9, 0.2]), bundle, tmp_path / "P")
    assert not row["complete"]
    assert row["n_in_context"] == 0
    assert any("INCOMPLETE" in text for text in row["warnings"])


@pytest.mark.parametrize(
    ("patient", "folder"), [("8867", "8867"), ("a/b c", "a_b_c"), ("..", "_"), ("é", "é")]
)
def test_folders_have_names_that_file_systems_take(patient, folder):
    assert folder_name(patient) == folder
