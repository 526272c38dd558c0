"""Predicting a heap of files: every one becomes a row or a reason, and memory stays flat."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.context.smooth import in_section
from cancernet.data import stream as stream_module
from cancernet.model.manifest import Band, Context
from cancernet.model.model import Model, load_model
from cancernet.prediction.predict import Tally, predict, predict_paths
from hostile.made import tissue

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
NAME = "8863_idx5_x{x}_y51_class1.png"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(V1, threads=1)


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    """A folder of three good patches."""
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(3):
        cv2.imwrite(str(folder / NAME.format(x=1 + 50 * i)), tissue(i)[..., ::-1])
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def run(model: Model) -> Callable[..., Tally]:
    def go(*paths: Path, out: Path | None = None, screen: io.StringIO | None = None) -> Tally:
        return predict_paths(paths, model, out=out, screen=screen or io.StringIO())

    return go


def test_each_patch_is_a_row_with_what_its_name_tells(run: Callable, patches: Path, tmp_path: Path) -> None:
    tally = run(patches, out=tmp_path / "p.csv")
    found = rows(tmp_path / "p.csv")
    assert list(found[0]) == ["path", "patient", "x", "y", "probability", "decision", "reason", "alone"]
    assert [row["path"] for row in found] == [NAME.format(x=x) for x in (101, 1, 51)]
    assert [(row["patient"], row["x"], row["y"]) for row in found] == [("8863", x, "51") for x in ("101", "1", "51")]
    assert (tally.predicted, tally.failed) == (3, 0)
    assert not (tmp_path / "errors.csv").exists()


def test_rows_hold_the_probability_of_their_own_patch(
    run: Callable, model: Model, patches: Path, tmp_path: Path
) -> None:
    run(patches, out=tmp_path / "p.csv")
    for row in rows(tmp_path / "p.csv"):
        image = cv2.imread(str(patches / row["path"]))[..., ::-1]
        alone = model.predict(np.ascontiguousarray(image[None]))[0]
        assert float(row["probability"]) == pytest.approx(alone, abs=1e-5)


def test_the_decision_is_malignant_at_the_threshold_and_above(
    run: Callable, model: Model, patches: Path, tmp_path: Path
) -> None:
    run(patches, out=tmp_path / "p.csv")
    for row in rows(tmp_path / "p.csv"):
        malignant = float(row["probability"]) >= model.threshold
        assert row["decision"] == ("malignant" if malignant else "benign")
    one = patches / NAME.format(x=1)
    image = np.ascontiguousarray(cv2.imread(str(one))[None, ..., ::-1])
    exactly = float(model.predict(image)[0])
    for threshold, decision in ((exactly, "malignant"), (np.nextafter(exactly, 1), "benign")):
        thresholds = msgspec.structs.replace(model.manifest.thresholds, target_recall=float(threshold))
        moved = Model(V1, msgspec.structs.replace(model.manifest, thresholds=thresholds))
        predict_paths([one], moved, out=tmp_path / "one.csv", screen=io.StringIO())
        assert rows(tmp_path / "one.csv")[0]["decision"] == decision


def test_a_name_that_tells_nothing_leaves_its_columns_empty(run: Callable, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "mine.png"), tissue(0))
    run(tmp_path / "mine.png", out=tmp_path / "out" / "p.csv")
    [row] = rows(tmp_path / "out" / "p.csv")
    assert (row["patient"], row["x"], row["y"]) == ("", "", "")
    assert row["path"] == (tmp_path / "mine.png").as_posix()


def test_a_zip_scores_as_its_folder_does(run: Callable, patches: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for file in sorted(patches.iterdir()):
            archive.write(file, file.name)
    run(patches, out=tmp_path / "folder.csv")
    run(tmp_path / "a.zip", out=tmp_path / "zip.csv")
    from_folder, from_zip = rows(tmp_path / "folder.csv"), rows(tmp_path / "zip.csv")
    assert [r["probability"] for r in from_zip] == [r["probability"] for r in from_folder]
    assert from_zip[0]["path"] == f"{(tmp_path / 'a.zip').as_posix()}/{from_folder[0]['path']}"


def test_several_paths_are_told_apart_in_the_rows(run: Callable, patches: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    cv2.imwrite(str(other / NAME.format(x=1)), tissue(9))
    tally = run(patches, other, out=tmp_path / "p.csv")
    paths = [row["path"] for row in rows(tmp_path / "p.csv")]
    assert tally.predicted == len(set(paths)) == 4
    assert all(Path(path).is_file() for path in paths)


def test_bad_files_are_listed_with_reasons_and_the_good_ones_are_predicted(
    run: Callable, patches: Path, tmp_path: Path
) -> None:
    (patches / "empty.png").touch()
    (patches / "notes.txt").write_text("not an image at all")
    whole = (patches / NAME.format(x=1)).read_bytes()
    (patches / "cut.png").write_bytes(whole[: len(whole) // 2])
    cv2.imwrite(str(patches / "tiny.png"), tissue(0)[:50, :3])
    tally = run(patches, out=tmp_path / "p.csv")
    errors = {row["path"]: row["reason"] for row in rows(tmp_path / "errors.csv")}
    assert set(errors) == {"empty.png", "notes.txt", "cut.png", "tiny.png"}
    assert all(errors.values())
    assert (tally.predicted, tally.failed) == (3, 4)
    assert len(rows(tmp_path / "p.csv")) == 3
    assert tally.first_failure.startswith("cut.png: ")


def test_a_clean_run_takes_away_the_errors_of_the_one_before(run: Callable, patches: Path, tmp_path: Path) -> None:
    (patches / "empty.png").touch()
    run(patches, out=tmp_path / "p.csv")
    (patches / "empty.png").unlink()
    run(patches, out=tmp_path / "p.csv")
    assert not (tmp_path / "errors.csv").exists()


def test_nothing_usable_is_an_error_that_names_the_first_reason(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_text("no")
    with pytest.raises(UserError, match=r"no image could be used of 1 files: a\.png: "):
        run(tmp_path / "in", out=tmp_path / "p.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


def test_an_empty_folder_is_an_error(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(UserError, match="of 0 files"):
        run(tmp_path / "in", out=tmp_path / "p.csv")


def test_a_path_that_is_not_there_stops_before_anything_is_written(
    run: Callable, patches: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="nowhere"):
        run(patches, tmp_path / "nowhere", out=tmp_path / "p.csv")
    assert not (tmp_path / "p.csv").exists()


def test_without_out_rows_go_to_the_screen(run: Callable, patches: Path) -> None:
    screen = io.StringIO()
    run(patches, screen=screen)
    lines = screen.getvalue().splitlines()
    assert lines[0] == "path,patient,x,y,probability,decision,reason,alone"
    assert len(lines) == 4


def test_names_with_commas_quotes_and_accents_survive_the_csv(run: Callable, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    name = 'a, "b" é.png'
    (folder / name).write_bytes(cv2.imencode(".png", tissue(0))[1].tobytes())
    run(folder, out=tmp_path / "p.csv")
    assert rows(tmp_path / "p.csv")[0]["path"] == name


def test_a_run_that_breaks_leaves_the_rows_of_the_one_before(
    run: Callable, patches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "p.csv"
    run(patches, out=out)
    before = out.read_bytes()

    def interrupted(*_: object) -> np.ndarray:
        raise KeyboardInterrupt

    monkeypatch.setattr(Model, "predict", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(patches, out=out)
    assert out.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "p.csv"]


def test_predictions_cannot_be_lost_under_the_name_of_the_errors(run: Callable, patches: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give another"):
        run(patches, out=tmp_path / "errors.csv")


def test_an_errors_file_of_the_users_own_is_neither_replaced_nor_removed(
    run: Callable, patches: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own" / "errors.csv"
    own.parent.mkdir()
    own.write_text("when,what\n1,mine\n")
    with pytest.raises(UserError, match="is not ours"):
        run(patches, out=own.with_name("p.csv"))
    assert own.read_text() == "when,what\n1,mine\n"
    assert not own.with_name("p.csv").exists()


def test_the_note_of_a_generated_sample_is_no_failed_image(run: Callable, patches: Path, tmp_path: Path) -> None:
    before = run(patches, out=tmp_path / "a.csv")
    (patches / "SYNTHETIC.txt").write_text("drawn")
    assert run(patches, out=tmp_path / "b.csv") == before


@pytest.fixture
def with_bands(model: Model) -> Model:
    band = Band(threshold=model.threshold, width=50.0, target=0.1)
    return Model(model.folder, msgspec.structs.replace(model.manifest, selective=(band,)))


def test_patches_within_the_band_are_unsure_and_counted(with_bands: Model, patches: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.csv"
    tally = predict_paths([patches], with_bands, out=out, screen=io.StringIO(), abstain=0.1)
    assert [row["decision"] for row in rows(out)] == ["unsure"] * 3
    assert (tally.predicted, tally.malignant, tally.unsure) == (3, 0, 3)


def test_a_share_without_a_band_is_refused_before_anything_is_written(
    model: Model, with_bands: Model, patches: Path, tmp_path: Path
) -> None:
    out = tmp_path / "p.csv"
    for each, fitted in ((model, "none"), (with_bands, "0.1")):
        with pytest.raises(UserError, match=f"no band to abstain on 0.2.*fitted are: {fitted}"):
            predict_paths([patches], each, out=out, screen=io.StringIO(), abstain=0.2)
    assert not out.exists()


def test_where_nothing_can_be_predicted_no_header_is_printed(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("no image")
    screen = io.StringIO()
    with pytest.raises(UserError, match="no image could be used"):
        run(tmp_path / "bad.png", screen=screen)
    assert screen.getvalue() == ""


@pytest.mark.parametrize("threads", [1, 2])
def test_files_are_read_by_as_many_threads_as_were_asked_for(
    model: Model, patches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    asked: list[int | None] = []
    scan = stream_module.scan

    def counting(*given: object, workers: int | None = None, **more: object) -> object:
        asked.append(workers)
        return scan(*given, workers=workers, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(stream_module, "scan", counting)
    predict_paths([patches], model, out=tmp_path / "p.csv", threads=threads, screen=io.StringIO())
    assert asked == [threads]


BLANK = np.full((50, 50, 3), 244, np.uint8)


@pytest.mark.parametrize(
    "image", [BLANK, np.zeros_like(BLANK), np.full_like(BLANK, 128)], ids=["glass", "black", "grey"]
)
def test_what_holds_no_stained_tissue_is_unsure_with_the_reason_and_never_benign(
    run: Callable, patches: Path, tmp_path: Path, image: np.ndarray
) -> None:
    cv2.imwrite(str(patches / "a.png"), image)
    tally = run(patches, out=tmp_path / "p.csv")
    row = next(row for row in rows(tmp_path / "p.csv") if row["path"] == "a.png")
    assert row["decision"] == "unsure"
    assert "no stained tissue" in row["reason"]
    assert (tally.predicted, tally.unsure, tally.unanswerable) == (4, 1, 1)


def test_a_table_of_somebody_elses_is_not_replaced(run: Callable, patches: Path, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("my,own\n")
    with pytest.raises(UserError, match="is not ours"):
        run(patches, out=tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text() == "my,own\n"


def test_an_image_is_never_replaced_by_its_own_table(run: Callable, patches: Path) -> None:
    image = patches / NAME.format(x=1)
    before = image.read_bytes()
    for out in (image, patches / "p.csv"):
        with pytest.raises(UserError, match=r"is (what is )?read"):
            run(*([image] if out == image else [patches]), out=out)
    assert image.read_bytes() == before
    assert len(list(patches.iterdir())) == 3


def test_a_path_given_twice_is_predicted_once(run: Callable, patches: Path, tmp_path: Path) -> None:
    assert run(patches, patches, patches / NAME.format(x=1), out=tmp_path / "p.csv").predicted == 3


def test_the_data_frame_holds_what_the_csv_does(run: Callable, model: Model, patches: Path, tmp_path: Path) -> None:
    (patches / "bad.png").write_text("no image")
    run(patches, out=tmp_path / "p.csv")
    with pytest.warns(UserWarning, match=r"1 files could not be used, the first: bad\.png: not an image"):
        found = predict(patches, model)
    written = pd.read_csv(tmp_path / "p.csv", dtype={"patient": "str"}, keep_default_na=False)
    assert list(found) == list(written)
    for name in ("path", "patient", "decision", "reason"):
        assert found[name].tolist() == written[name].tolist()
    np.testing.assert_allclose(found["probability"], written["probability"], rtol=1e-5)
    assert found.attrs["errors"] == [("bad.png", "not an image")]


def test_patches_of_a_patient_are_judged_with_each_other_unless_asked_for_alone(
    model: Model, near: Model, tmp_path: Path
) -> None:
    for i in range(8):
        cv2.imwrite(str(tmp_path / NAME.format(x=1 + 50 * i)), tissue(i)[..., ::-1])
    cv2.imwrite(str(tmp_path / "stranger.png"), tissue(9)[..., ::-1])
    found = predict(tmp_path, near)
    known = found["patient"] != ""
    assert known.sum() == 8
    expected = in_section(near.context, found["x"][known], found["y"][known], found["alone"][known])[0]
    np.testing.assert_allclose(found["probability"][known], expected, rtol=1e-5)
    assert (found["probability"] != found["alone"]).sum() == 8
    for other in (predict(tmp_path, near, alone=True), predict(tmp_path, model)):
        np.testing.assert_array_equal(other["probability"], found["alone"])
        np.testing.assert_array_equal(other["alone"], found["alone"])
    out = tmp_path.parent / "p.csv"
    predict_paths([tmp_path], near, out=out, screen=io.StringIO())
    written = pd.read_csv(out)
    np.testing.assert_allclose(written["probability"], found["probability"], rtol=1e-5)
    assert written["decision"].tolist() == found["decision"].tolist()


@pytest.fixture
def near(model: Model) -> Model:
    """The same model, which takes surroundings in."""
    context = Context("surroundings", 100.0, weights=(0.5, 0.5, 0.0))
    return Model(model.folder, msgspec.structs.replace(model.manifest, context=context))


def test_a_patient_is_a_section_of_each_folder_that_was_named(near: Model, tmp_path: Path) -> None:
    for k, folder in enumerate(("first", "second")):  # two patients may have one id, and their places collide
        (tmp_path / folder).mkdir()
        for i in range(7):
            cv2.imwrite(str(tmp_path / folder / NAME.format(x=1 + 50 * i)), tissue(10 * k + i)[..., ::-1])
    both = predict([tmp_path / "first", tmp_path / "second"], near)
    each = [predict(tmp_path / folder, near) for folder in ("first", "second")]
    np.testing.assert_allclose(both["probability"], pd.concat(each)["probability"])
    assert (both["probability"] != both["alone"]).all()


def test_patches_at_one_place_are_judged_one_by_one_and_it_is_said(near: Model, tmp_path: Path) -> None:
    for i in range(7):
        (tmp_path / str(i)).mkdir()
        cv2.imwrite(str(tmp_path / str(i) / NAME.format(x=1)), tissue(i)[..., ::-1])
    with pytest.warns(UserWarning, match=r"judged one by one.*8863: two patches lie at x 1, y 51"):
        found = predict(tmp_path, near)
    np.testing.assert_array_equal(found["probability"], found["alone"])
    tally = predict_paths([tmp_path], near, out=None, screen=io.StringIO())
    assert any("judged one by one" in line for line in tally.notes)


def test_patches_in_memory_are_answered_like_files(model: Model, patches: Path) -> None:
    images = np.stack([cv2.imread(str(path))[..., ::-1] for path in sorted(patches.iterdir())])
    found = predict(images, model)
    np.testing.assert_array_equal(found["probability"], predict(patches, model)["probability"])
    assert found["path"].tolist() == ["0", "1", "2"]
    with pytest.raises(ValueError, match="uint8"):
        predict(images / 255.0, model)


def test_without_one_usable_image_there_is_no_data_frame(model: Model, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("no image")
    with pytest.raises(UserError, match="no image could be used"):
        predict(tmp_path, model)
