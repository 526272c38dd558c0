"""ImageNet weights are what they should be, or it is said that they are not: never random in silence."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.networks import build_network
from cancernet.networks.mobilenet import BACKBONE
from cancernet.training import pretrained
from cancernet.training.pretrained import Pretrained, digest, find_weights, load_pretrained, settle_statistics

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_network("mobilenet", input_size=32, dropout=0.0)


@pytest.fixture(scope="module")
def empty() -> keras.Model:
    return keras.applications.MobileNetV2(include_top=False, weights=None)


@pytest.fixture(autouse=True)
def _built_once(empty: keras.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file is read into takes two seconds to build."""
    build = keras.applications.MobileNetV2
    plain = {"include_top": False, "weights": None}
    monkeypatch.setattr(keras.applications, "MobileNetV2", lambda **how: empty if how == plain else build(**how))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of Keras; the fixture's user says what the network does."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def offline(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network")

    def download(*_: object, **__: object) -> None:
        raise Exception("URL fetch failure: no network")  # as keras.utils.get_file does

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(keras.utils, "get_file", download)


def test_none_is_random_and_says_so() -> None:
    assert find_weights("none") == Pretrained(None, "none (random)")


@pytest.mark.usefixtures("offline")
def test_imagenet_that_cannot_be_downloaded_names_the_other_ways() -> None:
    with pytest.raises(UserError, match=r"cannot download.*--weights PATH.*--weights none") as error:
        find_weights("imagenet")
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("offline")
def test_auto_without_a_network_is_random_and_never_silent() -> None:
    found = find_weights("auto")
    assert found.path is None
    assert found.said == "none (random: no network for the ImageNet weights)"


def test_auto_whose_download_breaks_off_is_random_and_never_silent(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: object, **__: object) -> None:
        raise Exception("URL fetch failure")

    monkeypatch.setattr(pretrained, "_reachable", lambda: True)
    monkeypatch.setattr(keras.utils, "get_file", download)
    assert find_weights("auto").said == "none (random: the ImageNet weights could not be downloaded)"


@pytest.mark.usefixtures("offline")
def test_auto_takes_what_is_cached_without_asking_the_network(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = home / "models" / Path(pretrained.URL).name
    cached.parent.mkdir()
    cached.touch()
    monkeypatch.setattr(keras.utils, "get_file", lambda name, url, **_: str(cached))
    assert find_weights("auto") == Pretrained(cached, "imagenet")


def test_the_network_is_waited_for_for_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []

    def slow(address: tuple, timeout: float) -> None:
        waited.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", slow)
    assert pretrained._reachable() is False
    assert waited == [pretrained.CONNECT_SECONDS]
    assert pretrained.CONNECT_SECONDS <= 5


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match=r"--weights /no/such\.h5: no such file; give a file, imagenet, auto or none"):
        find_weights("/no/such.h5")


def test_a_file_is_called_by_its_name_without_its_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.weights.h5").touch()
    assert find_weights(str(tmp_path / "mine.weights.h5")).said == "file mine.weights.h5"


def test_weights_of_a_file_reach_the_backbone(network: keras.Model, tmp_path: Path) -> None:
    other = build_network("mobilenet", input_size=64, dropout=0.0)  # another input size, the same weights
    backbone = network.get_layer(BACKBONE)
    backbone.save_weights(tmp_path / "w.weights.h5")
    assert load_pretrained(other, Pretrained(tmp_path / "w.weights.h5", "file w")) == "file w"
    assert digest(other.get_layer(BACKBONE)) == digest(backbone)


