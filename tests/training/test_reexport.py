"""A bundle of before gets graph and remembered patches, and answers as it did."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from msgspec import structs

from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.model.bundle import GRAPH, WEIGHTS, list_files, write_bundle
from cancernet.model.examples import ABOUT, ARRAYS, read_index
from cancernet.model.model import Model, load_model
from cancernet.networks import with_probability
from cancernet.training import reexport as module
from cancernet.training.export import to_onnx
from cancernet.training.reexport import learned_from, reexport
from cancernet.training.start import load_network

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def before(small_cnn: None, trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained bundle as it would have been written before there was evidence."""
    model: Model = trained.model
    graph = to_onnx(with_probability(load_network(model), **model.calibration.to_dict()))
    files = {GRAPH: graph, WEIGHTS: model.read(WEIGHTS)}
    manifest = structs.replace(model.manifest, files=list_files(files))
    with Output(tmp_path_factory.mktemp("before") / "old", "train") as out:
        return write_bundle(out, manifest, files)


@pytest.fixture
def old(before: Path, tmp_path: Path) -> Model:
    """The same, to change."""
    return load_model(shutil.copytree(before, tmp_path / "old"))


@pytest.fixture
def changed(old: Model) -> Callable[..., Model]:
    """The same with other facts in its manifest."""

    def change(part: str, **facts: Any) -> Model:
        new = structs.replace(getattr(old.manifest, part), **facts)
        return Model(old.folder, structs.replace(old.manifest, **{part: new}))

    return change


def test_probabilities_weights_and_thresholds_stay(old: Model, trained: Any) -> None:
    before, weights = old.predict(trained.pack.images), old.read(WEIGHTS)
    new, difference = reexport(old, trained.pack)
    assert difference < 1e-5
    np.testing.assert_allclose(new.predict(trained.pack.images), before, atol=1e-5)
    assert new.read(WEIGHTS) == weights
    assert new.can_explain
    assert new.manifest == structs.replace(old.manifest, files=new.manifest.files)
    assert load_model(old.folder).manifest == new.manifest


def test_the_patches_remembered_are_those_that_training_would_have(old: Model, trained: Any) -> None:
    new, _ = reexport(old, trained.pack)
    assert new.read(ABOUT) == trained.model.read(ABOUT)
    index = read_index(new)
    assert index is not None
    sides = trained.split.assignment
    assert {sides[patient] for patient in index.table["patient"]} == {"train"}


def test_other_data_is_refused(changed: Callable[..., Model], trained: Any) -> None:
    with pytest.raises(UserError, match="is not the data"):
        reexport(changed("data", hash="0"), trained.pack)


def test_a_graph_that_answers_otherwise_is_not_written(
    old: Model, trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAME", -1.0)
    with pytest.raises(RuntimeError, match="differ by"):
        reexport(old, trained.pack)
    assert ARRAYS not in load_model(old.folder).manifest.files


def test_rows_are_capped_as_they_were_in_training(
    old: Model, changed: Callable[..., Model], trained: Any
) -> None:
    everything = learned_from(old, trained.pack)
    capped = learned_from(changed("training", max_per_patient=5), trained.pack)
    assert set(capped) < set(everything)
    assert trained.pack.table.iloc[capped]["patient"].value_counts().max() == 5
    assert len(learned_from(changed("training", limit=20), trained.pack)) == 20


def test_a_model_that_was_not_split_by_patient_is_refused(
    changed: Callable[..., Model], trained: Any
) -> None:
    with pytest.raises(UserError, match="not split by patient"):
        learned_from(changed("split", patient_safe=False), trained.pack)


def test_the_command_says_what_it_wrote(
    old: Model, trained: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "pack", lambda _: trained.pack)
    module.main([str(old.folder), "--data", "anywhere"])
    said = capsys.readouterr().out
    assert "examples.safetensors" in said
    assert "largest difference" in said
    assert load_model(old.folder).manifest.files[ARRAYS].bytes > 0


def test_neighbours_are_fitted_on_predictions_of_patients_unseen(old: Model, trained: Any) -> None:
    rows = pd.concat([section(f"P{k}", seed=k) for k in range(3)])
    new, _ = reexport(old, trained.pack, rows)
    assert new.context is not None
    assert new.context.fitted_on["n_specimens"] == 3
    assert load_model(new.folder).context == new.context


def test_too_few_whole_specimens_are_refused_and_nothing_is_written(old: Model, trained: Any) -> None:
    before = old.read(GRAPH)
    with pytest.raises(UserError, match="too few whole specimens"):
        reexport(old, trained.pack, section("P1", seed=1))
    assert load_model(old.folder).read(GRAPH) == before


def section(patient: str, *, seed: int) -> pd.DataFrame:
    """A square of 12 x 12 patches, the left half of them malignant."""
    row, column = np.divmod(np.arange(144), 12)
    label = (column < 6).astype(int)
    odds = 3 * label - 1.5 + np.random.default_rng(seed).normal(0, 1, 144)
    probability = 1 / (1 + np.exp(-odds))
    return pd.DataFrame(
        {"patient": patient, "x": column * 50, "y": row * 50, "label": label, "probability": probability}
    )
