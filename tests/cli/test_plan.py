"""`cancernet plan`: from the model that ships or from results to a number of patients, a page and tables."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cancernet.cli.plan import command
from cancernet.common.errors import UserError
from cancernet.evaluation.evaluate import evaluate
from evaluation.test_pilot import patients

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
QUICK = ("--samples", "60")


def results(folder: Path, *, noise: float = 0.0, n: int = 40, split: str = "test") -> Path:
    """A folder of results of a made-up model; the same patches whatever the noise."""
    rows = patients(n)
    blur = np.random.default_rng(4).normal(0, 1, len(rows)) * noise
    rows["probability"] = np.clip(rows["probability"] + blur, 0, 1)
    rows = rows.assign(path=[f"{i:05}.png" for i in range(len(rows))], x=1, y=1, split=split)
    folder.mkdir(parents=True)
    rows.to_csv(folder / "predictions.csv", index=False)
    metrics = evaluate(rows, {"target_recall": 0.3}, model="sound" if not noise else "noisy", samples=20)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder


def plan(*arguments: object) -> str:
    return (
        CliRunner()
        .invoke(command, [*map(str, arguments), *QUICK], catch_exceptions=False, standalone_mode=False)
        .output
    )


def test_the_model_that_ships_is_planned_with_and_leaves_page_tables_and_picture(
    cancernet: Callable, no_tensorflow: str, tmp_path: Path
) -> None:
    ended = cancernet("plan", "--out", tmp_path / "out", *QUICK, before=no_tensorflow)
    assert ended.returncode == 0, ended.stderr
    found = json.loads((tmp_path / "out" / "plan.json").read_text("utf-8"))
    assert found["model"] == "cancernet"
    assert found["against"] == "colour floor"
    assert found["pilot"]["n_patients"] == 201
    needed = {need["purpose"]: need["patients"] for need in found["needs"]}
    assert 4 < needed["threshold"] < 20 < needed["threshold_cost"] < 300
    assert 30 < needed["recall_width"] < 90 < needed["specificity_width"] < 250
    with (tmp_path / "out" / "plan.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["patients"]) for row in rows] == [need["patients"] for need in found["needs"]]
    page = (tmp_path / "out" / "plan.html").read_text("utf-8")
    assert "fewer than 19 patients" in page
    assert (tmp_path / "out" / "plan.png").read_bytes().startswith(b"\x89PNG")
    assert "fewer than 19 patients" in ended.stdout.replace("\n", " ")
    assert str(tmp_path / "out" / "plan.html") in ended.stdout


def test_results_are_drawn_from_and_a_second_model_is_compared_with(tmp_path: Path) -> None:
    sound, noisy = results(tmp_path / "sound"), results(tmp_path / "noisy", noise=0.3)
    said = plan("--results", sound, "--against", noisy, "--out", tmp_path / "out", "--target-recall", 0.8)
    assert "40 patients" not in said.splitlines()[0]
    assert "the test patients of sound" in said
    assert "AUC above that of noisy" in said
    found = json.loads((tmp_path / "out" / "plan.json").read_text("utf-8"))
    assert found["ask"]["target_recall"] == 0.8


def test_the_floor_beside_results_is_compared_with_where_there_is_one(tmp_path: Path) -> None:
    sound = results(tmp_path / "sound")
    assert "above that of" not in plan("--results", sound, "--out", tmp_path / "out", "--target-recall", 0.8)
    results(sound / "colour_floor", noise=0.3)
    assert "above that of" in plan("--results", sound, "--out", tmp_path / "out", "--target-recall", 0.8)


def test_fewer_patches_of_each_patient_ask_for_more_patients(tmp_path: Path) -> None:
    sound = results(tmp_path / "sound")
    needed = []
    for patches in (0, 6):
        plan("--results", sound, "--out", tmp_path / "out", "--target-recall", 0.8, "--patches", patches)
        found = json.loads((tmp_path / "out" / "plan.json").read_text("utf-8"))
        needed.append({need["purpose"]: need["patients"] for need in found["needs"]}["specificity_width"])
    assert needed[1] > needed[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--model", V1), "keeps no scores of patients held out"),
        (("--model", V1, "--results", "FEW"), "give one"),
        (("--results", "FEW"), "10 patients with malignant patches, and at least 20"),
        (("--results", "SOUND", "--split", "val"), "no results with a side 'val'"),
        (("--results", "SOUND", "--against", "FEW"), "10 patients with malignant"),
        (("--results", "SOUND", "--against", "OTHER"), "not the same patients"),
        (("--results", "NOTHING"), "metrics.json is missing"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else value,
)
def test_what_cannot_be_planned_from_is_one_line(tmp_path: Path, arguments: tuple[object, ...], says: str) -> None:
    places = {"SOUND": results(tmp_path / "sound"), "FEW": results(tmp_path / "few", n=10)}
    places |= {"OTHER": results(tmp_path / "other", n=41), "NOTHING": tmp_path / "nothing"}
    with pytest.raises(UserError, match=says):
        plan(*(places.get(str(each), each) for each in arguments), "--out", tmp_path / "out")
    assert not (tmp_path / "out" / "plan.json").exists()
