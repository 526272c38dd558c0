"""A small data set of whole specimens, and a model that takes neighbours into account."""

import shutil
from pathlib import Path

import msgspec
import pytest

from cancernet.data.sample import write_sample
from cancernet.model.manifest import Context
from cancernet.model.model import Model, load_model

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
CONTEXT = Context(method="surroundings", sigma_px=50.0, weights=(0.5, 0.5, 0.0))


@pytest.fixture(scope="session")
def sections(tmp_path_factory):
    """Two synthetic patients with 40 patches each."""
    return write_sample(tmp_path_factory.mktemp("maps") / "sample", patients=3, patches_per_patient=40, seed=5)


@pytest.fixture
def data(sections, tmp_path, no_figures):
    """The same, to be spoilt; its figures are not drawn."""
    return Path(shutil.copytree(sections, tmp_path / "data"))


@pytest.fixture(scope="session")
def model():
    """The committed model, which takes surroundings in."""
    old = load_model(V1)
    return Model(old.folder, msgspec.structs.replace(old.manifest, context=CONTEXT))
