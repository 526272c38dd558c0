"""A bundle of before gets graph and remembered patches, and answers as it did."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cancernet.model.evidence import open_explaining

from cancernet.common.errors import UserError
from cancernet.model.bundle import GRAPH, WEIGHTS, Bundle, read_bundle, write_bundle
from cancernet.model.examples import ABOUT, ARRAYS, read_index
from cancernet.model.inference import open_session, predict
from cancernet.networks import with_probability
from cancernet.training import reexport as module
from cancernet.training.export import to_onnx
from cancernet.training.reexport import learned_from, reexport
from cancernet.training.start import load_network

pytestmark = pytest.mark.train


@pytest.fixture
def old(trained: Any, tmp_path: Path) -> Bundle:
    """The trained bundle as it would have been written before there was evidence."""
    bundle = trained.bundle
    graph = to_onnx(with_probability(load_network(bundle), **bundle.calibration))
    manifest = {k: v for k, v in bundle.manifest.items() if k not in ("format", "files")}
    return write_bundle(tmp_path / "old", manifest, {GRAPH: graph, WEIGHTS: bundle.read(WEIGHTS)})


def test_probabilities_weights_and_thresholds_stay(old: Bundle, trained: Any) -> None:
    before, weights = predict(open_session(old.read(GRAPH)), trained.pack.images), old.read(WEIGHTS)
    new, difference = reexport(old, trained.pack)
    assert difference < 1e-5
    np.testing.assert_allclose(predict(open_explaining(new), trained.pack.images), before, atol=1e-5)
    assert new.read(WEIGHTS) == weights
    kept = {k: v for k, v in new.manifest.items() if k != "files"}
    assert kept == {k: v for k, v in old.manifest.items() if k != "files"}
    assert read_bundle(old.folder).manifest == new.manifest


def test_the_patches_remembered_are_those_that_training_would_have(old: Bundle, trained: Any) -> None:
    new, _ = reexport(old, trained.pack)
    assert new.read(ABOUT) == trained.bundle.read(ABOUT)
    index = read_index(new)
    assert index is not None
    sides = trained.split.assignment
    assert {sides[patient] for patient in index.table["patient"]} == {"train"}


def test_other_data_is_refused(old: Bundle, trained: Any) -> None:
    old.manifest["data"] = {**old.manifest["data"], "hash": "0"}
    with pytest.raises(UserError, match="is not the data"):
        reexport(old, trained.pack)


def test_a_graph_that_answers_otherwise_is_not_written(
    old: Bundle, trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAME", -1.0)
    with pytest.raises(RuntimeError, match="differ by"):
        reexport(old, trained.pack)
    assert ARRAYS not in read_bundle(old.folder).manifest["files"]


def test_rows_are_capped_as_they_were_in_training(old: Bundle, trained: Any) -> None:
    everything = learned_from(old, trained.pack)
    old.manifest["training"] = {**old.manifest["training"], "max_per_patient": 5}
    capped = learned_from(old, trained.pack)
    assert len(capped) < len(everything)
    assert trained.pack.table.iloc[capped]["patient"].value_counts().max() == 5
    old.manifest["split"] = {**old.manifest["split"], "patient_safe": False}
    with pytest.raises(UserError, match="not split by patient"):
        learned_from(old, trained.pack)


def test_the_command_says_what_it_wrote(
    old: Bundle, trained: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "pack", lambda _: trained.pack)
    module.main([str(old.folder), "--data", "anywhere"])
    said = capsys.readouterr().out
    assert "examples.safetensors" in said
    assert "largest difference" in said
    assert json.loads((old.folder / "manifest.json").read_text())["files"][ARRAYS]["bytes"] > 0
    shutil.rmtree(old.folder)


def test_neighbours_are_fitted_on_predictions_of_patients_unseen(old: Bundle, trained: Any) -> None:
    rows = pd.concat([section(f"P{k}", seed=k) for k in range(3)])
    new, _ = reexport(old, trained.pack, rows)
    assert new.manifest["context"]["fitted_on"]["n_specimens"] == 3
    assert read_bundle(new.folder).manifest["context"] == new.manifest["context"]


def test_too_few_whole_specimens_are_refused_and_nothing_is_written(old: Bundle, trained: Any) -> None:
    before = old.read(GRAPH)
    with pytest.raises(UserError, match="too few whole specimens"):
        reexport(old, trained.pack, section("P1", seed=1))
    assert read_bundle(old.folder).read(GRAPH) == before


def section(patient: str, *, seed: int) -> pd.DataFrame:
    """A square of 12 x 12 patches, the left half of them malignant."""
    row, column = np.divmod(np.arange(144), 12)
    label = (column < 6).astype(int)
    odds = 3 * label - 1.5 + np.random.default_rng(seed).normal(0, 1, 144)
    probability = 1 / (1 + np.exp(-odds))
    return pd.DataFrame(
        {"patient": patient, "x": column * 50, "y": row * 50, "label": label, "probability": probability}
    )
