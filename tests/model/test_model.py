"""The model answers with probabilities or says why not, decides in one place, and explains completely."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cancernet.common.errors import UserError
from cancernet.data.pack import pack
from cancernet.data.sample import write_sample
from cancernet.model import inference
from cancernet.model.decide import BENIGN, MALIGNANT, UNSURE, distance_to
from cancernet.model.manifest import Band, Calibration, Context
from cancernet.model.model import Model, check_patches, load_model

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(threads=1)


@pytest.fixture(scope="module")
def old() -> Model:
    """A model of before there were bands, a context and evidence."""
    return load_model(V1, threads=1)


@pytest.fixture(scope="module")
def patches(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Forty patches that look a little like tissue."""
    folder = tmp_path_factory.mktemp("sample")
    sample = write_sample(folder / "sample", patients=4, patches_per_patient=24, seed=3)
    return np.array(pack(sample, cache_dir=folder).images[:40])


def changed(model: Model, **manifest) -> Model:
    return Model(model.folder, replace(model.manifest, **manifest), threads=1)


def answering(monkeypatch: pytest.MonkeyPatch, answer) -> Model:
    """The old model with a graph that answers so."""

    class Graph:
        @staticmethod
        def get_inputs():
            return [type("Input", (), {"name": "patches"})]

        get_outputs = get_inputs

        @staticmethod
        def run(names, given, options):
            return [answer(len(given["patches"]))]

    monkeypatch.setattr(inference, "open_model", lambda graph, side, threads: Graph())
    return load_model(V1)


def wrong(value: float):
    def answer(n: int) -> np.ndarray:
        found = np.full((n, 1), 0.5, "float32")
        found[-1] = value
        return found

    return answer


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 189.7, -0.001, 1.001])
def test_an_answer_that_is_no_probability_is_one_line(
    monkeypatch: pytest.MonkeyPatch, patches: np.ndarray, value: float
) -> None:
    with pytest.raises(UserError, match="which is no probability: it is damaged") as error:
        answering(monkeypatch, wrong(value)).predict(patches)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "answer",
    [
        lambda n: np.zeros(n, "float32"),
        lambda n: np.zeros((n, 2), "float32"),
        lambda n: np.zeros((n, 1, 1), "float32"),
        lambda n: np.zeros((n, 1), "int64"),
        lambda n: np.zeros((n - 1, 1), "float32"),
        lambda n: np.zeros((n + 1, 1), "float32"),
    ],
)
def test_an_answer_of_another_shape_is_one_line(monkeypatch: pytest.MonkeyPatch, patches: np.ndarray, answer) -> None:
    with pytest.raises(UserError, match=r"not with one probability a patch|each of .* patches with one row"):
        answering(monkeypatch, answer).predict(patches)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_certainty_is_a_probability(monkeypatch: pytest.MonkeyPatch, patches: np.ndarray, value: float) -> None:
    assert answering(monkeypatch, wrong(value)).predict(patches)[-1] == value


def test_a_graph_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch, patches: np.ndarray) -> None:
    def fails(n: int) -> np.ndarray:
        raise ort.capi.onnxruntime_pybind11_state.Fail("broken\nand more")

    with pytest.raises(UserError, match=r"cannot be run on these patches: broken$"):
        answering(monkeypatch, fails).predict(patches)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 50, 50, 3), "float32"),
        np.zeros((2, 50, 50, 3), "int64"),
        np.zeros((50, 50, 3), "uint8"),
        np.zeros((2, 50, 50), "uint8"),
        np.zeros((2, 3, 50, 50), "uint8"),
        np.zeros((2, 50, 50, 4), "uint8"),
        np.zeros((2, 49, 50, 3), "uint8"),
        np.zeros((2, 50, 51, 3), "uint8"),
    ],
    ids=lambda images: f"{images.dtype} {images.shape}",
)
def test_what_is_no_stack_of_patches_is_refused_whatever_is_asked(model: Model, images: np.ndarray) -> None:
    for ask in (model.predict, model.explain, model.judge, model.stain, lambda images: check_patches(images, 50)):
        with pytest.raises(ValueError, match=r"patches must be uint8 \(N, 50, 50, 3\) RGB"):
            ask(images)


