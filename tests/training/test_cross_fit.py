"""Cross-fitting: every patient predicted by a network that never saw it, and one network that saw all."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.common.provenance import ONEDNN
from cancernet.data.pack import Pack
from cancernet.data.sides import Split, assign
from cancernet.evaluation.scoring import score_floor, score_model
from cancernet.model.held_out import read_held_out
from cancernet.model.model import Model, load_model
from cancernet.model.recipe import Recipe
from cancernet.training import cross_fit as module
from cancernet.training.checkpoint import Progress
from cancernet.training.cross_fit import WHOLE, Part, cross_fit, fit_part, read_part
from cancernet.training.examples import choose_examples
from cancernet.training.finish import HELD
from cancernet.training.options import TrainingOptions
from cancernet.training.train import train

pytestmark = pytest.mark.train

RECIPE = Recipe("crossed", "two folds", "cnn", epochs=2, batch_size=16, mixup=0.3, patient_cap=15, cross_fit=2)
ALONE = TrainingOptions(threads=1, weights="none")  # one process, so that the small CNN of these tests is used


@pytest.fixture(scope="module")
def crossed(small_cnn: None, packed: Pack, split: Split, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A bundle made by a cross-fit."""
    folder = tmp_path_factory.mktemp("crossed")
    with Output(folder / "models", "train") as models:
        return train(RECIPE, packed, split, models=models, cache=folder, options=ALONE, say=lambda _: None)


def parts_of(packed: Pack, split: Split, monkeypatch: pytest.MonkeyPatch, recipe: Recipe = RECIPE) -> list[Part]:
    """The parts that a cross-fit would train, without training them."""
    seen: list[Part] = []

    monkeypatch.setattr(module, "fit_part", seen.append)
    monkeypatch.setattr(module, "read_part", lambda part: (Progress("f"), np.zeros(len(part.examples.val), "float32")))
    examples = choose_examples(recipe, packed, split, ALONE)
    cross_fit(recipe, packed, examples, folder=Path("m"), options=ALONE, fingerprint="f", say=lambda _: None)
    return seen


