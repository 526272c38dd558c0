"""Patients made of numbers, so that no test of the arithmetic has to decode or score a patch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cancernet.data.sample import write_sample
from cancernet.model.colours import Colours
from cancernet.model.judge import Stain
from cancernet.model.model import Model, load_model
from cancernet.sites.measures import BRIGHTNESS, SHARPNESS, TISSUE, UNSURE, Group
from cancernet.sites.reference import Reference, make_reference
from cancernet.sites.usual import POSITION, PUBLIC

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
MakeGroups = Callable[..., list[Group]]


def made_group(rng: np.random.Generator, name: str, patches: int, moved: dict[str, float], score: float) -> Group:
    """A patient as the public set has them, each measure moved by so many spreads between patients."""
    means = {}
    for measure in (BRIGHTNESS, SHARPNESS, TISSUE):
        usual = PUBLIC[measure]
        noise = rng.normal() * usual.between + rng.normal() * usual.within / np.sqrt(patches)
        means[measure] = usual.mean + noise + moved.get(measure, 0.0) * usual.between
    means[UNSURE] = moved.get(UNSURE, 0.0)
    colours = np.full(9, means[BRIGHTNESS])
    odds = score + rng.normal() + 2 * rng.normal(size=patches)
    return Group(name, patches, patches, means, colours, Stain(0.5, 1.5, patches, ""), odds, {})


@pytest.fixture(scope="session")
def groups() -> MakeGroups:
    """groups(n, seed=0, patches=50, score=-1.6, brightness=2.0): n patients, moved by so many spreads."""

    def make(n: int, *, seed: int = 0, patches: int = 50, score: float = -1.6, **moved: float) -> list[Group]:
        rng = np.random.default_rng(seed)
        return [made_group(rng, f"P{i:03d}", patches, moved, score) for i in range(n)]

    return make


@pytest.fixture(scope="session")
def colours() -> Colours:
    """Colours whose nine statistics spread by 30 and go each its own way."""
    return Colours((PUBLIC[BRIGHTNESS].mean,) * 9, tuple(tuple(row) for row in (np.eye(9) / 30).tolist()))


@pytest.fixture(scope="session")
def reference(groups: MakeGroups, colours: Colours) -> Reference:
    """What is usual of 100 patients."""
    made = groups(100, seed=7)
    return make_reference(made, colours, PUBLIC, POSITION, of="patients of before", graph_sha256="a" * 64)


@pytest.fixture(scope="session")
def tiny() -> Model:
    """A small trained model."""
    return load_model(V1, threads=1)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn patches of 10 patients, without the note that a program drew them."""
    folder = write_sample(tmp_path_factory.mktemp("site") / "patches", patients=10, patches_per_patient=8, seed=4)
    (folder / "SYNTHETIC.txt").unlink()
    return folder
