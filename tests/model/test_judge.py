"""Patches that show no tissue, or none in focus, are told; so are colours and stains that the model does not know."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.data.pack import pack
from cancernet.data.sample import write_sample
from cancernet.model import judge as module
from cancernet.model.colours import Colours, N, colour_statistics, fit_colours
from cancernet.model.judge import (
    BLANK,
    NO_STAIN,
    OTHER_COLOURS,
    OUT_OF_FOCUS,
    PATCH_LIMIT,
    STAIN_LIMIT,
    Judge,
    kind_of,
    stain_limit,
    unseen,
    unseen_rows,
)
from cancernet.model.model import load_model
from hostile.made import tissue

MANY = np.stack([tissue(seed) for seed in range(40)])


def flat(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((1, 50, 50, 3), colour, "uint8")


def noise(low: int = 0, high: int = 256, channels: int = 3) -> np.ndarray:
    drawn = np.random.default_rng(1).integers(low, high, (20, 50, 50, channels), dtype=np.uint8)
    return np.ascontiguousarray(np.broadcast_to(drawn, (20, 50, 50, 3)))


def blurred(sigma: float) -> np.ndarray:
    """As patches are: of 256 levels, after the blur."""
    return np.stack([cv2.GaussianBlur(image, (0, 0), sigma) for image in MANY])


GLASS = np.random.default_rng(0).normal(243, 2, (20, 50, 50, 3)).round().clip(0, 255).astype("uint8")
NOTHING = {
    "white": (flat((255, 255, 255)), BLANK),
    "glass": (GLASS, BLANK),
    "one pink": (flat((225, 170, 205)), OUT_OF_FOCUS),
    "black": (flat((0, 0, 0)), BLANK),
    "grey": (flat((128, 128, 128)), BLANK),
    "grey noise": (noise(channels=1), NO_STAIN),
    "green": (np.clip(MANY[..., [1, 0, 1]], 0, 255), NO_STAIN),
    "grey tissue": (np.repeat(MANY.mean(axis=3, keepdims=True), 3, axis=3).astype("uint8"), NO_STAIN),
    "a blur of 1.25 px": (blurred(1.25), OUT_OF_FOCUS),
    "a blur of 2 px": (blurred(2), OUT_OF_FOCUS),
}


@pytest.mark.parametrize("name", NOTHING)
def test_where_nothing_can_be_seen_the_reason_says_so(name: str) -> None:
    images, reason = NOTHING[name]
    assert set(unseen(images)) == {reason}


def test_tissue_can_be_seen_also_where_it_fills_a_corner_alone() -> None:
    corner = GLASS[:1].copy()
    corner[0, :12, :12] = MANY[0, :12, :12]
    assert set(unseen(np.concatenate([MANY, corner]))) == {""}


def test_noise_in_all_colours_passes_for_no_tissue() -> None:
    judge = Judge(fit_colours(colour_statistics(MANY), np.arange(40)))
    assert "" not in judge.see(noise()) + judge.see(noise(118, 138))


def test_rows_are_looked_at_as_the_patches_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 3)
    images = np.concatenate([MANY[:5], *(images[:2] for images, _ in NOTHING.values())])
    rows = np.arange(len(images))[::-2]
    assert unseen_rows(images, rows).tolist() == unseen(images)[rows].tolist()
    assert unseen_rows(images, rows[:0]).shape == (0,)


@pytest.fixture
def colours() -> Colours:
    return fit_colours(colour_statistics(MANY), np.arange(40))


def moved(images: np.ndarray, by: tuple[int, int, int]) -> np.ndarray:
    return np.clip(images.astype(int) + by, 0, 255).astype("uint8")


def test_patches_like_those_of_training_are_answered(colours: Colours) -> None:
    judge = Judge(colours)
    others = np.stack([tissue(seed) for seed in range(100, 140)])
    assert judge.settle(judge.see(others)) == [""] * 40
    assert judge.stain().alarm == ""


def test_a_patch_of_other_colours_is_told_by_itself(colours: Colours) -> None:
    judge = Judge(colours)
    many = np.concatenate([MANY] * 20)  # of which one does not move the mean
    said = judge.see(np.concatenate([many, MANY[:1] // 2]))
    assert said == [*[""] * 800, OTHER_COLOURS]
    assert judge.settle(said) == said


def test_a_foreign_stain_shows_in_many_patches_where_none_is_odd_by_itself(colours: Colours) -> None:
    by = next(by for by in range(1, 60) if Judge(colours).see(moved(MANY, (by, 0, 0))) and _far(colours, by))
    judge = Judge(colours)
    groups = ["home"] * 40 + ["away"] * 40
    said = judge.see(np.concatenate([MANY, moved(MANY, (by, 0, 0))]), groups)
    settled = judge.settle(said, groups)
    assert settled[:40] == [""] * 40
    assert {kind_of(reason) for reason in settled[40:]} == {kind_of(module.OTHER_STAIN)}
    assert list(judge.alarms()) == ["away"]
    assert "\n" not in judge.alarms()["away"]


def _far(colours: Colours, by: int) -> bool:
    mean = colour_statistics(moved(MANY, (by, 0, 0))).mean(axis=0, keepdims=True)
    return bool(colours.distance(mean)[0] > stain_limit(40))


def test_what_shows_no_tissue_has_no_say_on_the_stain(colours: Colours) -> None:
    judge = Judge(colours)
    images = np.concatenate([MANY, GLASS, flat((0, 0, 0))])
    settled = judge.settle(judge.see(images))
    assert (settled[:40], set(settled[40:]), judge.stain().n) == ([""] * 40, {BLANK}, 40)


def test_of_a_foreign_stain_glass_is_still_glass(colours: Colours) -> None:
    judge = Judge(colours)
    settled = judge.settle(judge.see(np.concatenate([MANY[..., ::-1] // 2, GLASS])))
    assert {kind_of(each) for each in settled[:40]} == {kind_of(module.OTHER_STAIN)}
    assert set(settled[40:]) == {BLANK}


def test_where_there_is_no_tissue_there_is_no_stain(colours: Colours) -> None:
    judge = Judge(colours)
    judge.see(GLASS, ["a"] * 20)
    assert judge.stain("a").n == judge.stain("never seen").n == 0
    assert not judge.alarms()


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_in_whatever_chunks_patches_come_they_are_judged_alike(sizes: list[int]) -> None:
    colours = Colours((150.0,) * N, tuple(tuple(row) for row in (np.eye(N) / 40).tolist()))
    whole, parts = Judge(colours), Judge(colours)
    together = whole.see(MANY)
    edges = np.unique(np.clip([*np.cumsum([0, *sizes]), 40], 0, 40)).tolist()
    apart = [each for first, end in pairwise(edges) for each in parts.see(MANY[first:end])]
    assert apart == together
    assert parts.stain().distance == pytest.approx(whole.stain().distance)


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_few_patches_may_stray_farther_than_many(few: int, many: int) -> None:
    few, many = sorted((few, many))
    assert STAIN_LIMIT < stain_limit(many) <= stain_limit(few) <= PATCH_LIMIT


def test_what_we_draw_as_tissue_can_be_seen(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "sample", patients=4, patches_per_patient=24, seed=3)
    assert set(unseen(pack(sample, cache_dir=tmp_path).images)) == {""}


@pytest.mark.real
def test_hardly_a_real_patch_is_refused_and_hardly_ever_a_malignant_one(real_data: Path) -> None:
    files = sorted((real_data / "idc").rglob("*.png"))[::20]
    read = [(path.parts[-3], int(path.parent.name), cv2.imread(str(path))) for path in files]
    whole = pd.DataFrame([each for each in read if each[2].shape == (50, 50, 3)], columns=["patient", "label", "image"])
    judge = Judge(load_model().colours)
    groups = whole["patient"].tolist()
    refused = np.array(judge.see(np.stack(whole["image"])[..., ::-1], groups), object) != ""
    malignant = (whole["label"] == 1).to_numpy()
    assert malignant.sum() > 100
    assert refused.mean() <= 0.015  # nearly all of them show a cover slip's edge or ink
    assert refused[malignant].mean() <= 0.005
    assert not judge.alarms()


@pytest.mark.real
def test_a_field_of_another_laboratory_is_told(real_data: Path) -> None:
    image = cv2.imread(str(real_data / "tiles" / "bcss_1008.jpg"))[..., ::-1]
    small = cv2.resize(image, (200, 150), interpolation=cv2.INTER_AREA)
    patches = np.stack([small[y : y + 50, x : x + 50] for y in (0, 50, 100) for x in (0, 50, 100, 150)])
    assert {kind_of(reason) for reason in load_model().judge(patches)} == {kind_of(module.OTHER_STAIN)}
