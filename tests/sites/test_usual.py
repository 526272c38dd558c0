"""What is usual of a model: its own colours and scores, the public set's sharpness."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest

from cancernet.model.colours import colour_statistics, fit_colours
from cancernet.model.held_out import read_held_out
from cancernet.model.model import Model, load_model
from cancernet.sites.measures import BRIGHTNESS, SHARPNESS, UNSURE
from cancernet.sites.reference import FEWEST, ODDS
from cancernet.sites.usual import PUBLIC, brightness_of, of_model


def test_the_model_that_ships_brings_its_held_out_scores() -> None:
    model = load_model()
    found = of_model(model)
    table = read_held_out(model)
    assert table is not None
    assert len(found.scores) == table["patient"].nunique()
    assert found.measures[ODDS].mean == pytest.approx(table.groupby("patient")["logit"].mean().mean(), abs=0.1)
    assert found.measures[SHARPNESS] == PUBLIC[SHARPNESS]
    assert found.graph_sha256 == model.graph_sha256
    assert found.n > FEWEST


def test_the_brightness_of_the_model_that_ships_is_that_of_the_public_set() -> None:
    found = of_model(load_model()).measures[BRIGHTNESS]
    assert found.mean == pytest.approx(PUBLIC[BRIGHTNESS].mean, abs=2)
    assert found.between == pytest.approx(PUBLIC[BRIGHTNESS].between, rel=0.1)
    assert found.within == pytest.approx(PUBLIC[BRIGHTNESS].within, rel=0.1)


def test_the_spread_of_brightness_comes_back_from_the_colours() -> None:
    images = np.random.default_rng(0).integers(60, 200, (400, 1, 1, 3)).repeat(8, 1).repeat(8, 2).astype(np.uint8)
    statistics = colour_statistics(images)
    found = brightness_of(fit_colours(statistics, np.arange(400).astype(object)), 400)
    whole = statistics[:, :3].mean(axis=1)
    assert found.mean == pytest.approx(whole.mean())
    assert np.hypot(found.between, found.within) == pytest.approx(whole.std(), rel=0.02)


def test_a_model_that_knows_no_patients_is_not_held_to_nothing(tiny: Model) -> None:
    bare = msgspec.structs.replace(tiny.manifest, split=msgspec.structs.replace(tiny.manifest.split, patients={}))
    assert of_model(dataclasses.replace(tiny, manifest=bare)).n == 100


def test_a_model_without_held_out_scores_has_the_rest(tiny: Model) -> None:
    found = of_model(tiny)
    assert found.scores == ()
    assert set(found.measures) == {BRIGHTNESS, SHARPNESS, UNSURE, "tissue"}
