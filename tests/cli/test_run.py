"""`cancernet run`: one command from a folder to models and a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cancernet.model.model import load_model

pytestmark = [pytest.mark.train, pytest.mark.slow]

RECIPES = """
[frozen]
network = "mobilenet"
summary = "a frozen base of 32 px"
input_size = 32
pretrained = true
train = "head"
epochs = 2
batch_size = 16

[plain]
like = "baseline"
epochs = 2
batch_size = 16
keras_file = "plain.h5"
"""


@pytest.fixture(scope="module")
def ran(cancernet: Callable, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object]:
    """A run of two small recipes where no weights can be had: no cache of Keras, and no network."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "own.toml").write_text(RECIPES)
    offline = "import socket\ndef refuse(*a, **k): raise OSError('no network')\nsocket.create_connection = refuse\n"
    arguments = ("--data", sample, "--recipe-file", folder / "own.toml", "--recipe", "frozen", "--recipe", "plain")
    ended = cancernet("run", *arguments, "--weights", "auto", before=offline, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    return folder, ended


def test_it_leaves_models_and_results(ran: tuple[Path, object]) -> None:
    folder, _ = ran
    for name in ("frozen", "plain"):
        assert load_model(folder / "models" / name).name == name
    assert (folder / "models" / "plain.h5").is_file()
    left = {path.name for path in (folder / "results").iterdir()}
    assert left >= {
        "metrics.json", "predictions.csv", "run.json", "split.csv", "report.html", "accuracy_plot.png",
        "confusion_matrix.png",
    }  # fmt: skip


def test_random_weights_are_said_in_the_log_the_numbers_and_the_report(ran: tuple[Path, object]) -> None:
    folder, ended = ran
    assert "weights: none (random: no network for the ImageNet weights)" in ended.stdout  # type: ignore[attr-defined]
    assert "NOTE: frozen should start from ImageNet weights" in ended.stdout  # type: ignore[attr-defined]
    notes = json.loads((folder / "results" / "metrics.json").read_text())["notes"]
    assert any("started from none (random" in note for note in notes)
    assert "no network for the ImageNet weights" in (folder / "results" / "report.html").read_text("utf-8")


def test_synthetic_patches_are_never_evidence(ran: tuple[Path, object]) -> None:
    folder, ended = ran
    assert "SYNTHETIC" in ended.stdout  # type: ignore[attr-defined]
    assert json.loads((folder / "results" / "metrics.json").read_text())["synthetic"] is True


def test_predictions_cover_the_test_patients_and_join_by_path(ran: tuple[Path, object], sample: Path) -> None:
    folder, _ = ran
    split = pd.read_csv(folder / "results" / "split.csv", dtype=str).set_index("patient")["split"]
    for name in ("frozen", "plain"):
        rows = pd.read_csv(folder / "results" / name / "predictions.csv")
        assert set(rows["split"]) == {"val", "test"}
        assert (rows["patient"].map(split) == rows["split"]).all()
        assert (rows["path"].str.split("/").str[1].astype(int) == rows["label"]).all()
        tested = split.index[split == "test"]
        expected = sum(len(list((sample / patient).rglob("*.png"))) for patient in tested)
        assert (rows["split"] == "test").sum() == expected


def test_the_run_is_recorded(ran: tuple[Path, object]) -> None:
    folder, ended = ran
    facts = json.loads((folder / "results" / "run.json").read_text())
    assert facts["command"].startswith("cancernet run --data")
    assert facts["seed"] == 1
    assert {"keras", "numpy", "python"} <= set(facts["versions"])
    assert "Traceback" not in ended.stderr  # type: ignore[attr-defined]
