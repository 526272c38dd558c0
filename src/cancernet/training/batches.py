"""Batches of one epoch out of the packed array, in an order that the seed and the epoch decide."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cancernet.training.compress import some_compressed
from cancernet.training.restain import Stains, some_restained


class Batches:
    """Random batches: input, label and weight a patch.

    The order is drawn from (seed, epoch) alone, so a run that is resumed sees what it would have seen.

    Args:
        inputs: array (N, ...), in memory or memory-mapped; rows are copied a batch at a time.
        rows: the rows to use, int (M,).
        label: float32 (M,), 0 to 1, one a row of `rows`.
        weight: float32 (M,), weight in the loss.
        batch_size: patches a batch; the last one may be smaller.
        seed: seeds the order.
        epoch: counted from 0.
        mixup: parameter of the Beta distribution that the shares of two mixed patches are drawn from
            (Zhang et al. 2018); 0 mixes none.
        patient: names (M,), one a row of `rows`; only needed with a cap.
        cap: most patches of a patient in this epoch, drawn anew in each; 0 takes all.
        restain: share of the patches that are restained, of uint8 patches only; 0 leaves all as they are.
        stain: float32 (M, 6), colours of the patient of each row of `rows`; only needed to restain.
        jpeg: share of the patches that are saved as JPEG and read again, of uint8 patches only.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        rows: np.ndarray,
        label: np.ndarray,
        weight: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        epoch: int,
        mixup: float = 0.0,
        patient: np.ndarray | None = None,
        cap: int = 0,
        restain: float = 0.0,
        stain: Stains | None = None,
        jpeg: float = 0.0,
    ) -> None:
        self.inputs, self.rows, self.label, self.weight = inputs, rows, label, weight
        self.batch_size, self.mixup, self.key = batch_size, mixup, (seed, epoch)
        self.restain, self.stain, self.jpeg = restain, stain, jpeg
        self.order = np.random.default_rng((seed, epoch)).permutation(len(rows))
        if cap and patient is not None:
            seen = pd.Series(patient[self.order]).groupby(patient[self.order]).cumcount()
            self.order = self.order[seen.to_numpy() < cap]

    def __len__(self) -> int:
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        inputs, label, weight = self.inputs[self.rows[chosen]], self.label[chosen, None], self.weight[chosen]
        if self.restain and self.stain is not None:
            inputs = some_restained(inputs, self.stain[chosen], self.restain, seed=(*self.key, index, 1))
        if self.jpeg:
            inputs = some_compressed(inputs, self.jpeg, seed=(*self.key, index, 2))
        if self.mixup:
            return mixed(inputs, label, weight, alpha=self.mixup, seed=(*self.key, index))
        return inputs, label, weight


def mixed(
    inputs: np.ndarray, label: np.ndarray, weight: np.ndarray, *, alpha: float, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mix each patch of a batch with another of it, and its label and weight likewise.

    Args:
        inputs: (N, ...), uint8 or float32.
        label: float32 (N, 1).
        weight: float32 (N,).
        alpha: of Beta(alpha, alpha), above 0.
        seed: of the draw.

    Returns:
        The same three, of the same dtypes.

    Source: Zhang et al. 2018, "mixup: beyond empirical risk minimization", eq. 1.
    """
    rng = np.random.default_rng(seed)
    share = rng.beta(alpha, alpha, len(inputs)).astype("float32")
    other = rng.permutation(len(inputs))

    def mix(values: np.ndarray) -> np.ndarray:
        part = share.reshape(-1, *[1] * (values.ndim - 1))
        both = part * values + (1 - part) * values[other]
        return (np.rint(both) if values.dtype == np.uint8 else both).astype(values.dtype)

    return mix(inputs), mix(label), mix(weight)


def epoch_size(patient: np.ndarray, cap: int) -> int:
    """Return how many patches an epoch has when of each patient at most `cap` are drawn (0: all)."""
    _, count = np.unique(patient.astype(str), return_counts=True)
    return int(np.minimum(count, cap).sum()) if cap else len(patient)


def class_weights(label: np.ndarray, kind: str) -> np.ndarray:
    """Return the weight of each patch in the loss.

    Args:
        label: int (N,), 0 benign and 1 malignant; both present.
        kind: `none` (all 1) or `balanced` (N / (2 * patches of the class); King & Zeng 2001).

    Returns:
        float32 (N,), mean 1.
    """
    if kind == "none":
        return np.ones(len(label), "float32")
    counts = np.bincount(label, minlength=2)
    return (len(label) / (2.0 * counts))[label].astype("float32")


def patient_weights(patient: np.ndarray) -> np.ndarray:
    """Return the weight of each patch when a patient with n patches weighs sqrt(n) in all.

    Args:
        patient: names (N,).

    Returns:
        float32 (N,), mean 1.
    """
    _, index, count = np.unique(patient.astype(str), return_inverse=True, return_counts=True)
    weight = 1 / np.sqrt(count[index])
    return (weight / weight.mean()).astype("float32")
