"""Explaining a heap of files: a row each, pictures of the first, one page, reasons for the rest."""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.data.scan import content_hash
from cancernet.explanation.explain import explain, picture_name, remembered
from cancernet.explanation.remembered import Pictures
from cancernet.model.bundle import shipped
from cancernet.model.examples import Index, unit
from cancernet.model.model import Model, load_model
from hostile.made import tissue


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(threads=1)


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    for i, name in enumerate(["a/8863_idx5_x1_y51_class1.png", "b/8863_idx5_x1_y51_class1.png", "a/ï $x$ 細.png"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(cv2.imencode(".png", tissue(i)[..., ::-1])[1].tobytes())
    return folder


def test_each_patch_has_a_row_a_picture_and_a_place_on_the_page(model: Model, patches: Path, tmp_path: Path) -> None:
    told = explain([patches], model, out=tmp_path / "out", threads=1)
    found = rows(tmp_path / "out" / "explanations.csv")
    assert (told.explained, told.drawn, told.failed) == (3, 3, 0)
    assert [row["path"] for row in found] == sorted(row["path"] for row in found)
    one = next(row for row in found if row["path"].startswith("b/"))
    assert (one["patient"], one["x"], one["y"]) == ("8863", "1", "51")
    expected = model.predict(tissue(1)[None])[0]
    assert float(one["probability"]) == pytest.approx(expected, abs=1e-5)
    assert one["decision"] == ("malignant" if expected >= model.threshold else "benign")
    assert all(one[f"near{i}_label"] in ("benign", "malignant") for i in range(1, 6))
    close = [float(one[f"near{i}_similarity"]) for i in range(1, 6)]
    assert close == sorted(close, reverse=True)
    pictures = [tmp_path / "out" / row["picture"] for row in found]
    assert len(set(pictures)) == 3
    for picture in pictures:
        assert picture.name.isascii()
        assert 880 <= cv2.imread(str(picture)).shape[1] <= 1000
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3
    assert "細" in page
    assert not (tmp_path / "out" / "errors.csv").exists()


def test_more_than_the_most_to_draw_are_in_the_table_alone(model: Model, patches: Path, tmp_path: Path) -> None:
    told = explain([patches], model, out=tmp_path / "out", threads=1, max_images=1)
    assert (told.explained, told.drawn) == (3, 1)
    assert [bool(row["picture"]) for row in rows(tmp_path / "out" / "explanations.csv")] == [True, False, False]
    assert "first 1 of 3 patches" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    told = explain([patches], model, out=tmp_path / "none", threads=1, max_images=0)
    assert (told.explained, told.drawn) == (3, 0)


def test_bad_files_are_listed_and_another_list_of_that_name_is_kept(
    model: Model, patches: Path, tmp_path: Path
) -> None:
    (patches / "bad.png").write_text("none")
    told = explain([patches], model, out=tmp_path / "out", threads=1, max_images=0)
    assert told.failed == 1
    assert rows(tmp_path / "out" / "errors.csv")[0]["path"] == "bad.png"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "errors.csv").write_text("mine")
    with pytest.raises(UserError, match="not ours"):
        explain([patches], model, out=tmp_path / "mine", threads=1)


def test_a_patch_that_cannot_be_judged_is_unsure_with_the_reason_on_its_picture(model: Model, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in" / "black.png"), np.zeros((50, 50, 3), np.uint8))
    told = explain([tmp_path / "in"], model, out=tmp_path / "out")
    [row] = rows(tmp_path / "out" / "explanations.csv")
    assert (row["decision"], told.unsure) == ("unsure", 1)
    assert "no stained tissue" in row["reason"]


def test_pictures_of_an_earlier_run_do_not_stay(model: Model, patches: Path, tmp_path: Path) -> None:
    explain(patches, model, out=tmp_path / "out", max_images=3)
    explain(patches / "b", model, out=tmp_path / "out", max_images=3)
    assert len(list((tmp_path / "out" / "pictures").iterdir())) == 1


def test_nothing_usable_is_an_error_and_leaves_no_table(model: Model, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("none")
    with pytest.raises(UserError, match="no image could be used of 1 files"):
        explain([tmp_path / "bad.png"], model, out=tmp_path / "out", threads=1)
    assert not (tmp_path / "out" / "explanations.csv").exists()


def test_a_synthetic_model_says_so_on_the_page(patches: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(shipped(), tmp_path / "model"))
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["data"]["synthetic"] = True
    (copy / "manifest.json").write_text(json.dumps(manifest))
    explain([patches], load_model(copy), out=tmp_path / "out", threads=1, max_images=1)
    assert "Synthetic data: not evidence" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b c.png", "0007_b_c.png"),
        ("細胞.png", "0007.png"),
        ("x/../../y.png", "0007_y.png"),
        ("n" * 300 + ".png", "0007_" + "n" * 60 + ".png"),
    ],
)
def test_pictures_have_names_that_are_safe_anywhere(path: str, name: str) -> None:
    assert picture_name(7, path) == name


def test_neighbours_carry_what_is_remembered_of_them() -> None:
    import pandas as pd

    table = pd.DataFrame({"hash": ["h0", "h1"], "label": [0, 1], "path": ["p0", "p1"], "patient": ["A", "B"]})
    [[first, second]] = remembered(Index(unit(np.eye(2)), table), np.array([[0.1, 2.0]]))
    assert (first.path, first.patient, first.label, first.hash) == ("p1", "B", 1, "h1")
    assert first.similarity > second.similarity


def test_a_picture_is_shown_only_if_its_pixels_are_the_ones(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "elsewhere").mkdir(parents=True)
    (folder / "elsewhere" / "one.png").write_bytes(cv2.imencode(".png", tissue(0)[..., ::-1])[1].tobytes())
    (folder / "two.png").write_text("no image")
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.write(folder / "elsewhere" / "one.png", "one.png")
    for data in (folder, tmp_path / "data.zip"):
        pictures = Pictures(data)
        np.testing.assert_array_equal(pictures.get("P/0/one.png", content_hash(tissue(0))), tissue(0))
        assert pictures.get("P/0/one.png", content_hash(tissue(1))) is None
        assert pictures.get("two.png", "00") is None
        assert pictures.get("absent.png", "11") is None
