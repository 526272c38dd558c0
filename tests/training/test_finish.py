"""What training leaves: a bundle whose graph, weights, HDF5 file and thresholds are all of one model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from safetensors.numpy import load
from sklearn.metrics import recall_score, roc_auc_score

from cancernet.common.output import Output
from cancernet.data.sides import assign
from cancernet.evaluation.prevalence import calibrated_at
from cancernet.model.bundle import GRAPH, WEIGHTS, encode_manifest
from cancernet.model.examples import read_index, unit
from cancernet.model.held_out import read_held_out
from cancernet.model.inference import open_session, predict
from cancernet.model.model import load_model
from cancernet.networks import with_probability
from cancernet.training import finish as finish_module
from cancernet.training.finish import _check_graph, finish
from cancernet.training.start import load_network

pytestmark = pytest.mark.train


@pytest.fixture
def validation(trained: Any) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of the validation patches, by the graph that ships."""
    rows = np.flatnonzero(assign(trained.split, trained.pack.table) == "val")
    probability = trained.model.predict(trained.pack.images, rows)
    return trained.pack.table["label"].to_numpy()[rows], probability


def test_the_bundle_reads_back_whole(trained: Any) -> None:
    model = load_model(trained.models / "everything")
    assert model.manifest == trained.model.manifest
    assert model.read(GRAPH)
    assert model.read(WEIGHTS)


def test_the_manifest_says_how_the_model_was_made(trained: Any) -> None:
    manifest = trained.model.manifest
    assert manifest.recipe == trained.recipe
    assert manifest.split.hash == trained.split.hash
    assert manifest.split.patients == dict(trained.split.assignment)
    assert manifest.data.hash == trained.pack.data_hash
    assert manifest.data.synthetic is True
    assert manifest.weights_from == "none (trained from scratch)"
    assert (manifest.seed, manifest.target_recall) == (1, 0.95)
    assert {"cancernet", "python", "keras", "numpy"} <= set(manifest.versions)
    assert manifest.training.epochs == 3
    assert 1 <= manifest.training.best_epoch <= 3


def test_the_scores_kept_are_those_of_val_patients_by_the_graph_that_ships(
    trained: Any, validation: tuple[np.ndarray, np.ndarray]
) -> None:
    found = read_held_out(trained.model)
    assert found is not None
    assert set(found["patient"]) == {name for name, side in trained.split.assignment.items() if side == "val"}
    label, probability = validation
    assert sorted(found["label"]) == sorted(label)
    np.testing.assert_allclose(np.sort(found["alone"]), np.sort(probability), atol=1e-5)


def test_the_manifest_names_no_machine_or_folder(trained: Any) -> None:
    text = encode_manifest(trained.model.manifest).decode()
    assert str(trained.models) not in text
    assert str(trained.pack.root) not in text


def test_graph_and_weights_give_the_same_answers(trained: Any) -> None:
    model = with_probability(load_network(trained.model), **trained.model.calibration.to_dict())
    patches = np.array(trained.pack.images[:40])
    from_keras = model.predict_on_batch(patches)[:, 0]
    np.testing.assert_allclose(trained.model.predict(patches), from_keras, atol=1e-5)


def test_the_h5_file_gives_the_same_answers(trained: Any) -> None:
    model = keras.models.load_model(trained.models / "everything.h5")
    patches = np.array(trained.pack.images[:40])
    from_h5 = model.predict_on_batch(patches)[:, 0]
    np.testing.assert_allclose(trained.model.predict(patches), from_h5, atol=1e-5)


def test_the_bundle_says_at_which_share_of_malignant_patches_it_was_calibrated(
    trained: Any, validation: tuple[np.ndarray, np.ndarray]
) -> None:
    label, probability = validation
    assert calibrated_at(trained.model.manifest) == label.mean()
    assert probability.mean() == pytest.approx(label.mean(), abs=0.02)  # as a calibration with an offset leaves it


def test_the_threshold_reaches_the_target_recall_on_validation_and_the_next_would_not(
    trained: Any, validation: tuple[np.ndarray, np.ndarray]
) -> None:
    label, probability = validation
    threshold = trained.model.threshold
    assert recall_score(label, probability >= threshold) >= 0.95
    higher = probability[probability > threshold].min()
    malignant = probability[label == 1]
    assert (malignant >= higher).mean() < 0.95 or not (malignant == threshold).any()


