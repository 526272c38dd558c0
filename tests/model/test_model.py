"""What a graph says of a patch: complete, of this patch, and turned with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cancernet.model.evidence import can_explain, explain_patches, open_explaining

from cancernet.common.errors import UserError
from cancernet.data.pack import pack
from cancernet.data.sample import write_sample
from cancernet.model.bundle import Bundle, read_bundle, shipped
from cancernet.model.inference import predict

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_bundle(shipped())


@pytest.fixture(scope="module")
def patches(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Forty patches that look a little like tissue."""
    folder = tmp_path_factory.mktemp("sample")
    sample = write_sample(folder / "sample", patients=4, patches_per_patient=24, seed=3)
    return np.array(pack(sample, cache_dir=folder).images[:40])


def test_the_mean_of_the_shipped_models_map_is_its_logit(bundle: Bundle, patches: np.ndarray) -> None:
    found = explain_patches(open_explaining(bundle, threads=1), patches)
    p = found.probability.astype(float)
    sure = (p > 1e-3) & (p < 1 - 1e-3)  # beyond, float32 has lost the logit
    assert sure.any()
    np.testing.assert_allclose(found.evidence.mean((1, 2))[sure], np.log(p / (1 - p))[sure], atol=1e-4)
    np.testing.assert_allclose(1 / (1 + np.exp(-found.evidence.mean((1, 2)))), p, atol=1e-6)


def test_the_probability_is_the_one_that_predict_gives(bundle: Bundle, patches: np.ndarray) -> None:
    session = open_explaining(bundle, threads=1)
    np.testing.assert_allclose(
        explain_patches(session, patches).probability, predict(session, patches), atol=1e-6
    )


def test_outputs_are_float32_and_of_all_patches(bundle: Bundle, patches: np.ndarray) -> None:
    found = explain_patches(open_explaining(bundle, threads=1), patches)
    assert [each.shape for each in found] == [(40,), (40, 7, 7), (40, 128)]
    assert {each.dtype for each in found} == {np.dtype("float32")}


@pytest.mark.parametrize("axis", [1, 2])
def test_a_mirrored_patch_has_about_the_mirrored_map(bundle: Bundle, patches: np.ndarray, axis: int) -> None:
    session = open_explaining(bundle, threads=1)
    plain = explain_patches(session, patches).evidence
    back = np.flip(explain_patches(session, np.ascontiguousarray(np.flip(patches, axis))).evidence, axis)
    same = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(plain, back, strict=True)]
    unturned = [
        np.corrcoef(a.ravel(), np.flip(b, axis - 1).ravel())[0, 1] for a, b in zip(plain, back, strict=True)
    ]
    assert np.mean(same) > 0.6
    assert np.mean(same) > np.mean(unturned)


def test_a_bundle_of_before_cannot_explain_and_says_what_to_do() -> None:
    old = read_bundle(V1)
    assert not can_explain(old.session(threads=1))
    with pytest.raises(UserError, match=r"train it again \(cancernet train --recipe tiny\)"):
        open_explaining(old)


@pytest.mark.train
def test_the_shipped_models_map_is_lost_as_its_weights_are_randomised_from_the_top(
    bundle: Bundle, patches: np.ndarray
) -> None:
    """The cascading randomisation of Adebayo et al. 2018, of the trained network itself."""
    pytest.importorskip("keras")
    from cancernet.networks import with_evidence
    from cancernet.training.start import load_network

    rng = np.random.default_rng(0)
    network = load_network(bundle)
    trained = with_evidence(network, **bundle.calibration).predict_on_batch(patches)[1]
    learned = [layer for layer in reversed(network.layers) if layer.weights]
    alike = []
    for upto in (1, len(learned) // 2, len(learned)):
        for layer in learned[:upto]:
            layer.set_weights(
                [rng.permutation(each.ravel()).reshape(each.shape) for each in layer.get_weights()]
            )
        found = with_evidence(network, **bundle.calibration).predict_on_batch(patches)[1]
        alike.append(_mean_correlation(trained, found))
    assert all(abs(each) < 0.5 for each in alike), alike


def _mean_correlation(one: np.ndarray, other: np.ndarray) -> float:
    pairs = zip(one, other, strict=True)
    return float(np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs if b.std() > 0]))
