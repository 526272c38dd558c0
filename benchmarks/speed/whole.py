"""The whole job: five recipes and the report, against a student's script that trains one model."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

from speed.timing import Row, Setup, cancernet, seconds_of

STUDENT = Path(__file__).parents[1] / "student_method.py"


def rows(setup: Setup) -> list[Row]:
    """Run both once, one after the other."""
    home = setup.work / "whole"
    cache = {"CANCERNET_CACHE": str(home / "cache")}
    command = [cancernet(), "run", "--data", str(setup.data), "--weights", setup.weights]
    command += ["--models", str(home / "models"), "--results", str(home / "results")]
    if setup.split_file:
        command += ["--split-file", str(setup.split_file)]
    ours = seconds_of(command, env=cache)
    split = setup.split_file or home / "results" / "split.csv"
    student = [sys.executable, str(STUDENT), "--data", str(setup.data), "--split-file", str(split)]
    student += ["--weights", setup.weights, "--out", str(home / "student")]
    theirs = seconds_of(student, env=cache | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    told = json.loads((home / "student" / "summary.json").read_text())["auc"]["value"]
    table = json.loads((home / "results" / "metrics.json").read_text())
    auc = {each["model"]: each["splits"]["test"]["auc"]["value"] for each in table["models"]}
    minutes = pd.read_json(home / "results" / "run.json", typ="series")["training_minutes"]
    auc = {name: auc[name] for name in minutes}
    return [
        Row(
            "`cancernet run`: five recipes, evaluation, report",
            "the student's script: one model, 5 epochs, same patients",
            "less time, each at a higher AUC",
            f"{ours / 60:.1f} min against {theirs / 60:.1f} ({theirs / ours:.2f}x as fast); AUC "
            + ", ".join(f"{name} {value:.3f}" for name, value in auc.items())
            + f"; student {told:.3f}",
            ours < theirs and min(auc.values()) > told,
            {"ours": ours, "student": theirs, "auc": auc, "student_auc": told, "minutes": dict(minutes)},
        )
    ]
