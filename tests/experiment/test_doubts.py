"""Labels that model and neighbours contradict: in place where that is known, or else by patches alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cancernet.data.pack import Pack, pack
from cancernet.data.sample import write_sample
from cancernet.evaluation.evaluate import evaluate
from cancernet.evaluation.results import RunResults
from cancernet.experiment import doubts
from cancernet.experiment.doubts import find_doubts
from cancernet.model.model import Model, load_model

SIDE = 5  # patches along each side of a patient's section


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("doubts")
    return pack(write_sample(folder / "sample", patients=4, patches_per_patient=SIDE**2, seed=3), cache_dir=folder)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


def results_of(model: Model, packed: Pack, *, placed: bool = True) -> tuple[RunResults, str]:
    """Sections whose left two columns are malignant, and a sure model; one label far from the border is wrong."""
    rows = packed.table[["path", "patient"]].copy()
    number = rows.groupby("patient").cumcount()
    column = number % SIDE
    rows["x"], rows["y"] = 1 + 50 * column, 1 + 50 * (number // SIDE)
    truth = (column < 2).astype(int)
    rows["label"], rows["split"], rows["reason"] = truth, "test", ""
    noise = np.random.default_rng(0).normal(0, 0.4, len(rows))
    rows["alone"] = rows["probability"] = 1 / (1 + np.exp(-6 * (truth - 0.5) - noise))
    wrong = rows.index[(column == 4) & (number // SIDE == 2)][0]
    rows.loc[wrong, "label"] = 1
    rows.loc[wrong, ["alone", "probability"]] = 0.01
    if not placed:
        rows["x"] = rows["y"] = pd.NA
    metrics = evaluate(rows, model.thresholds, model=model.name, samples=5)
    return RunResults(title="t", metrics=[metrics], predictions={model.name: rows}), str(rows["path"][wrong])


def test_a_label_that_those_around_it_contradict_is_listed(model: Model, packed: Pack) -> None:
    results, wrong = results_of(model, packed)
    found = find_doubts(results, [model], packed)
    assert found is not None
    assert list(found.table["path"]) == [wrong]
    row = found.table.iloc[0]
    assert (row["neighbours"], row["n_neighbours"], row["n_otherwise"]) == ("in place", 5, 5)
    at = int(np.flatnonzero(packed.table["path"] == wrong)[0])
    np.testing.assert_array_equal(found.images[0], packed.images[at])
    assert found.n_patches == len(packed.table)
    assert found.metrics["auc"]["if_wrong"]["value"] > found.metrics["auc"]["as_is"]["value"]


@pytest.mark.parametrize(("otherwise", "listed"), [(4, True), (3, False)])
def test_without_places_the_training_patches_alike_speak(
    model: Model, packed: Pack, monkeypatch: pytest.MonkeyPatch, otherwise: int, listed: bool
) -> None:
    def nearest(index: Any, embedding: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        benign, malignant = (np.flatnonzero(index.table["label"] == label)[:5] for label in (0, 1))
        rows = np.concatenate([benign[:otherwise], malignant[: 5 - otherwise]])
        return np.tile(rows, (len(embedding), 1)), np.ones((len(embedding), 5))

    monkeypatch.setattr(doubts, "nearest", nearest)
    results, wrong = results_of(model, packed, placed=False)
    found = find_doubts(results, [model], packed)
    assert found is not None
    assert (wrong in set(found.table["path"])) == listed
    assert set(found.table["neighbours"]) <= {"alike"}


def test_a_model_that_remembers_nothing_lists_what_has_neighbours_in_place_alone(packed: Pack) -> None:
    old = load_model(Path(__file__).parents[1] / "fixtures" / "bundle_v1")
    results, wrong = results_of(old, packed)
    found = find_doubts(results, [old], packed)
    assert found is not None
    assert list(found.table["path"]) == [wrong]
    nothing = find_doubts(results_of(old, packed, placed=False)[0], [old], packed)
    assert nothing is not None
    assert nothing.table.empty
    assert nothing.n_contradicted >= 1


def test_without_predictions_there_is_nothing(model: Model, packed: Pack) -> None:
    results, _ = results_of(model, packed)
    assert find_doubts(RunResults(title="t", metrics=results.metrics), [model], packed) is None
