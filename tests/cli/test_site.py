"""`cancernet site`: a verdict on the screen and in the exit code, without TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path


def test_a_site_of_drawn_patches_is_no_pass_and_ends_with_1(
    cancernet: Callable, no_tensorflow: str, model: Path, sample: Path, tmp_path: Path
) -> None:
    out, kept = tmp_path / "out", tmp_path / "site_ref.json"
    ended = cancernet("site", sample, "--model", model, "--out", out, "--save-reference", kept, before=no_tensorflow)
    assert ended.returncode == 1, ended.stderr
    found = json.loads((out / "site.json").read_text("utf-8"))
    assert f"site: {found['verdict']}, provisional: {out / 'site.html'}" in ended.stdout
    assert "8 patients: the verdict is provisional" in ended.stdout
    assert "WARN  synthetic" in ended.stdout
    ended = cancernet("site", sample, "--model", model, "--out", out, "--reference", kept, "--date", "2026-01-02")
    assert ended.returncode == 1, ended.stderr
    assert "; drift: WARN: " in ended.stdout  # of 8 patients, and so provisional
    assert (out / "history.json").is_file()


def test_what_cannot_be_used_is_counted(cancernet: Callable, model: Path, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    patch = next(sample.rglob("*.png"))
    ended = cancernet("site", patch, tmp_path / "broken.png", "--model", model, "--out", tmp_path / "out")
    assert ended.returncode == 1
    assert "files that could not be used: 1" in ended.stderr
    assert "one patient: what is said is of that one" in ended.stdout


def test_nothing_usable_is_one_line(cancernet: Callable, one_line_error: Callable, model: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    ended = cancernet("site", tmp_path / "broken.png", "--model", model, "--out", tmp_path / "out")
    assert "no image could be used" in one_line_error(ended)
    assert not (tmp_path / "out").exists()
