"""`cancernet audit`: one command, one page, no TensorFlow, exit code 0 whatever it warns of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from cancernet.model.model import load_model

QUICK = ("--max-patches", 20, "--threads", 1)


def test_an_audit_warns_and_still_ends_well_without_tensorflow(
    cancernet: Callable, no_tensorflow: str, model: Path, sample: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = cancernet("audit", "--model", model, "--data", sample, "--out", out, *QUICK, before=no_tensorflow)
    assert ended.returncode == 0, ended.stderr
    found = json.loads((out / "audit.json").read_text("utf-8"))
    assert any(check["state"] == "WARN" for check in found["checks"])
    sides = load_model(model).manifest.split.patients
    assert {sides[each["patient"]] for each in found["per_patient"]} == {"test"}
    assert "WARN" in ended.stdout
    assert "checks passed" in ended.stdout
    assert str(out / "audit.html") in ended.stdout
    assert "SYNTHETIC" in ended.stdout
    assert (out / "audit.html").stat().st_size > 20_000
    assert found["run"]["trained_on"]["data_hash"] == load_model(model).manifest.data.hash


def test_the_same_ids_may_be_said_to_be_other_patients(
    cancernet: Callable, model: Path, sample: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = cancernet("audit", "--model", model, "--data", sample, "--out", out, "--new-patients", *QUICK)
    assert ended.returncode == 0, ended.stderr
    found = json.loads((out / "audit.json").read_text("utf-8"))
    assert len(found["per_patient"]) == 8
    assert "audited as others, as was asked" in found["checks"][0]["found"]


def test_a_folder_of_training_patients_only_is_one_line(
    cancernet: Callable, one_line_error: Callable, model: Path, sample: Path, tmp_path: Path
) -> None:
    only = tmp_path / "only"
    shutil.copytree(sample / "S001", only / "S001")
    ended = cancernet("audit", "--model", model, "--data", only, "--out", tmp_path / "out", *QUICK)
    assert "1 patients of this folder trained tiny" in one_line_error(ended)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_model_is_one_line(
    cancernet: Callable, one_line_error: Callable, sample: Path, tmp_path: Path
) -> None:
    ended = cancernet("audit", "--model", tmp_path, "--data", sample, "--out", tmp_path / "out")
    assert "is no model" in one_line_error(ended)


def test_help_says_that_warnings_do_not_change_the_exit_code(cancernet: Callable) -> None:
    ended = cancernet("audit", "--help")
    assert ended.returncode == 0
    assert "do not change the exit code" in " ".join(ended.stdout.split())
