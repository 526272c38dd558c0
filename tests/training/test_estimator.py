"""A recipe as a scikit-learn classifier: the contract of scikit-learn, and patients kept apart where told."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, cross_val_score

from cancernet.common.errors import UserError
from cancernet.data.pack import Pack
from cancernet.training.estimator import PatchClassifier

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def labelled(packed: Pack) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patches, words for labels, and patients, 192 each."""
    label = np.where(packed.table["label"] == 1, "malignant", "benign")
    return np.array(packed.images), label, packed.table["patient"].to_numpy()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where temporary files go while the estimator is fitted."""
    folder = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture(scope="module")
def fitted(small_cnn: None, labelled: tuple[np.ndarray, np.ndarray, np.ndarray], scratch: Path) -> PatchClassifier:
    images, label, patient = labelled
    return PatchClassifier(epochs=1, threads=1).fit(images, label, groups=patient)


def test_parameters_are_read_set_and_cloned() -> None:
    made = PatchClassifier("augmented", epochs=3)
    assert is_classifier(made)
    assert made.get_params() == {
        "recipe": "augmented", "epochs": 3, "target_recall": 0.95, "val_fraction": 0.2, "seed": 1,
        "weights": "imagenet", "threads": 0,
    }  # fmt: skip
    assert clone(made).set_params(epochs=4).get_params() == {**made.get_params(), "epochs": 4}
    assert made.epochs == 3


def test_a_clone_of_a_fitted_one_is_not_fitted(fitted: PatchClassifier, labelled: Any) -> None:
    with pytest.raises(NotFittedError):
        clone(fitted).predict(labelled[0][:2])


def test_probabilities_are_of_both_classes_and_sum_to_1(fitted: PatchClassifier, labelled: Any) -> None:
    assert fitted.classes_.tolist() == ["benign", "malignant"]
    probability = fitted.predict_proba(labelled[0][:30])
    assert (probability.shape, probability.dtype) == ((30, 2), np.float64)
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    np.testing.assert_allclose(probability[:, 1], fitted.model_.predict(labelled[0][:30]))


def test_labels_are_those_it_was_given_and_malignant_from_the_threshold_on(
    fitted: PatchClassifier, labelled: Any
) -> None:
    images = labelled[0]
    above = fitted.predict_proba(images)[:, 1] >= fitted.model_.threshold
    assert 0 < above.sum() < len(above)
    np.testing.assert_array_equal(fitted.predict(images) == "malignant", above)
    np.testing.assert_array_equal(fitted.decision_function(images) >= 0, above)


def test_patients_that_choose_are_not_learned_from_and_no_patient_is_left_out(
    fitted: PatchClassifier, labelled: Any
) -> None:
    patients = fitted.model_.manifest.split.patients
    assert set(patients) == set(labelled[2])
    assert set(patients.values()) == {"train", "val"}


def test_no_file_is_left_behind(fitted: PatchClassifier, scratch: Path) -> None:
    assert not list(scratch.glob("cancernet*"))
    assert not fitted.model_.folder.exists()


@pytest.mark.parametrize("way", ["pickle", "joblib"])
def test_it_answers_alike_after_pickling(fitted: PatchClassifier, labelled: Any, tmp_path: Path, way: str) -> None:
    if way == "pickle":
        again = pickle.loads(pickle.dumps(fitted))
    else:
        joblib.dump(fitted, tmp_path / "it")
        again = joblib.load(tmp_path / "it")
    np.testing.assert_array_equal(again.predict_proba(labelled[0]), fitted.predict_proba(labelled[0]))
    np.testing.assert_array_equal(again.predict(labelled[0]), fitted.predict(labelled[0]))
    assert again.model_.manifest == fitted.model_.manifest
    assert pickle.loads(pickle.dumps(PatchClassifier(epochs=2))).epochs == 2


@pytest.fixture
def seen(fitted: PatchClassifier, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray | None]:
    """The groups of each fit; without any, the first is a true one, all others leave what `fitted` has learned."""
    told: list[np.ndarray | None] = []
    fit = PatchClassifier.fit

    def recording(self: PatchClassifier, X: Any, y: Any, groups: Any = None) -> PatchClassifier:
        told.append(groups)
        if groups is None and len(told) == 1:
            return fit(self, X, y, groups)
        vars(self).update({name: value for name, value in vars(fitted).items() if name.endswith("_")})
        return self

    monkeypatch.setattr(PatchClassifier, "fit", recording)
    return told


@pytest.mark.slow
def test_cross_validation_by_patient_hands_the_patients_to_the_splitter(
    labelled: Any, seen: list[np.ndarray | None]
) -> None:
    images, label, patient = labelled
    scores = cross_val_score(PatchClassifier(epochs=1, threads=1), images, label, groups=patient, cv=GroupKFold(2))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert seen == [None, None]


@pytest.mark.slow
def test_cross_validation_hands_the_patients_to_fit_as_well_where_it_is_asked_to(
    labelled: Any, seen: list[np.ndarray | None]
) -> None:
    images, label, patient = labelled
    with sklearn.config_context(enable_metadata_routing=True):
        asked = PatchClassifier(epochs=1, threads=1).set_fit_request(groups=True)
        scores = cross_val_score(asked, images, label, params={"groups": patient}, cv=GroupKFold(2), scoring="roc_auc")
    assert ((scores >= 0) & (scores <= 1)).all()
    first, second = (set(groups) for groups in seen if groups is not None)
    assert first | second == set(patient)
    assert not first & second


@pytest.mark.parametrize("wrong", ["float", "side", "one class", "three classes", "fewer labels", "recipe"])
def test_what_cannot_be_fitted_is_refused_before_any_training(labelled: Any, wrong: str) -> None:
    images, label, patient = (each[:60] for each in labelled)
    made = PatchClassifier("nothing" if wrong == "recipe" else "baseline")
    if wrong == "float":
        images = images / 255
    elif wrong == "side":
        images = images[:, :40]
    elif wrong == "one class":
        label = np.full(60, "benign")
    elif wrong == "three classes":
        label = np.arange(60) % 3
    elif wrong == "fewer labels":
        label = label[:50]
    with pytest.raises((ValueError, UserError)):
        made.fit(images, label, groups=patient)
