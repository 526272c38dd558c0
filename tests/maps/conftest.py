"""A small data set of whole specimens, and a bundle that takes neighbours into account."""

import shutil
from pathlib import Path

import pytest

from cancernet.data.sample import write_sample
from cancernet.model.bundle import GRAPH, WEIGHTS, read_bundle, write_bundle

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
CONTEXT = {
    "method": "gaussian",
    "sigma_px": 50.0,
    "scale": 1.0,
    "offset": 0.0,
    "thresholds": {"target_recall": 0.4, "default": 0.5, "best_f1": 0.5},
}


@pytest.fixture(scope="session")
def sections(tmp_path_factory):
    """Two synthetic patients with 40 patches each."""
    return write_sample(
        tmp_path_factory.mktemp("maps") / "sample", patients=3, patches_per_patient=40, seed=5
    )


@pytest.fixture
def data(sections, tmp_path):
    """The same, to be spoilt."""
    return Path(shutil.copytree(sections, tmp_path / "data"))


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """The committed bundle, with a step for neighbours."""
    old = read_bundle(V1)
    manifest = {key: value for key, value in old.manifest.items() if key not in ("files", "format")}
    files = {name: old.read(name) for name in (GRAPH, WEIGHTS)}
    return write_bundle(tmp_path_factory.mktemp("bundle") / "m", manifest | {"context": CONTEXT}, files)
