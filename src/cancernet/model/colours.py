"""Which colours a model knows: nine statistics of the patches it learned from, and how far others lie from them.

The statistics are the mean and the standard deviation of R, G and B over a patch and the correlations between them. The
distance is Mahalanobis's (1936), divided by the root of nine: patches like those of training lie at about 1, whatever
each statistic's spread and however they go together. That a patch is too red for how dark it is shows here, and not in
any one of them.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from cancernet.model.floor import Floor

N = 9  # statistics
RIDGE = 0.01  # added to the variance of each; keeps directions in which training patches hardly differ from deciding
IN_FLOOR = (0, 1, 2, 3, 4, 5, 48, 49, 50)  # where `floor.colour_features` has them
MIDDLE = np.float32(128)  # grey levels taken off first: what is squared stays small
FLAT = 1e-3  # squared grey levels; below it a correlation is of rounding errors

Statistics = NDArray[np.float32]
Vector = tuple[float, ...]


class Colours(msgspec.Struct, frozen=True):
    """The colours of training patches: statistics s lie sqrt(mean((whiten @ (s - mean))**2)) from them."""

    mean: Vector
    whiten: tuple[Vector, ...]

    def __post_init__(self) -> None:
        """Refuse those of another set of statistics."""
        if {len(self.mean), len(self.whiten), *map(len, self.whiten)} != {N}:
            raise ValueError(f"the colours have other than {N} statistics")

    def distance(self, statistics: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return how far statistics (N, 9) lie from the training patches': float64 (N,)."""
        moved = (np.asarray(statistics, np.float64) - np.array(self.mean)) @ np.array(self.whiten).T
        return np.sqrt(np.mean(moved**2, axis=1))


def colour_statistics(images: NDArray[np.uint8]) -> Statistics:
    """Return the nine statistics of each patch: uint8 RGB (N, H, W, 3) to float32 (N, 9)."""
    pixels = images.reshape(len(images), -1, 3).astype(np.float32) - MIDDLE
    total = (
        np.ones(pixels.shape[1], np.float32) @ pixels
    )  # a product, and not a sum over so short an axis: ten times as fast
    mean = total / pixels.shape[1]
    covariance = pixels.transpose(0, 2, 1) @ pixels / pixels.shape[1] - mean[:, :, None] * mean[:, None]
    spread = np.sqrt(np.maximum(np.einsum("nii->ni", covariance), 0))
    one, other = [0, 0, 1], [1, 2, 2]
    scale = np.maximum(spread[:, one] * spread[:, other], FLAT)
    return np.concatenate([mean + MIDDLE, spread, covariance[:, one, other] / scale], axis=1)


def fit_colours(statistics: Statistics, patient: NDArray[np.object_]) -> Colours:
    """Return the colours of training patches, in which each patient weighs alike.

    Args:
        statistics: float32 (N, 9).
        patient: (N,) id of each.
    """
    _, which, count = np.unique(patient, return_inverse=True, return_counts=True)
    weight = 1 / count[which] / len(count)
    values = statistics.astype(np.float64)
    mean = weight @ values
    covariance = (values - mean).T * weight @ (values - mean)
    spread = np.sqrt(np.maximum(np.diag(covariance), FLAT))
    correlation = covariance / np.outer(spread, spread) + RIDGE * np.eye(N)
    whiten = np.linalg.inv(np.linalg.cholesky(correlation)) / spread
    return Colours(tuple(mean.tolist()), tuple(tuple(row) for row in whiten.tolist()))


def colours_of_floor(floor: Floor) -> Colours:
    """Return what the floor of a bundle knows of colours, for one made before it kept more: each by itself."""
    scale = np.array(floor.scale)[list(IN_FLOOR)]
    mean = tuple(floor.mean[at] for at in IN_FLOOR)
    return Colours(mean, tuple(tuple(row) for row in np.diag(1 / scale).tolist()))