def test_rows_are_predicted_in_the_order_asked(model: Model, patches: np.ndarray) -> None:
    everyone = model.predict(patches)
    assert everyone.dtype == np.float32
    np.testing.assert_allclose(model.predict(patches, [7, 3, 3]), everyone[[7, 3, 3]], atol=1e-6)
    assert model.predict(patches[:0]).shape == (0,)


def test_a_patch_that_cannot_be_answered_is_judged(model: Model) -> None:
    grey = np.full((1, 50, 50, 3), 128, "uint8")
    [reason] = model.judge(grey)
    assert "no stained tissue" in reason
    assert model.decide(model.predict(grey), reasons=[reason]).tolist() == [UNSURE]


def test_malignant_is_at_the_threshold_and_above_and_what_is_no_number_is_unsure(model: Model) -> None:
    at = model.threshold
    made = model.decide([np.nextafter(at, 0), at, np.nextafter(at, 1), np.nan, 0, 1])
    assert made.dtype == np.int8
    assert made.tolist() == [BENIGN, MALIGNANT, MALIGNANT, UNSURE, BENIGN, MALIGNANT]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.sampled_from([0.1, 0.3]))
def test_abstaining_leaves_unsure_what_lies_within_the_band(probability: list[float], share: float) -> None:
    old = load_model(V1)
    bands = tuple(Band(threshold=old.threshold, width=10 * t, target=t) for t in (0.1, 0.3))
    made = changed(old, selective=bands).decide(probability, abstain=share)
    near = distance_to(probability, old.threshold) < 10 * share
    np.testing.assert_array_equal(made == UNSURE, near)
    np.testing.assert_array_equal(made[~near], old.decide(probability)[~near])


def test_a_share_that_no_band_was_fitted_for_says_which_there_are(model: Model, old: Model) -> None:
    assert model.band(model.bands[0].target) is model.bands[0]
    fitted = ", ".join(f"{band.target:g}" for band in model.bands)
    with pytest.raises(UserError, match=f"no band to abstain on 0.123 of the patches; fitted are: {fitted}"):
        model.decide([0.5], abstain=0.123)
    with pytest.raises(UserError, match="fitted are: none"):
        old.decide([0.5], abstain=0.1)


def test_a_reason_makes_unsure_whatever_the_probability(model: Model) -> None:
    assert model.decide([0.0, 1.0, 1.0], reasons=["", "blank", ""]).tolist() == [BENIGN, UNSURE, MALIGNANT]


def test_another_context_or_other_colours_make_another_model(old: Model) -> None:
    near = changed(old, context=Context("surroundings", 50.0, offset=0.5, weights=(0.5, 0.5, 0.0)))
    assert near.describe()["context"] == [50.0, 0.0, 0.5, 0.5, 0.5, 0.0]
    assert near.describe() != changed(old, context=replace(near.context, offset=1.0)).describe()
    assert old.describe()["context"] is None
    other = replace(old.colours, mean=tuple(each + 1 for each in old.colours.mean))
    assert old.describe() != changed(old, colours=other).describe()  # it judges otherwise


def test_a_model_of_before_has_no_band_no_context_and_no_calibration(old: Model) -> None:
    assert (old.bands, old.context, old.calibration) == ((), None, Calibration())


def test_the_side_of_a_patient_is_the_one_it_was_trained_on(old: Model) -> None:
    assert [old.side_of(name) for name in ("S001", "S003", "S004", "stranger", "")] == [
        "train", "test", "val", "", ""
    ]  # fmt: skip


def test_a_model_shows_itself_and_escapes_what_its_files_say(old: Model) -> None:
    assert repr(old) == f"<Model tiny: malignant from 0.222 on, {V1}>"
    evil = Model(Path("<b>x</b>"), old.manifest)
    assert "<b>x" not in evil._repr_html_()
    assert "SYNTHETIC" in old._repr_html_()
    assert "SYNTHETIC" not in load_model()._repr_html_()


