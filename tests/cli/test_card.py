"""`cancernet card`: from files to Markdown, or one line about which file is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path


def test_a_bundle_alone_gives_a_card_that_says_what_is_missing(
    cancernet: Callable, no_tensorflow: str, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "docs" / "card.md"
    ended = cancernet("card", "--model", model, "--out", out, before=no_tensorflow)
    assert ended.returncode == 0, ended.stderr
    assert str(out) in ended.stdout
    text = out.read_text("utf-8")
    assert text.startswith("# Model card: tiny")
    assert "no evaluation was given" in text
    assert "no audit was given" in text


def test_an_evaluation_goes_into_the_card(cancernet: Callable, model: Path, sample: Path, tmp_path: Path) -> None:
    ended = cancernet("evaluate", "--model", model, "--data", sample, "--out", tmp_path / "results")
    assert ended.returncode == 0, ended.stderr
    metrics, out = tmp_path / "results" / "metrics.json", tmp_path / "card.md"
    ended = cancernet("card", "--model", model, "--metrics", metrics, "--out", out)
    assert ended.returncode == 0, ended.stderr
    text = out.read_text("utf-8")
    value = json.loads(metrics.read_text("utf-8"))["splits"]["test"]["auc"]["value"]
    assert f"| AUC | {value:.3f}" in text
    assert "`metrics.json`, SHA-256" in text


def test_a_file_that_is_no_audit_is_one_line(
    cancernet: Callable, one_line_error: Callable, model: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"model": "tiny"}')
    ended = cancernet("card", "--model", model, "--audit", wrong, "--out", tmp_path / "card.md")
    assert "wrong.json lacks" in one_line_error(ended)
    assert not (tmp_path / "card.md").exists()


def test_a_file_of_the_users_own_is_not_replaced(
    cancernet: Callable, one_line_error: Callable, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "NOTES.md").write_text("mine")
    assert "is not ours" in one_line_error(cancernet("card", "--model", model, "--out", tmp_path / "NOTES.md"))
    assert (tmp_path / "NOTES.md").read_text() == "mine"
