"""What was said of a large val side is said once, and only files that fit are believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from cancernet.common.output import Output
from cancernet.data.sides import assign
from cancernet.evaluation.scoring import score_model
from cancernet.model.model import Model, load_model
from cancernet.training import examples as choosing
from cancernet.training import finish as finishing
from cancernet.training.held import keep_held, kept_held
from cancernet.training.options import TrainingOptions
from cancernet.training.train import train

pytestmark = pytest.mark.train
V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"


def of(fingerprint: str) -> Model:
    model = load_model(V1)
    training = msgspec.structs.replace(model.manifest.training, fingerprint=fingerprint)
    return Model(model.folder, msgspec.structs.replace(model.manifest, training=training))


def test_what_was_kept_is_found_by_the_model_of_that_run_alone(tmp_path: Path) -> None:
    keep_held(tmp_path, "a" * 64, np.array([0.25, 1.0, 0.0]))
    found = kept_held(tmp_path, of("a" * 64), 3)
    assert found is not None
    assert found.tolist() == [0.25, 1.0, 0.0]
    assert kept_held(tmp_path, of("b" * 64), 3) is None
    assert kept_held(tmp_path, of("a" * 64), 4) is None  # of another val side


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"no array at all"])
def test_a_file_that_is_damaged_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    keep_held(tmp_path, "a" * 64, np.array([0.5]))
    [file] = tmp_path.glob("held-*.npy")
    file.write_bytes(content)
    assert kept_held(tmp_path, of("a" * 64), 1) is None


def test_what_is_no_probability_is_not_believed(tmp_path: Path) -> None:
    keep_held(tmp_path, "a" * 64, np.array([0.5, np.nan]))
    assert kept_held(tmp_path, of("a" * 64), 2) is None


def test_of_a_large_val_some_choose_the_epoch_and_all_the_thresholds_in_one_pass(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "MOST_CHOOSING", 16)
    asked: list[int] = []
    inner = finishing.predict
    monkeypatch.setattr(finishing, "CHECKED", 5)
    monkeypatch.setattr(finishing, "predict", lambda *a: asked.append(len(a[2])) or inner(*a))
    recipe = msgspec.structs.replace(trained.recipe, epochs=1, keras_file="")
    said: list[str] = []
    with Output(tmp_path / "models", "train") as out:
        options = TrainingOptions(weights="none")
        model = train(recipe, trained.pack, trained.split, models=out, cache=tmp_path, options=options, say=said.append)
    side = assign(trained.split, trained.pack.table)
    n_val = int((side == "val").sum())
    facts, found = model.manifest.training, model.manifest.validation
    assert facts is not None
    assert found is not None
    assert 16 <= facts.n_choosing < n_val == found.n_patches
    assert f"{facts.n_choosing} of {n_val} val patches" in said[0]
    assert asked == [5]  # the graph, on a few
    held = kept_held(tmp_path, model, n_val)
    assert held is not None
    whole = score_model(model, trained.pack, side).predictions
    known = np.full(len(side), np.nan, "float32")
    known[np.flatnonzero(side == "val")] = held
    told = score_model(model, trained.pack, side, known=known).predictions
    np.testing.assert_allclose(told["alone"], whole["alone"], atol=1e-5)
    test = (whole["split"] == "test").to_numpy()
    np.testing.assert_array_equal(told["alone"][test], whole["alone"][test])
