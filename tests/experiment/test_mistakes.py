"""The errors of the headline model, with the pixels of their own patches."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cancernet.data.pack import Pack, pack
from cancernet.data.sample import write_sample
from cancernet.data.sides import assign
from cancernet.data.split import grouped_split
from cancernet.experiment.mistakes import find_mistakes
from cancernet.experiment.run import collect
from cancernet.model.bundle import shipped
from cancernet.model.model import load_model

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("mistakes")
    return pack(write_sample(folder / "sample", patients=8, patches_per_patient=16, seed=3), cache_dir=folder)


def collected(folder: Path, packed: Pack) -> Any:
    split = grouped_split(packed.table, seed=1, test_fraction=0.25, val_fraction=0.25)
    side = assign(split, packed.table)
    return collect([load_model(folder)], packed, split, side, minutes={}, facts={}), side


@pytest.fixture(scope="module")
def of_shipped(packed: Pack) -> Any:
    return collected(shipped(), packed)


def test_each_picture_is_of_its_row_and_of_a_test_patient(of_shipped: Any, packed: Pack) -> None:
    results, side = of_shipped
    found = results.mistakes
    assert found is not None
    at = {path: i for i, path in enumerate(packed.table["path"])}
    for i, row in found.table.iterrows():
        np.testing.assert_array_equal(found.images[i], packed.images[at[row["path"]]])
        assert side.iloc[at[row["path"]]] == "test"
        called = row["probability"] >= found.threshold
        assert called != bool(row["label"])
        p = 1 / (1 + np.exp(-found.evidence[i].mean()))
        assert p == pytest.approx(load_model().predict(found.images[i][None])[0], abs=1e-5)  # of the patch by itself
    assert found.table.groupby(["kind", "patient"]).size().max() <= 2


def test_an_older_bundle_has_its_errors_without_maps_or_none(packed: Pack) -> None:
    results, _ = collected(V1, packed)
    assert results.mistakes is None or results.mistakes.evidence is None


def test_without_predictions_there_is_nothing(of_shipped: Any, packed: Pack) -> None:
    results, _ = of_shipped
    bare = dataclasses.replace(results, predictions={})
    assert find_mistakes(bare, [load_model()], packed) is None
