"""Every patch is in one bin of its own class."""

from __future__ import annotations

import numpy as np
import pytest

from cancernet.evaluation.distribution import BINS, distribution


def test_every_patch_is_counted_once_in_its_class() -> None:
    rng = np.random.default_rng(1)
    label, probability = rng.integers(0, 2, 300), np.append(rng.random(298), [0.0, 1.0])
    found = distribution(label, probability)
    assert len(found["edges"]) == BINS + 1
    for value, name in enumerate(("benign", "malignant")):
        own = probability[label == value]
        assert found[name]["n"] == sum(found[name]["counts"]) == len(own)
        assert found[name]["counts"] == np.histogram(own, BINS, (0, 1))[0].tolist()
        assert found[name]["quantiles"]["0.5"] == pytest.approx(np.median(own))


def test_a_class_that_is_not_there_has_no_quantiles() -> None:
    found = distribution([0, 0], [0.1, 0.2])
    assert found["malignant"]["n"] == 0
    assert set(found["malignant"]["quantiles"].values()) == {None}
