"""Ask a bundle's graph for all it has: probability, the evidence of each cell, and the embedding."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import onnxruntime as ort

from cancernet.bundle import Bundle
from cancernet.errors import UserError
from cancernet.inference import BATCH, OUTPUTS

RANKS = (2, 3, 2)  # of the outputs, the patches' axis included


class Explained(NamedTuple):
    """What a model makes of some patches, all in the same order.

    `evidence` is in calibrated log odds. Its mean over h and w is the logit of the probability, so a cell of
    evidence e is one that would make a patch of nothing but such cells malignant with probability sigmoid(e).
    """

    probability: np.ndarray  # float32 (N,), of malignant
    evidence: np.ndarray  # float32 (N, h, w)
    embedding: np.ndarray  # float32 (N, D)


def can_explain(session: ort.InferenceSession) -> bool:
    """Whether a graph has the outputs that explaining wants."""
    found = {each.name: len(each.shape) for each in session.get_outputs()}
    return all(found.get(name) == rank for name, rank in zip(OUTPUTS, RANKS, strict=True))


def open_explaining(bundle: Bundle, *, threads: int | None = None) -> ort.InferenceSession:
    """Open the graph of a bundle that can explain its answers.

    Raises:
        UserError: it was exported before there was evidence, or is damaged.
    """
    session = bundle.session(threads=threads)
    if not can_explain(session):
        raise UserError(
            f"{bundle.folder}: this model was made before CancerNet explained answers; train it again "
            f"(cancernet train --recipe {bundle.manifest['recipe']['name']})"
        )
    return session


def explain_patches(session: ort.InferenceSession, images: np.ndarray) -> Explained:
    """Run a graph that `can_explain` on uint8 patches (N, 50, 50, 3), N of 1 or more."""
    name = session.get_inputs()[0].name
    batches = [
        session.run(list(OUTPUTS), {name: images[start : start + BATCH]})
        for start in range(0, len(images), BATCH)
    ]
    probability, evidence, embedding = (np.concatenate(each) for each in zip(*batches, strict=True))
    return Explained(probability[:, 0], evidence, embedding)
