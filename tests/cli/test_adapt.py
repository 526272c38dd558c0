from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from cancernet.model.model import load_model

Run = Callable[..., CompletedProcess[str]]


def test_a_model_is_adapted_without_tensorflow_and_used_like_any_other(
    cancernet: Run, sample: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnx")
    out = tmp_path / "ours"
    made = cancernet("adapt", "--data", sample, "--out", out, figures=False)
    assert made.returncode == 1, made.stderr  # it warns: provisional
    assert "PROVISIONAL: 8 patients" in made.stderr
    assert "Balanced accuracy" in made.stdout
    assert load_model(out).name == "ours"
    answered = cancernet("predict", sample, "--model", out, "--out", tmp_path / "predictions.csv")
    assert answered.returncode == 0, answered.stderr
    assert f"at threshold {load_model(out).threshold:.3f} of ours" in answered.stderr + answered.stdout


def test_without_onnx_it_says_what_to_install(cancernet: Run, sample: Path, tmp_path: Path) -> None:
    lacking = "import sys; sys.modules['onnx'] = None"
    said = cancernet("adapt", "--data", sample, "--out", tmp_path / "ours", before=lacking)
    assert said.returncode == 2
    assert "pip install 'cancernet[adapt]'" in said.stderr
    assert not (tmp_path / "ours" / "manifest.json").exists()
