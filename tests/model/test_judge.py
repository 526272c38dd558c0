"""How far a slide's colours lie from the patches the model learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cancernet.slide.stain import stain_distance

from cancernet.common import defaults
from cancernet.evaluation.floor import colour_features
from cancernet.model.bundle import Bundle
from cancernet.slide.section import Section

PLACES = (np.array([0, 50, 0, 50]), np.array([0, 0, 50, 50]))


@pytest.fixture
def section(tmp_path: Path, tissue_image: np.ndarray) -> Section:
    image = np.ascontiguousarray(tissue_image[100:200, 100:200])
    (tmp_path / "s").write_bytes(image.tobytes())
    return Section(tmp_path / "s", 100, 100, 16.0, 16.0, (0, 0), 0)


def with_floor(bundle: Bundle, mean: np.ndarray, scale: np.ndarray) -> Bundle:
    model = {**bundle.manifest["floor"]["model"], "mean": mean.tolist(), "scale": scale.tolist()}
    return Bundle(bundle.folder, {**bundle.manifest, "floor": {**bundle.manifest["floor"], "model": model}})


@pytest.mark.parametrize("away", [0.0, 1.5, 4.0])
def test_the_distance_is_in_standard_deviations_of_training_patches(
    bundle: Bundle, section: Section, away: float
) -> None:
    rows = section.rows(0, 100)
    patches = np.stack([rows[y : y + 50, x : x + 50] for x, y in zip(*PLACES, strict=True)])
    mean = colour_features(patches).mean(axis=0, dtype=np.float64)
    scale = np.linspace(0.5, 3, len(mean))
    moved = with_floor(bundle, mean + away * scale, scale)
    assert stain_distance(moved, section, *PLACES) == pytest.approx(away, abs=1e-3)


def test_a_model_without_a_floor_has_none(bundle: Bundle, section: Section) -> None:
    bare = Bundle(bundle.folder, {k: v for k, v in bundle.manifest.items() if k != "floor"})
    assert stain_distance(bare, section, *PLACES) is None


def test_a_large_slide_is_looked_at_in_places_spread_over_it(
    bundle: Bundle, section: Section, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(defaults, "SLIDE_STAIN_PATCHES", 2)
    seen: list[list[int]] = []

    def cut(_: Section, x: np.ndarray, y: np.ndarray, chunk: int):
        seen.append(x.tolist())
        yield np.full((len(x), 50, 50, 3), 200, np.uint8)

    monkeypatch.setattr("cancernet.slide.stain.cut", cut)
    stain_distance(bundle, section, *PLACES)
    assert seen == [[0, 50]]


@pytest.mark.real
def test_a_field_of_another_laboratory_is_told(real_data: Path, tmp_path: Path) -> None:
    import cv2

    from cancernet.model.bundle import read_bundle, shipped

    image = cv2.imread(str(real_data / "tiles" / "bcss_1008.jpg"))[..., ::-1]
    small = cv2.resize(image, (224, 160), interpolation=cv2.INTER_AREA)
    (tmp_path / "s").write_bytes(small.tobytes())
    field = Section(tmp_path / "s", 224, 160, 16.0, 16.0, (0, 0), 0)
    found = stain_distance(read_bundle(shipped()), field, *PLACES)
    assert found is not None
    assert found > defaults.SLIDE_STAIN_LIMIT