def test_the_validation_numbers_are_those_of_the_graph_that_ships(
    trained: Any, validation: tuple[np.ndarray, np.ndarray]
) -> None:
    label, probability = validation
    stated = trained.model.manifest.validation
    assert stated.n_patches == len(label)
    assert stated.auc == pytest.approx(roc_auc_score(label, probability))


def test_the_floor_was_fitted_on_training_patients_and_measured_on_validation(
    trained: Any, validation: tuple[np.ndarray, np.ndarray]
) -> None:
    rows = np.flatnonzero(assign(trained.split, trained.pack.table) == "val")
    floor = trained.model.manifest.floor.model
    measured = roc_auc_score(validation[0], floor.predict(trained.pack.images[rows]))
    assert trained.model.manifest.validation.floor_auc == pytest.approx(measured)


def test_test_patches_are_never_looked_at(trained: Any) -> None:
    n_train = trained.model.manifest.training.n_patches
    side = assign(trained.split, trained.pack.table)
    assert n_train == (side == "train").sum()
    assert trained.model.manifest.validation.n_patches == (side == "val").sum()


def test_weights_are_plain_float32_arrays(trained: Any) -> None:
    arrays = load(trained.model.read(WEIGHTS))
    assert {array.dtype for array in arrays.values()} == {np.dtype("float32")}
    assert sum(array.size for array in arrays.values()) == trained.model.manifest.parameters


def test_the_h5_file_is_there_before_the_manifest_says_all_is_done(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr(finish_module, "save_h5", lambda *_: order.append("h5"))
    monkeypatch.setattr(finish_module, "write_bundle", lambda *_: order.append("bundle"))
    monkeypatch.setattr(finish_module, "load_model", lambda _: None)
    from cancernet.training.checkpoint import Progress
    from cancernet.training.cross_fit import Held
    from cancernet.training.examples import choose_examples
    from cancernet.training.options import TrainingOptions

    options = TrainingOptions()
    examples = choose_examples(trained.recipe, trained.pack, trained.split, options)
    held = Held(examples.val, np.linspace(-1, 1, len(examples.val)), np.zeros(len(examples.val), int))
    with Output(trained.models, "train") as models:
        finish(
            load_network(trained.model),
            trained.recipe,
            trained.pack,
            trained.split,
            examples,
            Progress("f", epoch=1, best_epoch=1),
            held,
            weights_from="none",
            models=models,
            cache=trained.cache,
            options=options,
            seconds=0.0,
        )
    assert order == ["h5", "bundle"]


def test_the_graph_also_gives_evidence_whose_mean_is_the_logit(trained: Any) -> None:
    found = trained.model.explain(np.array(trained.pack.images[:20]))
    probability = 1 / (1 + np.exp(-found.evidence.mean((1, 2))))
    np.testing.assert_allclose(probability, found.probability, atol=1e-5)


def test_the_bundle_remembers_patches_it_learned_from_and_no_other(trained: Any) -> None:
    index = read_index(trained.model)
    assert index is not None
    side = dict(zip(trained.pack.table["path"], assign(trained.split, trained.pack.table), strict=True))
    assert {side[path] for path in index.table["path"]} == {"train"}
    assert len(index.table) == trained.model.manifest.training.n_patches
    own = trained.model.explain(np.array(trained.pack.images)).embedding
    at = {path: i for i, path in enumerate(trained.pack.table["path"])}
    mine = unit(own[[at[path] for path in index.table["path"]]])
    np.testing.assert_allclose(index.embedding, mine, atol=2e-3)


def test_a_graph_that_is_not_the_networks_is_noticed(trained: Any) -> None:
    rows = np.arange(len(trained.pack.table))
    session = open_session(trained.model.read(GRAPH))
    right = predict(session, trained.pack.images, rows)
    _check_graph(session, trained.pack, rows, right)
    with pytest.raises(RuntimeError, match="differs from the network"):
        _check_graph(session, trained.pack, rows, right[::-1])
