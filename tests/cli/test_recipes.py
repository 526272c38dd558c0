"""`cancernet recipes` lists what can be trained, and how to add one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cancernet.cli.recipes import command
from cancernet.training.recipes import load_recipes


def test_every_recipe_is_listed_with_its_summary() -> None:
    shown = CliRunner().invoke(command, []).output
    for name, recipe in load_recipes().items():
        assert name in shown
        assert recipe.summary in shown
    assert "continues from transfer" in shown


def test_the_example_it_prints_is_a_recipe_that_works(tmp_path: Path) -> None:
    shown = CliRunner().invoke(command, []).output
    example = "\n".join(line.strip() for line in shown.partition("    [")[2].splitlines())
    (tmp_path / "own.toml").write_text("[" + example)
    assert list(load_recipes(tmp_path / "own.toml"))[-1] == "longer"


def test_a_users_recipes_are_listed_too(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[mine]\nlike = "baseline"\nsummary = "my own"\n')
    assert "my own" in CliRunner().invoke(command, ["--recipe-file", str(tmp_path / "own.toml")]).output


@pytest.mark.parametrize("text", ["[mine", '[mine]\nlike = "nobody"'])
def test_a_bad_file_is_one_line(cancernet: Callable, one_line_error: Callable, tmp_path: Path, text: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    one_line_error(cancernet("recipes", "--recipe-file", tmp_path / "own.toml"))
