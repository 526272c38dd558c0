"""The results folder: files other programs read, whole, and about the same patches."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cancernet.common.output import LOCK, RECORD, Output
from cancernet.evaluation import evaluate
from cancernet.evaluation.results import FLOOR, RunResults
from cancernet.report.folder import write_results

THRESHOLDS = {"target_recall": 0.3, "default": 0.5, "best_f1": 0.4}


def predictions(skill: float) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 120)
    patient = np.array([f"P{i % 6}" for i in range(120)])
    return pd.DataFrame(
        {
            "path": [f"{p}/{c}/{i}.png" for i, (p, c) in enumerate(zip(patient, label, strict=True))],
            "patient": patient,
            "x": 1,
            "y": 1,
            "label": label,
            "probability": 1 / (1 + np.exp(-skill * (label - 0.5) - rng.normal(0, 1, 120))),
            "split": np.where(np.isin(patient, ["P0", "P1"]), "val", "test"),
        }
    )


@pytest.fixture(scope="module")
def results() -> RunResults:
    tables = {"weak": predictions(0.5), "strong": predictions(3.0)}
    metrics = [evaluate(t, THRESHOLDS, model=name, samples=50) for name, t in tables.items()]
    floor = evaluate(predictions(1.0), THRESHOLDS, model=FLOOR, samples=50)
    return RunResults(
        title="a run",
        synthetic=True,
        metrics=[*metrics, floor],
        predictions=tables,
        histories={"strong": pd.DataFrame({"epoch": [1, 2], "loss": [0.7, 0.6], "accuracy": [0.5, 0.6]})},
        notes=["a note"],
        data={"quarantined": pd.DataFrame({"path": ["a.png"], "reason": ["empty"]})},
        run={"command": "cancernet run", "folder": Path("models")},
        below_floor=["weak"],
    )


@pytest.fixture(scope="module")
def out(results: RunResults, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results") / "deep" / "results"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    with Output(folder, "run") as opened:
        assert write_results(opened, results) == folder / "report.html"
    return folder


def test_every_file_the_readme_names_is_there(out: Path) -> None:
    names = {path.name for path in out.iterdir()}
    assert names >= {
        "metrics.json", "predictions.csv", "run.json", "report.html", "quarantine.csv",
        "accuracy_plot.png", "confusion_matrix.png", "weak", "strong", "colour_floor",
    }  # fmt: skip
    assert {name for name in names if name.startswith(".")} <= {RECORD, LOCK}  # nothing half-written


def test_the_top_is_the_model_that_validation_patients_chose(out: Path) -> None:
    top = json.loads((out / "metrics.json").read_text())
    assert top["model"] == "strong"
    assert "validation" in top["chosen_by"]
    assert [entry["model"] for entry in top["models"]] == ["weak", "strong", FLOOR]


def test_the_shape_of_metrics_is_the_one_promised(out: Path) -> None:
    test = json.loads((out / "metrics.json").read_text())["splits"]["test"]
    assert {"n_patches", "n_patients", "prevalence", "auc", "average_precision", "operating_points"} <= set(test)
    assert set(test["auc"]) >= {"value", "low", "high"}
    point = test["operating_points"]["target_recall"]
    assert point["threshold"] == 0.3
    assert {"recall", "specificity", "f1", "f1_weighted", "balanced_accuracy"} <= set(point)


def test_what_a_reader_must_know_stands_in_every_metrics_file(out: Path) -> None:
    for path in out.rglob("metrics.json"):
        content = json.loads(path.read_text())
        assert (content["synthetic"], content["patient_safe"], content["notes"]) == (True, True, ["a note"])
    assert json.loads((out / "metrics.json").read_text())["below_floor"] == ["weak"]


def test_predictions_come_back_as_they_were(out: Path, results: RunResults) -> None:
    for name in ("weak", "strong"):
        read = pd.read_csv(out / name / "predictions.csv")
        pd.testing.assert_frame_equal(read, results.predictions[name], check_dtype=False)
    assert (out / "predictions.csv").read_bytes() == (out / "strong" / "predictions.csv").read_bytes()


def test_the_floor_has_metrics_and_no_predictions_of_its_own(out: Path) -> None:
    assert [path.name for path in (out / "colour_floor").iterdir() if path.name != RECORD] == ["metrics.json"]


def test_facts_of_the_run_are_json_whatever_their_type(out: Path) -> None:
    assert json.loads((out / "run.json").read_text()) == {"command": "cancernet run", "folder": "models"}


def test_files_set_aside_are_listed(out: Path) -> None:
    assert (out / "quarantine.csv").read_text() == "path,reason\na.png,empty\n"


def test_other_files_in_the_folder_are_left_alone(out: Path) -> None:
    assert (out / "mine.txt").read_text() == "mine"


@pytest.mark.usefixtures("no_figures")
def test_a_number_that_is_none_is_a_bug_and_not_written(results: RunResults, tmp_path: Path) -> None:
    broken = dataclasses.replace(results, run={"minutes": float("nan")})
    with pytest.raises(ValueError, match="JSON"), Output(tmp_path / "out", "run") as opened:
        write_results(opened, broken)
    assert not (tmp_path / "out" / "run.json").exists()


@pytest.mark.usefixtures("no_figures")
def test_what_an_earlier_run_left_and_this_one_has_not_is_gone(results: RunResults, tmp_path: Path) -> None:
    with Output(tmp_path / "out", "run") as opened:
        write_results(opened, results)
        assert (opened.folder / "accuracy_plot.png").exists()
        write_results(opened, dataclasses.replace(results, histories={}, data={}))
        names = {path.name for path in opened.folder.iterdir()}
    assert not names & {"accuracy_plot.png", "quarantine.csv"}
    assert "roc.png" in names