def test_a_backbone_cut_short_gets_the_weights_of_the_layers_it_has(network: keras.Model, tmp_path: Path) -> None:
    network.get_layer(BACKBONE).save_weights(tmp_path / "w.weights.h5")
    x = keras.Input((64, 64, 3))
    whole = keras.applications.MobileNetV2(include_top=False, weights=None, input_tensor=x)
    short = keras.Model(x, whole.get_layer("block_3_expand").output)
    load_pretrained(short, Pretrained(tmp_path / "w.weights.h5", "file w"))
    for name in ("Conv1", "block_3_expand"):
        expected = network.get_layer(BACKBONE).get_layer(name).get_weights()[0]
        np.testing.assert_array_equal(short.get_layer(name).get_weights()[0], expected)


def _text(path: Path, network: keras.Model) -> None:
    path.write_text("these are not weights")


def _empty(path: Path, network: keras.Model) -> None:
    path.touch()


def _cut(path: Path, network: keras.Model) -> None:
    network.get_layer(BACKBONE).save_weights(path)
    os.truncate(path, path.stat().st_size // 2)


def _of_another_network(path: Path, network: keras.Model) -> None:
    build_network("cnn", input_size=50, dropout=0.0).save_weights(path)


def _without_arrays(path: Path, network: keras.Model) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("layers")


@pytest.mark.parametrize("write", [_text, _empty, _cut, _of_another_network, _without_arrays])
@pytest.mark.parametrize("name", ["w.weights.h5", "w.h5"])
def test_a_file_of_something_else_is_one_line(
    network: keras.Model, tmp_path: Path, write: Callable[[Path, keras.Model], None], name: str
) -> None:
    write(tmp_path / "made.weights.h5", network)
    path = (tmp_path / "made.weights.h5").rename(tmp_path / name)
    with pytest.raises(UserError, match="holds no weights for MobileNetV2 without top") as error:
        load_pretrained(network, Pretrained(path, "file w"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["w.txt", "w.pkl", "w"])
def test_a_file_of_an_unknown_kind_is_one_line(network: keras.Model, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04\x95")
    with pytest.raises(UserError, match="holds no weights"):
        load_pretrained(network, Pretrained(tmp_path / name, "file w"))


def test_a_download_that_is_not_imagenet_is_refused(network: keras.Model, tmp_path: Path) -> None:
    network.get_layer(BACKBONE).save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(UserError, match="is not the ImageNet weights it should be; delete it"):
        load_pretrained(network, Pretrained(tmp_path / "w.weights.h5", "imagenet"))


def test_nothing_to_load_leaves_the_network_as_it_is(network: keras.Model) -> None:
    before = digest(network.get_layer(BACKBONE))
    assert load_pretrained(network, Pretrained(None, "none (random)")) == "none (random)"
    assert digest(network.get_layer(BACKBONE)) == before


@pytest.mark.real
def test_the_true_weights_are_known_by_their_content(network: keras.Model, imagenet_file: Path) -> None:
    assert load_pretrained(network, find_weights(str(imagenet_file))) == "imagenet"


def test_a_random_backbone_tells_patches_apart_once_its_statistics_are_settled() -> None:
    keras.utils.set_random_seed(0)
    network = build_network("mobilenet", input_size=32, dropout=0.0)
    patches = np.random.default_rng(0).integers(0, 256, (16, 50, 50, 3), dtype=np.uint8)
    patches[:8] //= 3
    weights = {v.path: np.array(v) for v in network.trainable_weights}
    before = network.predict_on_batch(patches).std()
    settle_statistics(network, patches)
    assert network.predict_on_batch(patches).std() > 100 * before
    for variable in network.trainable_weights:
        np.testing.assert_array_equal(variable, weights[variable.path])


def test_settling_statistics_twice_gives_the_same_ones() -> None:
    """A resumed run finds its checkpoint by the weights it starts from."""
    patches = np.random.default_rng(0).integers(0, 256, (16, 50, 50, 3), dtype=np.uint8)
    digests = set()
    for _ in range(2):
        keras.utils.set_random_seed(0)
        network = build_network("mobilenet", input_size=32, dropout=0.0)
        settle_statistics(network, patches)
        digests.add(digest(network.get_layer(BACKBONE)))
    assert len(digests) == 1
