"""Batches of one epoch out of the packed array, in an order that the seed and the epoch decide."""

from __future__ import annotations

import numpy as np


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
    ) -> None:
        self.inputs, self.rows, self.label, self.weight = inputs, rows, label, weight
        self.batch_size = batch_size
        self.order = np.random.default_rng((seed, epoch)).permutation(len(rows))

    def __len__(self) -> int:
        return -(-len(self.rows) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.inputs[self.rows[chosen]], self.label[chosen, None], self.weight[chosen]


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
