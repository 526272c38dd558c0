"""What shared options stand for: the split they name, and nothing unsafe that was not allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cancernet.cli.options import PATH, collected, say, split_options, together, training_options
from cancernet.common import defaults
from cancernet.data.split import SplitChoice
from cancernet.training.options import TrainingOptions


def chosen(*arguments: str) -> dict[str, Any]:
    """The values that a command with all shared options gets."""
    found: dict[str, Any] = {}

    @click.command()
    @split_options
    @training_options
    def command(**values: Any) -> None:
        found.update(values)

    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return collected(found, split=SplitChoice, options=TrainingOptions)


def test_defaults_are_those_of_the_project() -> None:
    assert chosen() == {"options": TrainingOptions(), "split": SplitChoice(), "recipe_file": None}
    assert chosen()["split"].test_fraction == defaults.TEST_FRACTION


def test_every_split_option_arrives() -> None:
    assert chosen()["split"] == SplitChoice()
    arguments = "--split kfold --folds 4 --fold 2 --test-fraction 0.3 --val-fraction 0.1 --allow-patch-split --seed 4"
    assert chosen(*arguments.split())["split"] == SplitChoice(
        "kfold", None, 4, 2, test_fraction=0.3, val_fraction=0.1, allow_patch_split=True, seed=4
    )
    assert chosen("--split-file", "s.csv")["split"].file == Path("s.csv")


def test_a_path_is_one_as_its_user_means_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/at/home")
    assert PATH.convert("~/x", None, None) == Path("/at/home/x")


def test_warnings_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    say("a line")
    say("WARNING: a line")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("a line\n", "WARNING: a line\n")


def test_every_training_option_arrives() -> None:
    arguments = "--seed 4 --epochs 2 --max-per-patient 9 --limit 8 --target-recall 0.9 --weights none --threads 1"
    assert chosen(*arguments.split())["options"] == TrainingOptions(
        seed=4, epochs=2, max_per_patient=9, limit=8, target_recall=0.9, weights="none", threads=1
    )


@pytest.mark.parametrize("arguments", ["--target-recall 0", "--target-recall 1.1", "--epochs -1", "--folds 2"])
def test_numbers_out_of_range_are_refused(arguments: str) -> None:
    @click.command()
    @split_options
    @training_options
    def command(**_: Any) -> None:
        raise AssertionError

    assert CliRunner().invoke(command, arguments.split()).exit_code == 2


def test_options_are_shown_in_reading_order() -> None:
    @click.command()
    @together(click.option("--first"), click.option("--second"))
    def command(**_: Any) -> None: ...

    shown = CliRunner().invoke(command, ["--help"]).output
    assert shown.index("--first") < shown.index("--second")
