"""Patches without stained tissue are told, tissue is not, and so is a stain the model does not know."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec.structs import replace

from cancernet.data.pack import pack
from cancernet.data.sample import write_sample
from cancernet.model import judge as module
from cancernet.model.floor import Floor, colour_features
from cancernet.model.judge import NO_TISSUE, STAIN_LIMIT, judge, stain_distance, stain_of
from cancernet.model.model import load_model


def flat(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((1, 50, 50, 3), colour, "uint8")


def noise(low: int = 0, high: int = 256, channels: int = 3) -> np.ndarray:
    drawn = np.random.default_rng(1).integers(low, high, (20, 50, 50, channels), dtype=np.uint8)
    return np.ascontiguousarray(np.broadcast_to(drawn, (20, 50, 50, 3)))


NOTHING = {
    "blank": flat((255, 255, 255)),
    "glass": np.random.default_rng(0).normal(243, 2, (20, 50, 50, 3)).round().clip(0, 255).astype("uint8"),
    "black": flat((0, 0, 0)),
    "grey": flat((128, 128, 128)),
    "grey noise": noise(channels=1),
    "green": flat((40, 160, 60)),
    "pen": flat((20, 120, 110)),
    "noise": noise(),
    "faint noise": noise(118, 138),
}
TISSUE = {
    "haematoxylin": flat((90, 60, 140)),
    "eosin": flat((220, 140, 180)),
    "pale eosin": flat((240, 225, 238)),
    "blood": flat((180, 40, 60)),
    "fat with a rim": np.concatenate(
        [np.full((1, 20, 50, 3), 243), np.full((1, 30, 50, 3), (200, 130, 180))], 1
    ).astype("uint8"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_holds_no_stained_tissue_is_told(name: str) -> None:
    assert set(judge(NOTHING[name])) == {NO_TISSUE}


@pytest.mark.parametrize("name", TISSUE)
def test_colours_of_tissue_are_answered(name: str) -> None:
    assert set(judge(TISSUE[name])) == {""}


def test_a_patch_is_judged_by_itself_whatever_is_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = np.concatenate([TISSUE["eosin"], NOTHING["black"], TISSUE["blood"], NOTHING["noise"][:2]])
    monkeypatch.setattr(module, "CHUNK", 2)
    assert judge(mixed).tolist() == ["", NO_TISSUE, "", NO_TISSUE, NO_TISSUE]
    assert judge(mixed[:0]).shape == (0,)


def test_what_we_draw_as_tissue_is_answered(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "sample", patients=4, patches_per_patient=24, seed=3)
    said = judge(pack(sample, cache_dir=tmp_path).images)
    assert (said == NO_TISSUE).mean() < 0.05


@pytest.mark.real
def test_hardly_a_real_patch_is_refused_and_hardly_ever_a_malignant_one(real_data: Path) -> None:
    files = sorted((real_data / "idc").rglob("*.png"))[::20]
    read = [(int(path.parent.name), cv2.imread(str(path))) for path in files]
    whole = [(label, image[..., ::-1]) for label, image in read if image.shape == (50, 50, 3)]
    refused = judge(np.stack([image for _, image in whole])) != ""
    malignant = np.array([label for label, _ in whole]) == 1
    assert malignant.sum() > 100
    assert refused.mean() <= 0.015
    assert refused[malignant].mean() <= 0.005


@pytest.fixture
def floor() -> Floor:
    return load_model().manifest.floor.model


@pytest.mark.parametrize("away", [0.0, 1.0, 1.5, 4.0])
def test_the_distance_is_in_standard_deviations_of_training_patches(floor: Floor, away: float) -> None:
    patches = noise()
    mean = colour_features(patches).mean(axis=0, dtype=np.float64)
    scale = np.linspace(0.5, 3, len(mean))
    moved = replace(floor, mean=tuple(mean + away * scale), scale=tuple(scale))
    found = stain_distance(moved, patches)
    assert found.distance == pytest.approx(away, abs=1e-3)
    assert bool(found.alarm) == (away > STAIN_LIMIT)
    assert "\n" not in found.alarm
    assert stain_of(moved, colour_features(patches)) == found


def test_of_many_patches_some_are_looked_at_spread_evenly(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []
    monkeypatch.setattr(module, "STAIN_PATCHES", 3)
    monkeypatch.setattr(
        module, "colour_features", lambda images, rows: (seen.append(rows), colour_features(images, rows))[1]
    )
    stain_distance(floor, np.repeat(TISSUE["eosin"], 101, axis=0))
    stain_distance(floor, TISSUE["eosin"])
    assert [rows.tolist() for rows in seen] == [[0, 50, 100], [0]]


@pytest.mark.real
def test_a_field_of_another_laboratory_is_told(real_data: Path) -> None:
    image = cv2.imread(str(real_data / "tiles" / "bcss_1008.jpg"))[..., ::-1]
    small = cv2.resize(image, (200, 150), interpolation=cv2.INTER_AREA)
    patches = [small[y : y + 50, x : x + 50] for y in (0, 50, 100) for x in (0, 50, 100, 150)]
    found = load_model().stain(np.stack(patches))
    assert found.distance > STAIN_LIMIT
    assert f"{found.distance:.1f} standard deviations" in found.alarm
