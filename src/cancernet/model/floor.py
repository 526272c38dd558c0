"""The floor: logistic regression on colour statistics of a patch, without looking at any structure.

Stain alone tells much of malignant from benign here. A network that does not clear this floor on the
same patients has learned no more than the stain.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from cancernet.model.decide import sigmoid

Features = NDArray[np.float32]

CHUNK_PATCHES = 16  # patches in float at once: 0.5 MB a colour space stays in the cache, twice as fast
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of the pixels of a channel
# Optical density of haematoxylin, eosin and DAB, one row each (Ruifrok & Johnston 2001, table 1).
STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
# Optical density of each of the 256 levels, looked up instead of worked out. The +1 keeps black finite.
DENSITY = (-np.log((np.arange(256) + 1) / 256)).astype(np.float32)
N_FEATURES = 6 * (2 + len(QUANTILES)) + 6 + 3
Vector = tuple[float, ...]


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
    stains = np.linalg.inv(STAINS).T.astype(np.float32) @ DENSITY[rgb]
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


class Floor(msgspec.Struct, frozen=True):
    """A fitted floor: probability = sigmoid((features - mean) / scale . coef + intercept)."""

    mean: Vector
    scale: tuple[Annotated[float, Meta(ge=1e-9)], ...]
    coef: Vector
    intercept: float

    def __post_init__(self) -> None:
        """Refuse a floor of another set of features."""
        if {len(self.mean), len(self.scale), len(self.coef)} != {N_FEATURES}:
            raise ValueError(f"the colour floor has other than {N_FEATURES} features")

    def predict(self, images: NDArray[np.uint8], rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Probability (M,) of malignant for `rows` (all by default) of (N, H, W, 3) uint8 RGB patches.

        Raises:
            ValueError: another shape or dtype.
        """
        return self.predict_features(colour_features(images, rows))

    def predict_features(self, features: Features) -> NDArray[np.float64]:
        """Probability (N,) of malignant from `colour_features`: (N, N_FEATURES)."""
        return sigmoid(self.standardized(features) @ np.array(self.coef) + self.intercept)

    def standardized(self, features: Features) -> NDArray[np.float64]:
        """Return features (N, N_FEATURES) in standard deviations from the mean of the training patches."""
        return (features.astype(np.float64) - np.array(self.mean)) / np.array(self.scale)
