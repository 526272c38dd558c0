"""What stands before the part of a network that learns: augmentation, then frozen layers, run by ONNX Runtime.

ONNX Runtime fuses each convolution with the batch normalisation and activation after it and runs the frozen half of
MobileNetV2 in a quarter of the time that Keras takes, so a fine-tuning step spends its time on what learns.
"""

from __future__ import annotations

import keras
import numpy as np

from cancernet.model.inference import open_session, run_batches
from cancernet.training.export import to_onnx


class Front:
    """A function from patches to what the learning part takes.

    Args:
        lower: the frozen part, from uint8 patches (N, 50, 50, 3) to float32 (N, ...).
        augmentation: from uint8 patches to uint8 patches, or nothing.
        threads: CPU threads; those this process may use by default.
    """

    def __init__(self, lower: keras.Model, augmentation: keras.Model | None, *, threads: int | None = None) -> None:
        self.augmentation = augmentation
        # TensorFlow takes turns with it: threads that wait by spinning would take the cores from it.
        self.session = open_session(to_onnx(lower), threads=threads, spin=False)

    def __call__(self, patches: np.ndarray, *, training: bool = False) -> np.ndarray:
        """Return the activations float32 (N, ...) of patches uint8 (N, 50, 50, 3), augmented in training."""
        if training and self.augmentation is not None:
            patches = np.asarray(self.augmentation(patches, training=True))
        return np.concatenate([found for [found] in run_batches(self.session, patches, np.arange(len(patches)))])