def test_the_model_that_ships_is_the_default_and_a_home_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Model
) -> None:
    assert (model.name, model.synthetic, model.size_px, model.mpp) == ("cancernet", False, 50, 4.0)
    (tmp_path / "tiny").symlink_to(V1)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_model("~/tiny").graph_sha256 == load_model(V1).graph_sha256


def test_the_mean_of_the_shipped_models_map_is_its_logit(model: Model, patches: np.ndarray) -> None:
    found = model.explain(patches)
    p = found.probability.astype(float)
    sure = (p > 1e-3) & (p < 1 - 1e-3)  # beyond, float32 has lost the logit
    assert sure.any()
    np.testing.assert_allclose(found.evidence.mean((1, 2))[sure], np.log(p / (1 - p))[sure], atol=1e-4)
    np.testing.assert_allclose(1 / (1 + np.exp(-found.evidence.mean((1, 2)))), p, atol=1e-6)


def test_the_probability_is_the_one_that_predict_gives(model: Model, patches: np.ndarray) -> None:
    np.testing.assert_allclose(model.explain(patches).probability, model.predict(patches), atol=1e-6)


def test_outputs_are_float32_and_of_all_patches(model: Model, patches: np.ndarray) -> None:
    found = model.explain(patches)
    assert [each.shape for each in found] == [(40,), (40, 7, 7), (40, 128)]
    assert {each.dtype for each in found} == {np.dtype("float32")}


@pytest.mark.parametrize("axis", [1, 2])
def test_a_mirrored_patch_has_about_the_mirrored_map(model: Model, patches: np.ndarray, axis: int) -> None:
    plain = model.explain(patches).evidence
    back = np.flip(model.explain(np.ascontiguousarray(np.flip(patches, axis))).evidence, axis)
    same = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(plain, back, strict=True)]
    unturned = [np.corrcoef(a.ravel(), np.flip(b, axis - 1).ravel())[0, 1] for a, b in zip(plain, back, strict=True)]
    assert np.mean(same) > 0.6
    assert np.mean(same) > np.mean(unturned)


def test_a_model_of_before_cannot_explain_and_says_what_to_do(old: Model, patches: np.ndarray) -> None:
    assert not old.can_explain
    with pytest.raises(UserError, match=r"train it again \(cancernet train --recipe tiny\)"):
        old.explain(patches)


def test_evidence_that_is_no_number_is_one_line(
    model: Model, patches: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_, **__):
        yield [np.full((1, 1), 0.5, "float32"), np.full((1, 7, 7), np.nan, "float32"), np.ones((1, 128), "float32")]

    assert model.can_explain
    monkeypatch.setattr(inference, "run_batches", run)
    with pytest.raises(UserError, match="evidence is not finite"):
        model.explain(patches[:1])


@pytest.mark.train
def test_the_shipped_models_map_is_lost_as_its_weights_are_randomised_from_the_top(
    model: Model, patches: np.ndarray
) -> None:
    """The cascading randomisation of Adebayo et al. 2018, of the trained network itself, four times.

    The last weights alone leave some likeness: what they weigh is never negative, so a map shows where anything is.
    """
    pytest.importorskip("keras")
    from cancernet.networks import with_evidence
    from cancernet.training.start import load_network

    alike = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        network = load_network(model)
        trained = with_evidence(network, **model.calibration.to_dict()).predict_on_batch(patches)[1]
        learned = [layer for layer in reversed(network.layers) if layer.weights]
        for upto in (1, len(learned) // 2, len(learned)):
            for layer in learned[:upto]:
                layer.set_weights([rng.permutation(each.ravel()).reshape(each.shape) for each in layer.get_weights()])
            found = with_evidence(network, **model.calibration.to_dict()).predict_on_batch(patches)[1]
            alike.append(_mean_correlation(trained, found))
    last, half, all_of_them = np.reshape(alike, (4, 3)).mean(axis=0)
    assert last < 0.8, alike
    assert abs(half) < 0.5, alike
    assert abs(all_of_them) < 0.5, alike


def _mean_correlation(one: np.ndarray, other: np.ndarray) -> float:
    pairs = zip(one, other, strict=True)
    return float(np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs if b.std() > 0]))
