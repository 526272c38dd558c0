"""`PatchClassifier`: a recipe as a scikit-learn classifier. Needs TensorFlow."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from cancernet.common import defaults
from cancernet.common.output import Output
from cancernet.data.pack import Pack, hash_table
from cancernet.data.scan import content_hash
from cancernet.data.split import grouped_split, patch_split
from cancernet.model.bundle import GRAPH
from cancernet.model.inference import open_session
from cancernet.model.model import Model, check_patches

TEST_SHARE = 0.05  # of a split by patient in three, whose test side is learned from as well


class PatchClassifier(ClassifierMixin, BaseEstimator):
    """Learn a recipe from patches in memory: `fit(images, labels, groups=patients)`, `predict_proba`, `predict`.

    A share of the patients given to `fit` chooses epoch, calibration and threshold and is not learned from. Where no
    groups are given, single patches are set apart for that, and the threshold comes out too high for new patients.

    `cross_val_score(estimator, X, y, groups=patients, cv=GroupKFold(5))` hands the patients to the splitter alone. For
    `fit` to have them too: `sklearn.set_config(enable_metadata_routing=True)`, then
    `cross_val_score(PatchClassifier().set_fit_request(groups=True), X, y, params={"groups": patients}, cv=...)`.

    Args:
        recipe: name of a recipe; one that it continues from is trained first.
        epochs: most epochs; 0 leaves the recipe's own.
        target_recall: recall that the threshold of `predict` is chosen for.
        val_fraction: share of the patches, by patient, that chooses.
        seed: seeds everything.
        weights: what a pretrained backbone starts from: `imagenet`, `auto`, `none` or the path of a file.
        threads: CPU threads; 0 takes those this process may use.

    Attributes:
        classes_: the two labels, benign first.
        model_: the trained `Model`; its files are in memory alone, so save the estimator by `joblib` or `pickle`.

    Example:
        >>> PatchClassifier(epochs=1).get_params()["recipe"]
        'baseline'
    """

    def __init__(
        self,
        recipe: str = "baseline",
        *,
        epochs: int = 0,
        target_recall: float = defaults.TARGET_RECALL,
        val_fraction: float = defaults.VAL_FRACTION,
        seed: int = defaults.SEED,
        weights: str = "imagenet",
        threads: int = 0,
    ) -> None:
        self.recipe = recipe
        self.epochs = epochs
        self.target_recall = target_recall
        self.val_fraction = val_fraction
        self.seed = seed
        self.weights = weights
        self.threads = threads

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:  # noqa: N803
        """Train on patches.

        Args:
            X: uint8 RGB (N, 50, 50, 3).
            y: (N,) of two labels; the greater one (1, "malignant") is the malignant.
            groups: (N,) patient of each patch.

        Raises:
            ValueError: other shapes, or other than two classes.
            UserError: too few patients to choose a threshold on, an unknown recipe, or no weights.
        """
        from cancernet.training.options import TrainingOptions
        from cancernet.training.quiet import import_quietly

        images = np.ascontiguousarray(X)
        check_patches(images, defaults.PATCH_SIZE)
        check_classification_targets(y)
        self.classes_, label = np.unique(np.asarray(y), return_inverse=True)
        if len(self.classes_) != 2 or len(label) != len(images):
            raise ValueError(
                f"{len(images)} patches need as many labels of two classes, not {len(label)} of {self.classes_}"
            )
        import_quietly(self.threads)
        from cancernet.training.recipes import load_recipes, with_parents
        from cancernet.training.train import train

        packed = _pack(images, label, groups)
        options = TrainingOptions(
            seed=self.seed,
            epochs=self.epochs,
            target_recall=self.target_recall,
            weights=self.weights,
            threads=self.threads,
        )
        split_by = grouped_split if groups is not None else patch_split
        split = split_by(packed.table, seed=self.seed, test_fraction=TEST_SHARE, val_fraction=self.val_fraction)
        everyone = {key: "train" if side == "test" else side for key, side in split.assignment.items()}
        split = replace(split, assignment=everyone)
        with tempfile.TemporaryDirectory(prefix="cancernet-") as folder:
            cache = Path(folder)
            with Output(cache / "models", "train") as models:
                for recipe in with_parents([self.recipe], load_recipes()):
                    model = train(recipe, packed, split, models=models, cache=cache, options=options, say=_silent)
            self._graph = model.read(GRAPH)
        self._hold(model)
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        return state | ({"model_": replace(self.model_)} if "model_" in state else {})  # without its session

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "model_" in state:
            self._hold(self.model_)

    def _hold(self, model: Model) -> None:
        """Take a model whose files are gone, with its graph open."""
        self.model_ = model
        vars(model)["session"] = open_session(self._graph, threads=self.threads or None)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """Return the probability of each class, float64 (N, 2), of patches as `fit` takes them."""
        check_is_fitted(self, "model_")
        malignant = self.model_.predict(np.ascontiguousarray(X)).astype(np.float64)
        return np.stack([1 - malignant, malignant], axis=1)

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the label of each patch (N,), malignant at or above the threshold chosen for the target recall."""
        malignant = self.predict_proba(X)[:, 1]
        return self.classes_[self.model_.decide(malignant)]

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """Return how far each probability (N,) lies above the threshold."""
        return self.predict_proba(X)[:, 1] - self.model_.threshold


def _silent(line: str) -> None:
    """Say nothing: an estimator has no screen."""


def _pack(images: NDArray[np.uint8], label: NDArray[np.int64], groups: ArrayLike | None) -> Pack:
    """Return patches in memory as the training takes them."""
    patient = np.asarray(groups).astype(str) if groups is not None else np.full(len(images), "")
    table = pd.DataFrame(
        {
            "path": [f"{row:09d}" for row in range(len(images))],
            "patient": pd.Series(patient, dtype="str"),
            "x": pd.array([pd.NA] * len(images), dtype="Int64"),
            "y": pd.array([pd.NA] * len(images), dtype="Int64"),
            "label": label.astype("int8"),
            "hash": [content_hash(image) for image in images],
        }
    )
    nothing = pd.DataFrame({"path": [], "reason": []}, dtype="str")
    return Pack(images, table, nothing, "array", hash_table(table), Path("array"), False, [])
