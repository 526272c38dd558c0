from __future__ import annotations

import sys

import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.model import inference
from cancernet.model.bundle import GRAPH
from cancernet.model.decide import logit, sigmoid
from cancernet.model.graft import graft
from cancernet.model.model import load_model

IMAGES = np.random.default_rng(0).integers(0, 255, (6, 50, 50, 3)).astype("uint8")


def test_probability_and_evidence_move_together_and_the_embedding_stays() -> None:
    pytest.importorskip("onnx")
    model = load_model()
    before = model.explain(IMAGES)
    made = graft(model.read(GRAPH), scale=0.8, offset=1.25)
    probability, evidence, embedding = inference.explain(inference.open_model(made, 50), IMAGES)
    assert np.allclose(probability, sigmoid(0.8 * logit(before.probability) + 1.25), atol=1e-6)
    assert np.allclose(evidence, 0.8 * before.evidence + 1.25, atol=1e-5)
    assert np.array_equal(embedding, before.embedding)


def test_a_model_that_was_adapted_is_adapted_again() -> None:
    pytest.importorskip("onnx")
    model = load_model()
    twice = graft(graft(model.read(GRAPH), scale=2.0, offset=-1.0), scale=0.5, offset=0.5)
    [probability] = inference.run_batches(
        inference.open_model(twice, 50), IMAGES, np.arange(6), outputs=("probability",)
    )
    assert np.allclose(probability[0].ravel(), model.predict(IMAGES), atol=1e-6)


def test_without_onnx_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"cancernet\[adapt\]"):
        graft(b"", scale=1.0, offset=0.0)
