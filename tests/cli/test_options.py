"""What shared options stand for: the split they name, and nothing unsafe that was not allowed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cancernet.cli import options
from cancernet.cli.options import (
    describe_split,
    make_split,
    open_pack,
    read_training_options,
    split_options,
    together,
    training_options,
)
from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.data.pack import Pack
from cancernet.training.options import TrainingOptions


@pytest.fixture(scope="module")
def packed(sample: Path, cache: Path) -> Pack:
    return open_pack(sample, cache)


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
    return found


def test_defaults_are_those_of_the_project() -> None:
    assert read_training_options(chosen()) == TrainingOptions()
    assert chosen()["test_fraction"] == defaults.TEST_FRACTION
    assert chosen()["weights"] == "imagenet"


def test_every_training_option_arrives() -> None:
    arguments = (
        "--seed 4 --epochs 2 --max-per-patient 9 --limit 8 --target-recall 0.9 --weights none --threads 1"
    )
    assert read_training_options(chosen(*arguments.split())) == TrainingOptions(
        seed=4, epochs=2, max_per_patient=9, limit=8, target_recall=0.9, weights="none", threads=1
    )


@pytest.mark.parametrize(
    "arguments", ["--target-recall 0", "--target-recall 1.1", "--epochs -1", "--folds 2"]
)
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


def test_the_split_is_grouped_by_patient_unless_asked_otherwise(
    packed: Pack, capsys: pytest.CaptureFixture[str]
) -> None:
    split = make_split(packed, chosen())
    assert split.patient_safe
    assert set(split.assignment) == set(packed.table["patient"])
    said = capsys.readouterr().out
    assert said.startswith(f"split grouped, seed 1 ({split.hash[:12]}): train ")


def test_the_same_seed_gives_the_same_split(packed: Pack) -> None:
    assert make_split(packed, chosen("--seed", "2")) == make_split(packed, chosen("--seed", "2"))


def test_a_split_file_is_followed(packed: Pack, tmp_path: Path) -> None:
    patients = sorted(packed.table["patient"].unique())
    sides = dict(zip(patients, ["train"] * 4 + ["val"] * 2 + ["test"] * 2, strict=True))
    lines = ["patient,split", *[f"{patient},{side}" for patient, side in sides.items()]]
    (tmp_path / "s.csv").write_text("\n".join(lines) + "\n")
    assert dict(make_split(packed, chosen("--split-file", str(tmp_path / "s.csv"))).assignment) == sides


def test_folds_test_each_patient_once(packed: Pack) -> None:
    tested: list[str] = []
    for fold in (1, 2, 3, 4):
        split = make_split(packed, chosen("--split", "kfold", "--folds", "4", "--fold", str(fold)))
        tested += [patient for patient, side in split.assignment.items() if side == "test"]
    assert sorted(tested) == sorted(packed.table["patient"].unique())


def test_a_fold_that_is_not_there_is_named(packed: Pack) -> None:
    with pytest.raises(UserError, match="--fold 6: there are 5 folds"):
        make_split(packed, chosen("--split", "kfold", "--fold", "6"))


def test_a_split_by_patch_must_be_allowed_and_is_loud(
    packed: Pack, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match="--allow-patch-split"):
        make_split(packed, chosen("--split", "patch"))
    split = make_split(packed, chosen("--split", "patch", "--allow-patch-split"))
    assert not split.patient_safe
    assert "NOT SPLIT BY PATIENT" in capsys.readouterr().err


def test_unknown_patients_are_refused_unless_allowed(packed: Pack) -> None:
    unknown = dataclasses.replace(packed, table=packed.table.assign(patient=""))
    with pytest.raises(UserError, match="--allow-patch-split"):
        make_split(unknown, chosen())
    assert not make_split(unknown, chosen("--allow-patch-split")).patient_safe


def test_allowing_a_patch_split_does_not_ask_for_one(packed: Pack) -> None:
    assert make_split(packed, chosen("--allow-patch-split")).patient_safe


def test_a_folder_without_listed_cases_names_another_split(packed: Pack) -> None:
    with pytest.raises(UserError, match="--split grouped"):
        make_split(packed, chosen("--split", "official"))


def test_the_sides_are_described_with_sizes(packed: Pack) -> None:
    split = make_split(packed, chosen())
    said = describe_split(packed, split)
    assert [part.split()[0] for part in said.split("; ")] == ["train", "val", "test"]
    patches = [int(part.split()[1].replace(",", "")) for part in said.split("; ")]
    assert sum(patches) == len(packed.table)


def test_what_was_found_is_said_and_warnings_go_to_standard_error(
    sample: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_pack(sample, cache)
    shown = capsys.readouterr().out
    assert "layout patient/class, 192 patches, 8 patients" in shown
    assert "SYNTHETIC" in shown


def test_training_without_tensorflow_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "tensorflow" else object())
    with pytest.raises(
        UserError, match=r"needs tensorflow, which is not installed; pip install 'cancernet\[train\]'"
    ):
        options.require_training(1)


def test_kernels_are_chosen_before_tensorflow_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr("cancernet.training.kernels.choose_kernels", lambda *_, **__: order.append("kernels"))
    monkeypatch.setattr("cancernet.training.quiet.import_quietly", lambda _: order.append("tensorflow"))
    options.require_training(1)
    assert order == ["kernels", "tensorflow"]