def test_no_patient_is_predicted_by_a_network_that_learned_from_it(
    packed: Pack, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = packed.table["patient"].to_numpy()
    parts = parts_of(packed, split, monkeypatch)
    assert [part.name for part in parts] == [WHOLE, "fold1", "fold2"]
    for part in parts:
        learned, held = set(patient[part.examples.train]), set(patient[part.examples.val])
        assert not learned & held
        assert list(part.examples.patient) == list(patient[part.examples.train])
        assert len(part.examples.weight) == len(part.examples.train)


def test_the_folds_hold_each_patch_of_train_and_val_once_and_none_of_test(
    packed: Pack, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = assign(split, packed.table).to_numpy()
    whole, *folds = parts_of(packed, split, monkeypatch)
    together = np.sort(np.concatenate([part.examples.val for part in folds]))
    np.testing.assert_array_equal(together, np.flatnonzero(side != "test"))
    np.testing.assert_array_equal(whole.examples.train, np.flatnonzero(side != "test"))


def test_more_folds_than_patients_are_refused(packed: Pack, split: Split) -> None:
    recipe = Recipe("many", "", "cnn", cross_fit=99)
    examples = choose_examples(recipe, packed, split, ALONE)
    with pytest.raises(UserError, match="99 folds, and there are 6"):
        cross_fit(recipe, packed, examples, folder=Path("m"), options=ALONE, fingerprint="f", say=print)


def test_a_part_reads_the_packed_file_itself(packed: Pack, split: Split, tmp_path: Path) -> None:
    examples = choose_examples(RECIPE, packed, split, ALONE)
    few = examples.train[:40]
    short = type(examples)(
        np.empty(0), few, examples.train[-5:], examples.label, np.ones(40, "float32"), examples.patient[:40]
    )
    file = (str(packed.images.filename), packed.images.shape)
    part = Part("fold1", RECIPE, short, file, ALONE, "f", tmp_path)
    assert fit_part(part) == "fold1"
    progress, logit = read_part(part)
    assert progress.done
    assert progress.best_epoch == RECIPE.epochs  # no epoch is chosen
    assert logit.shape == (5,)
    fit_part(part)  # from the checkpoint
    again, same = read_part(part)
    np.testing.assert_array_equal(logit, same)
    assert again.history == progress.history


def test_the_bundle_says_that_val_patients_taught_it(crossed: Model, split: Split) -> None:
    sides = crossed.manifest.split.patients
    assert {name: "train" if side == "val" else side for name, side in split.assignment.items()} == sides
    assert crossed.manifest.validation.of == "2 folds of train and val patients"
    assert load_model(crossed.folder).manifest == crossed.manifest


def test_predictions_out_of_fold_are_kept_and_gave_threshold_and_calibration(
    crossed: Model, packed: Pack, split: Split
) -> None:
    found = pd.read_csv(crossed.folder / HELD)
    side = assign(split, packed.table)
    assert set(found["path"]) == set(packed.table.loc[(side != "test").to_numpy(), "path"])
    assert found.groupby("patient")["fold"].nunique().max() == 1
    assert found["floor"].between(0, 1).all()
    recall = (found.loc[found["label"] == 1, "probability"] >= crossed.threshold).mean()
    assert recall >= 0.95
    assert found["probability"].mean() == pytest.approx(found["label"].mean(), abs=0.02)  # as Platt leaves it
    kept = read_held_out(crossed)
    assert kept is not None
    by_patient = found.groupby("patient")[["label", "probability"]].mean().to_numpy()
    np.testing.assert_allclose(kept.groupby("patient")[["label", "alone"]].mean(), by_patient, atol=1e-5)


def test_val_patients_are_not_scored_with_a_model_they_taught(crossed: Model, packed: Pack, split: Split) -> None:
    side = assign(split, packed.table)
    for scores in (score_model(crossed, packed, side), score_floor(crossed, packed, side)):
        assert list(scores.metrics["splits"]) == ["test"]
    new = side.map(lambda _: "test")  # the user says that these are other patients of the same names
    assert len(score_model(crossed, packed, new).predictions) == len(packed.table)


def test_trained_again_it_is_found_done(crossed: Model, packed: Pack, split: Split) -> None:
    said: list[str] = []
    home = crossed.folder.parent
    with Output(home, "train") as models:
        train(RECIPE, packed, split, models=models, cache=home, options=ALONE, say=said.append)
    assert any("already trained" in line for line in said)


@pytest.mark.slow
def test_two_processes_predict_as_one_does_and_start_in_silence(
    packed: Pack, split: Split, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ONEDNN, "1")  # set by hand, TensorFlow says so at start-up
    recipe = Recipe("small", "", "compact", input_size=32, epochs=1, patient_cap=6, cross_fit=2)
    examples = choose_examples(recipe, packed, split, ALONE)
    found = []
    for threads in (1, 2):
        capfd.readouterr()
        done, held, seconds = cross_fit(
            recipe,
            packed,
            examples,
            folder=tmp_path / str(threads),
            options=replace(ALONE, threads=threads),
            fingerprint="f",
            say=lambda _: None,
        )
        assert done.best
        assert seconds > 0
        found.append(held.logit)
    assert capfd.readouterr().err == ""
    np.testing.assert_allclose(*found, atol=1e-3)


def test_the_bar_counts_the_epochs_of_all_parts_and_none_of_an_earlier_run(
    packed: Pack, split: Split, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parts = [replace(part, folder=tmp_path / part.name) for part in parts_of(packed, split, monkeypatch)]
    for part in parts:
        part.folder.mkdir()
        (part.folder / "history.csv").write_text("epoch,loss\n1,0.5\n2,0.4\n")
    os.utime(parts[2].folder / "history.csv", (0, 0))
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now - 60)
    with module.watch(parts, every=0.01) as bar:
        seen: list[int] = []
        bar.update = seen.append  # a bar that is not shown does not count
        time.sleep(0.2)
    assert seen[0] == 4
    assert bar.total == 3 * RECIPE.epochs
