from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.data.pack import pack
from cancernet.experiment import local
from cancernet.experiment.local import check_new, look
from cancernet.model.decide import logit
from cancernet.model.model import load_model


def test_log_odds_are_those_of_the_model_and_below_twenty_patients_its_colours_stay(sample: Path, cache: Path) -> None:
    model, packed = load_model(), pack(sample, cache_dir=cache)
    site = look(model, packed)
    assert np.allclose(site.rows["alone"], logit(model.predict(packed.images[np.arange(len(packed.table))])), atol=1e-4)
    assert not site.learned
    assert site.colours == model.colours
    assert site.n_patients == 8


def test_from_twenty_patients_on_the_colours_are_theirs(
    sample: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "PROVISIONAL", 8)
    site = look(load_model(), pack(sample, cache_dir=cache))
    assert site.learned
    assert site.colours != load_model().colours


def test_patches_that_the_model_remembers_are_refused(
    sample: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = pack(sample, cache_dir=cache)
    monkeypatch.setattr(local, "read_index", lambda _: SimpleNamespace(table=packed.table.head(2)))
    with pytest.raises(UserError, match="2 patches are ones that cancernet learned from"):
        check_new(load_model(), packed, new_patients=True)


def test_patches_without_stain_teach_no_colours(sample: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PROVISIONAL", 8)
    packed = pack(sample, cache_dir=cache)
    images = np.array(packed.images[np.arange(len(packed.table))])
    images[::2] = np.random.default_rng(0).integers(0, 255, (*images[::2].shape[:3], 1))  # grey noise
    half = dataclasses.replace(packed, images=images)
    kept = dataclasses.replace(packed, images=images[1::2], table=packed.table.iloc[1::2].reset_index(drop=True))
    assert look(load_model(), half).colours == look(load_model(), kept).colours
