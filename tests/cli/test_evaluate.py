"""`cancernet evaluate`: any labelled folder, honest about who trained the model, without TensorFlow."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cancernet.model.model import load_model


@pytest.fixture(scope="module")
def strangers(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six patients of the sample under ids that no model knows."""
    folder = tmp_path_factory.mktemp("strangers") / "data"
    for path in sorted(sample.glob("S00[1-6]/*/*.png")):
        name = path.relative_to(sample).as_posix().replace("S00", "N00")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / name)
    return folder


def test_a_folder_of_new_patients_gives_everything_a_run_does_without_tensorflow(
    cancernet: Callable, no_tensorflow: str, model: Path, strangers: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = cancernet("evaluate", "--model", model, "--data", strangers, "--out", out, before=no_tensorflow)
    assert ended.returncode == 0, ended.stderr
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["model"] == "tiny"
    assert list(metrics["splits"]) == ["test"]
    assert metrics["splits"]["test"]["n_patients"] == 6
    assert metrics["splits"]["test"]["auc"]["low"] <= metrics["splits"]["test"]["auc"]["value"]
    predictions = pd.read_csv(out / "predictions.csv")
    assert list(predictions) == ["path", "patient", "x", "y", "label", "probability", "split", "reason", "alone"]
    assert len(predictions) == len(list(strangers.rglob("*.png")))
    assert (out / "report.html").stat().st_size > 10_000
    facts = json.loads((out / "run.json").read_text())
    assert facts["trained_on"]["data_hash"] == load_model(model).manifest.data.hash
    assert "colour floor" in ended.stdout
    listed = pd.read_csv(out / "checklists.csv", dtype=str).set_index(["checklist", "item"])["answer"]
    assert listed.groupby("checklist").size().to_dict() == {
        "CLAIM 2024": 44, "PROBAST+AI": 34, "STARD-AI": 48, "TRIPOD+AI": 52,
    }  # fmt: skip
    assert f"{len(predictions)} patches of 6 patients" in listed["STARD-AI", "24"]
    assert listed["CLAIM 2024", "44"] == "author"


def test_workers_write_what_one_process_writes(cancernet: Callable, strangers: Path, tmp_path: Path) -> None:
    """By the model that ships, which judges a patch with its section: of 144 patches a part is 48."""
    elsewhere = "from cancernet.evaluation import score_parts, scoring; score_parts.PART = 48; scoring._look = None\n"
    written = []
    for name, workers, before in (("one", (), ""), ("two", ("--workers", "2"), elsewhere)):
        out = tmp_path / name
        ended = cancernet("evaluate", "--data", strangers, "--out", out, *workers, before=before, figures=False)
        assert ended.returncode in (0, 1), ended.stderr
        found = {path.relative_to(out): path.read_bytes() for path in out.rglob("[mp]*.*") if path.suffix != ".png"}
        written.append((found, ended.stdout.replace(str(out), ""), ended.stderr.replace(str(out), "")))
        assert not (out / ".work").exists()
    assert len(written[0][0]) == 6
    assert written[0] == written[1]


@pytest.mark.slow
def test_patients_that_trained_the_model_are_left_out_and_the_report_says_so(
    cancernet: Callable, model: Path, sample: Path, tmp_path: Path
) -> None:
    ended = cancernet("evaluate", "--model", model, "--data", sample, "--out", tmp_path / "out", figures=False)
    assert ended.returncode == 0, ended.stderr
    side = load_model(model).manifest.split.patients
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert set(predictions["patient"].map(side)) <= {"val", "test"}
    assert (predictions["patient"].map(side) == predictions["split"]).all()
    assert "patches of patients that trained the model are left out" in ended.stdout


@pytest.mark.slow
def test_the_same_ids_may_be_said_to_be_other_patients(
    cancernet: Callable, model: Path, sample: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = cancernet("evaluate", "--model", model, "--data", sample, "--out", out, "--new-patients", figures=False)
    assert ended.returncode == 1, ended.stderr
    assert "patches that cannot be judged" in ended.stderr
    predictions = pd.read_csv(out / "predictions.csv")
    assert set(predictions["split"]) == {"test"}
    assert predictions["patient"].nunique() == 8


def test_a_folder_of_training_patients_alone_is_refused(
    cancernet: Callable, one_line_error: Callable, model: Path, sample: Path, tmp_path: Path
) -> None:
    trained = [p for p, side in load_model(model).manifest.split.patients.items() if side == "train"]
    for patient in trained[:4]:
        if (sample / patient).is_dir():
            shutil.copytree(sample / patient, tmp_path / "data" / patient)
    said = one_line_error(
        cancernet("evaluate", "--model", model, "--data", tmp_path / "data", "--out", tmp_path / "out", figures=False)
    )
    assert "evaluate on patients it has not seen" in said
    assert not (tmp_path / "out").exists()


def _patch_split(model: Path, data_hash: str | None = None) -> None:
    manifest = json.loads((model / "manifest.json").read_text())
    manifest["split"] = {**manifest["split"], "patient_safe": False, "patients": {}}
    manifest["data"]["hash"] = data_hash or manifest["data"]["hash"]
    (model / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.slow
def test_a_model_split_by_patch_says_that_it_cannot_tell_its_own_patients(
    cancernet: Callable, model: Path, strangers: Path, tmp_path: Path
) -> None:
    _patch_split(model)
    ended = cancernet("evaluate", "--model", model, "--data", strangers, "--out", tmp_path / "out", figures=False)
    assert ended.returncode == 0, ended.stderr
    assert "cannot tell its own patients apart" in ended.stdout
    assert "NOT SPLIT BY PATIENT" in ended.stdout


@pytest.mark.slow
def test_a_model_split_by_patch_is_not_measured_on_its_own_folder(
    cancernet: Callable, one_line_error: Callable, model: Path, strangers: Path, tmp_path: Path
) -> None:
    checked = cancernet("data", "check", strangers).stdout
    _patch_split(model, checked.partition("data hash ")[2].split()[0])
    said = one_line_error(cancernet("evaluate", "--model", model, "--data", strangers, "--out", tmp_path / "out"))
    assert "this very folder" in said


@pytest.mark.parametrize("missing", ["--model", "--data"])
def test_a_model_or_folder_that_is_not_there_is_one_line(
    cancernet: Callable, one_line_error: Callable, model: Path, strangers: Path, tmp_path: Path, missing: str
) -> None:
    given = {"--model": model, "--data": strangers, "--out": tmp_path / "out", missing: tmp_path / "nowhere"}
    said = one_line_error(cancernet("evaluate", *[x for pair in given.items() for x in pair]))
    assert "nowhere" in said


def test_another_prevalence_is_told_and_changes_no_decision(
    cancernet: Callable, model: Path, strangers: Path, tmp_path: Path
) -> None:
    manifest = json.loads((model / "manifest.json").read_text())
    manifest["calibration"] = manifest.get("calibration") or {"temperature": 1.0}
    manifest["validation"] = {
        **{"auc": 0.9, "average_precision": 0.9, "floor_auc": 0.8},
        **(manifest.get("validation") or {}),
        **{"n_patches": 100, "n_malignant": 40},
    }
    (model / "manifest.json").write_text(json.dumps(manifest))
    out = tmp_path / "out"
    command = ("evaluate", "--model", model, "--data", strangers, "--out", out)
    ended = cancernet(*command, "--prevalence", 0.05, figures=False)
    assert ended.returncode == 0, ended.stderr
    assert "RESTATED for a prevalence of 0.05" in ended.stdout
    predictions = pd.read_csv(out / "predictions.csv")
    odds = predictions["probability"] / (1 - predictions["probability"])
    there = odds * (0.05 / 0.95) / (0.4 / 0.6)
    assert predictions["restated"].to_numpy() == pytest.approx((there / (1 + there)).to_numpy(), abs=1e-5)
    assert set(predictions["restated_for"]) == {0.05}
    test = json.loads((out / "metrics.json").read_text())["splits"]["test"]
    at, moved = test["operating_points"]["target_recall"]["threshold"], test["restated"]["thresholds"]["target_recall"]
    assert ((predictions["probability"] >= at) == (predictions["restated"] >= moved)).mean() > 0.99  # but for rounding
    report = (out / "report.html").read_text()
    assert "Restated for 5 % malignant patches" in report
    assert (out / "decision_curve_restated.png").exists()


def test_a_model_that_does_not_say_its_prevalence_is_not_restated(
    cancernet: Callable, one_line_error: Callable, model: Path, strangers: Path, tmp_path: Path
) -> None:
    command = ("evaluate", "--model", model, "--data", strangers, "--out", tmp_path / "out")
    said = one_line_error(cancernet(*command, "--prevalence", 0.05))
    assert "does not say what share" in said


def test_groups_of_patients_are_measured_and_a_table_of_none_is_refused(
    cancernet: Callable, one_line_error: Callable, model: Path, strangers: Path, tmp_path: Path
) -> None:
    cohort, out = tmp_path / "cohort.csv", tmp_path / "out"
    cohort.write_text("patient,site,stain\n" + "".join(f"N00{n},{'ab'[n % 2]},HE\n" for n in range(1, 6)))
    command = ("evaluate", "--model", model, "--data", strangers, "--out", out, "--by")
    assert "no column makes groups: stain" in one_line_error(cancernet(*command, f"{cohort}:stain"))
    ended = cancernet(*command, cohort, figures=False)
    assert ended.returncode == 0, ended.stderr
    assert "columns that make no groups are left out: stain" in ended.stdout
    assert "1 patients of this folder are not listed" in ended.stdout
    found = json.loads((out / "metrics.json").read_text())["splits"]["test"]["subgroups"]["site"]
    assert [each["n_patients"] for each in found["groups"]] == [2, 3]
    assert all(each["too_few"] for each in found["groups"])
    assert set(pd.read_csv(out / "subgroups.csv")["group"]) == {"a", "b"}
