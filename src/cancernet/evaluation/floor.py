"""The floor: logistic regression on colour statistics of a patch, without looking at any structure.

Stain alone tells much of malignant from benign here. A network that does not clear this floor on the
same patients has learned no more than the stain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet import defaults
from cancernet.errors import UserError

Features = NDArray[np.float32]

CHUNK_PATCHES = 16  # patches in float at once: 0.5 MB a colour space stays in the cache, twice as fast
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of the pixels of a channel
# Optical density of haematoxylin, eosin and DAB, one row each (Ruifrok & Johnston 2001, table 1).
STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
N_FEATURES = 6 * (2 + len(QUANTILES)) + 6 + 3


def colour_features(images: NDArray[np.uint8], rows: NDArray[np.int64] | None = None) -> Features:
    """Describe each patch by its colours only; moving its pixels about changes nothing.

    Mean, standard deviation and quantiles of R, G, B and of three stain densities, mean and standard
    deviation of hue, saturation and value, and the correlations between R, G and B. Chosen by
    cross-validation over patients among plain colour statistics.

    Args:
        images: (N, H, W, 3) uint8 RGB; a memory map is read in chunks.
        rows: (M,) which of them; all by default.

    Returns:
        (M, N_FEATURES) float32.

    Raises:
        ValueError: another shape or dtype.
    """
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ValueError(f"patches must be (N, H, W, 3) uint8, not {images.shape} {images.dtype}")
    rows = np.arange(len(images)) if rows is None else rows
    features = np.empty((len(rows), N_FEATURES), dtype=np.float32)
    for start in range(0, len(rows), CHUNK_PATCHES):
        chunk = images[rows[start : start + CHUNK_PATCHES]]
        features[start : start + CHUNK_PATCHES] = _chunk_features(np.ascontiguousarray(chunk))
    return features


def _chunk_features(images: NDArray[np.uint8]) -> Features:
    import cv2

    n, height, width, _ = images.shape
    hsv = cv2.cvtColor(images.reshape(n * height, width, 3), cv2.COLOR_RGB2HSV).reshape(n, -1, 3)
    rgb = np.ascontiguousarray(images.reshape(n, -1, 3).transpose(0, 2, 1))
    planes = rgb.astype(np.float32)
    hsv_planes = np.ascontiguousarray(hsv.transpose(0, 2, 1), dtype=np.float32)
    # 256 levels only: the logarithm is looked up. The +1 keeps black finite.
    density = (-np.log((np.arange(256) + 1) / 256)).astype(np.float32)[rgb]
    stains = np.linalg.inv(STAINS).T.astype(np.float32) @ density
    parts = [*_moments(planes), _quantiles(rgb), *_moments(stains), _quantiles(stains)]
    return np.concatenate([*parts, *_moments(hsv_planes), _correlations(planes)], axis=1, dtype=np.float32)


def _moments(planes: Features) -> tuple[Features, Features]:
    """Mean and standard deviation of each plane: (n, c, pixels) to two (n, c)."""
    mean = planes.mean(axis=2)
    centred = planes - mean[:, :, None]
    return mean, np.sqrt(np.einsum("ncp,ncp->nc", centred, centred) / planes.shape[2])


def _quantiles(planes: NDArray[Any]) -> NDArray[Any]:
    """Nearest-rank quantiles of each plane: (n, c, pixels) to (n, c * len(QUANTILES))."""
    ranks = [round(q * (planes.shape[2] - 1)) for q in QUANTILES]
    # "stable" is a radix sort for bytes, 20 times faster there than the default.
    kind: Literal["stable", "quicksort"] = "stable" if planes.dtype == np.uint8 else "quicksort"
    return np.sort(planes, axis=2, kind=kind)[:, :, ranks].reshape(len(planes), -1)


def _correlations(planes: Features) -> Features:
    """Correlation of R with G, R with B, G with B: (n, 3, pixels) to (n, 3); 0 for a flat patch."""
    centred = planes - planes.mean(axis=2, keepdims=True)
    product = centred @ centred.transpose(0, 2, 1)
    first, second = [0, 0, 1], [1, 2, 2]
    scale = np.sqrt(product[:, first, first] * product[:, second, second])
    return product[:, first, second] / np.maximum(scale, 1e-3)


@dataclass(frozen=True)
class Floor:
    """A fitted floor: probability = sigmoid((features - mean) / scale . coef + intercept)."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coef: tuple[float, ...]
    intercept: float

    def predict(
        self, images: NDArray[np.uint8], rows: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Probability (M,) of malignant for `rows` (all by default) of (N, H, W, 3) uint8 RGB patches.

        Raises:
            ValueError: another shape or dtype.
        """
        return self.predict_features(colour_features(images, rows))

    def predict_features(self, features: Features) -> NDArray[np.float64]:
        """Probability (N,) of malignant from `colour_features`: (N, N_FEATURES)."""
        scaled = (features.astype(np.float64) - np.array(self.mean)) / np.array(self.scale)
        # tanh form of the sigmoid: no overflow however far out a patch lies.
        return 0.5 * (1 + np.tanh((scaled @ np.array(self.coef) + self.intercept) / 2))

    def to_dict(self) -> dict[str, Any]:
        """The floor as plain JSON data."""
        plain = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Floor:
        """Read what `to_dict` wrote.

        Raises:
            UserError: not a floor, or one of another set of features.
        """
        try:
            vectors = {name: tuple(float(v) for v in plain[name]) for name in ("mean", "scale", "coef")}
            floor = cls(**vectors, intercept=float(plain["intercept"]))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"the colour floor cannot be read ({error!r}): fit it again with `cancernet run`"
            ) from None
        if any(len(vector) != N_FEATURES for vector in vectors.values()):
            raise UserError("the colour floor is of another version: fit it again with `cancernet run`")
        return floor


def fit_floor(
    images: NDArray[np.uint8],
    label: ArrayLike,
    *,
    seed: int = defaults.SEED,
    patient: ArrayLike | None = None,
) -> Floor:
    """Fit the floor on training patches.

    Args:
        images: (N, H, W, 3) uint8 RGB.
        label: (N,) of 0 and 1.
        seed: kept for the solver; the fit is deterministic.
        patient: (N,) names. Where given, a patient with n patches weighs sqrt(n) in all, so that a few
            whole sections do not drown the rest (worth 0.004 AUC in cross-validation over patients).

    Raises:
        UserError: one class only.
        ValueError: shapes that do not fit.
    """
    return fit_floor_features(colour_features(images), label, seed=seed, patient=patient)


def fit_floor_features(
    features: Features, label: ArrayLike, *, seed: int = defaults.SEED, patient: ArrayLike | None = None
) -> Floor:
    """Fit the floor on `colour_features` computed before; else as `fit_floor`."""
    from sklearn.linear_model import LogisticRegression

    labels = np.asarray(label)
    if np.unique(labels).size < 2:
        raise UserError("the colour floor needs benign and malignant training patches: add the missing class")
    weight = None
    if patient is not None:
        _, code, count = np.unique(np.asarray(patient).astype(str), return_inverse=True, return_counts=True)
        weight = 1 / np.sqrt(count[code])
    wide = features.astype(np.float64)
    mean, scale = wide.mean(axis=0), wide.std(axis=0)
    scale[scale < 1e-9] = 1.0  # a constant feature carries nothing and must not divide by zero
    model = LogisticRegression(max_iter=2000, random_state=seed)
    model.fit((wide - mean) / scale, labels, sample_weight=weight)
    return Floor(
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        coef=tuple(model.coef_[0].tolist()),
        intercept=float(model.intercept_[0]),
    )
