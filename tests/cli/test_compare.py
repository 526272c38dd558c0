"""`cancernet compare`: the difference of two models' results, and what it says of bad folders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from cancernet.cli.compare import command, line
from cancernet.common.errors import UserError
from cancernet.evaluation.evaluate import evaluate
from cancernet.experiment.compare import read

THRESHOLDS = {"target_recall": 0.3, "default": 0.5, "best_f1": 0.45}


def write_results(folder: Path, *, signal: float, model: str) -> Path:
    """A results folder of a made-up model; the same patches whatever the signal."""
    generator = np.random.default_rng(5)
    patient = np.repeat(np.arange(12), 30)
    label = generator.integers(0, 2, patient.size)
    noise = generator.normal(0, 1, patient.size)
    rows = pd.DataFrame(
        {
            "path": [f"{p}/{i}.png" for i, p in enumerate(patient)],
            "patient": [f"{p:03}" for p in patient],
            "x": 1,
            "y": 1,
            "label": label,
            "probability": 1 / (1 + np.exp(-(signal * (2 * label - 1) + noise))),
            "split": "test",
        }
    )
    folder.mkdir()
    rows.to_csv(folder / "predictions.csv", index=False)
    metrics = evaluate(rows, THRESHOLDS, model=model, samples=20)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder


@pytest.fixture
def weak(tmp_path: Path) -> Path:
    return write_results(tmp_path / "weak", signal=0.2, model="weak")


@pytest.fixture
def strong(tmp_path: Path) -> Path:
    return write_results(tmp_path / "strong", signal=1.5, model="strong")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_a_better_model_is_told_apart(weak: Path, strong: Path) -> None:
    output = run(weak, strong).output
    assert output.startswith("strong minus weak, 360 test patches of 12 patients")
    auc = next(row for row in output.splitlines() if row.startswith("auc"))
    assert "+0." in auc
    assert auc.endswith("*")


def test_a_model_does_not_differ_from_itself(weak: Path) -> None:
    output = run(weak, weak).output
    assert not any(row.endswith("*") for row in output.splitlines())
    assert "+0.000 (+0.000 to +0.000)" in output


def test_the_other_way_round_the_sign_changes(weak: Path, strong: Path, tmp_path: Path) -> None:
    for a, b, name in ((weak, strong, "ab"), (strong, weak, "ba")):
        assert run(a, b, "--out", tmp_path / f"{name}.json").exit_code == 0
    forth, back = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("ab", "ba"))
    assert forth["auc"]["value"] == pytest.approx(-back["auc"]["value"])
    assert (forth["first"], forth["second"], forth["split"]) == ("weak", "strong", "test")


def test_patient_ids_keep_their_zeros(weak: Path) -> None:
    _, rows, thresholds = read(weak, "test")
    assert rows["patient"].iloc[0] == "000"
    assert thresholds == THRESHOLDS


@pytest.mark.parametrize("name", ["predictions.csv", "metrics.json"])
def test_a_folder_that_misses_a_file_is_named(weak: Path, name: str) -> None:
    (weak / name).unlink()
    with pytest.raises(UserError, match=f"{name} is missing"):
        read(weak, "test")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"splits": {"test": 3}}'])
def test_metrics_of_another_kind_are_refused_in_one_line(weak: Path, content: str) -> None:
    (weak / "metrics.json").write_text(content)
    with pytest.raises(UserError, match=r"no results with a side 'test'|cannot read|not metrics"):
        read(weak, "test")


def test_a_side_that_is_not_there_is_refused(weak: Path) -> None:
    with pytest.raises(UserError, match="'val'"):
        read(weak, "val")


def test_results_on_other_patches_are_refused(weak: Path, strong: Path) -> None:
    rows = pd.read_csv(strong / "predictions.csv")
    rows.iloc[:-1].to_csv(strong / "predictions.csv", index=False)
    result = run(weak, strong)
    assert isinstance(result.exception, UserError)
    assert "different patches" in str(result.exception)


def test_an_undefined_difference_says_so() -> None:
    assert line("auc", {"value": None, "low": None, "high": None}).split() == ["auc", "undefined"]


def test_two_models_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    old = write_results(tmp_path / "old", signal=0.2, model="cancernet")
    new = write_results(tmp_path / "new", signal=1.5, model="cancernet")
    assert run(old, new).output.startswith("new minus old, ")
    (tmp_path / "again").mkdir()
    again = write_results(tmp_path / "again" / "old", signal=1.5, model="cancernet")
    assert run(old, again).output.startswith("second minus first, ")


def test_a_file_of_the_users_own_is_not_replaced(weak: Path, strong: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{}")
    assert isinstance(run(weak, strong, "--out", tmp_path / "mine.json").exception, UserError)
    assert (tmp_path / "mine.json").read_text() == "{}"
