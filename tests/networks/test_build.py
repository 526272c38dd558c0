"""Every network: raw patches in, one logit out, the same in ONNX, and only the asked part learns."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras")
import keras

from cancernet.common.errors import UserError
from cancernet.model.inference import open_session, predict
from cancernet.networks import NETWORKS, build_network, cut, head_of, trainable_from, with_probability
from cancernet.networks.mobilenet import BACKBONE
from cancernet.training.checkpoint import load_weights, weights_of
from cancernet.training.export import to_onnx

pytestmark = pytest.mark.train
SIZES = {"cnn": 50, "compact": 50, "mobilenet": 64}


@pytest.fixture(scope="module")
def networks() -> dict[str, keras.Model]:
    """One of each, with batch statistics and biases moved from where they start, as training would."""
    keras.utils.set_random_seed(1)
    made = {name: build_network(name, input_size=SIZES[name], dropout=0.3) for name in NETWORKS}
    rng = np.random.default_rng(1)
    for network in made.values():
        for variable in network.weights:
            if variable.path.endswith(("bias", "beta", "moving_mean")):
                variable.assign(rng.normal(0, 0.1, variable.shape))
            if variable.path.endswith(("gamma", "moving_variance")):
                variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return made


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 50, 50, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", NETWORKS)
def test_raw_patches_give_one_float32_logit(networks: dict, patches: np.ndarray, name: str) -> None:
    network = networks[name]
    assert network.input.dtype == "uint8"
    assert network.input.shape == (None, 50, 50, 3)
    logit = network.predict_on_batch(patches)
    assert (logit.shape, logit.dtype) == ((6, 1), np.float32)
    assert logit.std() > 0


@pytest.mark.parametrize("name", ["cnn", "compact"])  # mobilenet: in test_evidence
def test_onnx_equals_keras_to_a_hundred_thousandth(networks: dict, patches: np.ndarray, name: str) -> None:
    model = with_probability(networks[name])
    from_keras = model.predict_on_batch(patches)[:, 0]
    from_onnx = predict(open_session(to_onnx(model)), patches)
    np.testing.assert_allclose(from_onnx, from_keras, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_patch_scores_alike_alone_and_in_company(networks: dict, patches: np.ndarray, name: str) -> None:
    together = networks[name].predict_on_batch(patches)
    alone = networks[name].predict_on_batch(patches[2:3])
    np.testing.assert_allclose(alone[0], together[2], atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_move_between_two_builds_by_their_place(networks: dict, patches: np.ndarray, name: str) -> None:
    copy = build_network(name, input_size=SIZES[name], dropout=0.0)
    load_weights(copy, weights_of(networks[name]))
    np.testing.assert_allclose(copy.predict_on_batch(patches), networks[name].predict_on_batch(patches), atol=1e-5)


@pytest.mark.parametrize("name", ["cnn", "compact"])
def test_any_network_takes_a_larger_input_size(patches: np.ndarray, name: str) -> None:
    network = build_network(name, input_size=64, dropout=0.0)
    assert network.predict_on_batch(patches).shape == (6, 1)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_head_continues_from_the_embedding(networks: dict, patches: np.ndarray, name: str) -> None:
    network = networks[name]
    body = keras.Model(network.input, network.get_layer("embedding").output)
    through = head_of(network).predict_on_batch(np.asarray(body.predict_on_batch(patches)))
    np.testing.assert_allclose(through, network.predict_on_batch(patches), atol=1e-5)


def test_an_unknown_network_lists_those_there_are() -> None:
    with pytest.raises(UserError, match="no network is called 'resnet'; there are: cnn, compact, mobilenet"):
        build_network("resnet", input_size=50, dropout=0.0)


def learning(network: keras.Model) -> set[int]:
    return {id(variable) for variable in network.trainable_weights}


@pytest.mark.parametrize("name", NETWORKS)
def test_training_the_head_leaves_all_but_its_two_or_so_arrays_alone(networks: dict, name: str) -> None:
    network = networks[name]
    trainable_from(network, "head")
    assert learning(network) == {id(v) for v in network.get_layer("logit").weights}


@pytest.mark.parametrize("name", ["cnn", "compact"])
def test_training_all_trains_all_but_batch_statistics(networks: dict, name: str) -> None:
    network = networks[name]
    trainable_from(network, "head")
    trainable_from(network, "all")
    held = [v.path for v in network.weights if id(v) not in learning(network)]
    assert all(path.endswith(("moving_mean", "moving_variance")) for path in held)


@pytest.mark.parametrize("part", ["all", "block_13_expand"])
def test_batch_normalisation_of_the_backbone_never_learns(networks: dict, part: str) -> None:
    network = networks["mobilenet"]
    trainable_from(network, part)
    backbone = network.get_layer(BACKBONE)
    normal = [layer for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(normal) == 52
    assert not [layer.name for layer in normal if layer.trainable]
    assert learning(network) & {id(v) for v in backbone.weights}


def test_training_from_a_layer_trains_it_and_those_after_it(networks: dict) -> None:
    network = networks["mobilenet"]
    trainable_from(network, "block_13_expand")
    backbone = network.get_layer(BACKBONE)
    names = [layer.name for layer in backbone.layers]
    first = names.index("block_13_expand")
    trained = {layer.name for layer in backbone.layers if learning(network) & {id(v) for v in layer.weights}}
    assert "block_13_expand" in trained
    assert not trained & set(names[:first])
    assert {id(v) for v in network.get_layer("logit").weights} <= learning(network)


def test_freezing_again_after_fine_tuning_freezes_all(networks: dict) -> None:
    network = networks["mobilenet"]
    trainable_from(network, "all")
    trainable_from(network, "head")
    assert len(network.trainable_weights) == 2


@pytest.mark.parametrize(("name", "says"), [("mobilenet", "has no layer 'block_99'"), ("cnn", "use all or head")])
def test_a_layer_that_is_not_there_is_named(networks: dict, name: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        trainable_from(networks[name], "block_99")


@pytest.mark.parametrize("part", ["block_13_expand", "block_15_expand", "Conv_1"])
def test_a_network_is_cut_before_what_learns(networks: dict, part: str) -> None:
    network = networks["mobilenet"]
    trainable_from(network, part)
    found = cut(network)
    assert found is not None
    lower, rest = found
    assert not any(layer.trainable for layer in lower.layers[-1].layers if layer.weights)
    assert {v.path for v in rest.trainable_variables} == {v.path for v in network.trainable_variables}
    assert lower.output.shape == rest.input.shape


@pytest.mark.parametrize(
    ("name", "part"),
    [("cnn", "all"), ("cnn", "head"), ("mobilenet", "all"), ("mobilenet", "head"), ("mobilenet", "block_8_project")],
)
def test_a_network_that_cannot_be_cut_in_two_is_left_whole(networks: dict, name: str, part: str) -> None:
    """Nothing learns after the cut, all does, there is no backbone, or a residual path leads around it."""
    trainable_from(networks[name], part)
    assert cut(networks[name]) is None
