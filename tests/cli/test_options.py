"""What shared options stand for: the split they name, and nothing unsafe that was not allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cancernet.cli.main import cli
from cancernet.cli.options import (
    PATH,
    collected,
    echo,
    label_options,
    note,
    say,
    split_options,
    together,
    training_options,
)
from cancernet.common import defaults
from cancernet.data.layout import Labels
from cancernet.data.split import SplitChoice
from cancernet.training.options import TrainingOptions


def chosen(*arguments: str) -> dict[str, Any]:
    """The values that a command with all shared options gets."""
    found: dict[str, Any] = {}

    @click.command()
    @label_options
    @split_options
    @training_options
    def command(**values: Any) -> None:
        found.update(values)

    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return collected(found, labels=Labels, split=SplitChoice, options=TrainingOptions)


def test_defaults_are_those_of_the_project() -> None:
    assert chosen() == {"labels": Labels(), "options": TrainingOptions(), "split": SplitChoice(), "recipe_file": None}
    assert chosen()["split"].test_fraction == defaults.TEST_FRACTION


def test_every_split_option_arrives() -> None:
    assert chosen()["split"] == SplitChoice()
    arguments = "--split kfold --folds 4 --fold 2 --test-fraction 0.3 --val-fraction 0.1 --allow-patch-split --seed 4"
    assert chosen(*arguments.split())["split"] == SplitChoice(
        "kfold", None, 4, 2, test_fraction=0.3, val_fraction=0.1, allow_patch_split=True, seed=4
    )
    assert chosen("--split-file", "s.csv")["split"].file == Path("s.csv")


def test_what_is_said_of_labels_arrives() -> None:
    found = chosen("--benign", "A", "--benign", "B", "--malignant", "C", "--patients", "p.csv")["labels"]
    assert found == Labels(("A", "B"), ("C",), Path("p.csv"))


@pytest.mark.parametrize("verb", ["run", "train", "evaluate", "audit", "data check"])
def test_every_command_on_labelled_patches_can_be_told_of_them(verb: str) -> None:
    result = CliRunner().invoke(cli, [*verb.split(), "--help"])
    assert all(option in result.output for option in ("--benign NAME", "--malignant NAME", "--patients PATH"))


@pytest.mark.parametrize(
    "tell", [say, lambda text: echo(f"one\n{text}", err=True), lambda text: note(text, 1, "there")]
)
def test_nothing_that_a_terminal_would_obey_is_printed(tell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tell("a\x1b[31m\x07\u202eb\udce9.png")
    told = "".join(capsys.readouterr())
    assert "a?[31m??b?.png" in told
    assert "\x1b" not in told


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
