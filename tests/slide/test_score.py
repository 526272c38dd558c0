"""Scores are those of each patch alone, and a run that was cut short ends as one that was not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cancernet.data.decode import fit_patch
from cancernet.model.bundle import Bundle
from cancernet.model.inference import predict
from cancernet.slide import score as module
from cancernet.slide.patches import positions
from cancernet.slide.score import SCORES, score
from cancernet.slide.section import Section


@pytest.fixture
def section(tmp_path: Path, tissue_image: np.ndarray) -> Section:
    image = np.ascontiguousarray(tissue_image[:280, :380])
    (tmp_path / "s").write_bytes(image.tobytes())
    return Section(tmp_path / "s", 380, 280, 16.0, 16.0, (0, 0), 0)


@pytest.fixture
def session(bundle: Bundle):
    return bundle.session(threads=1)


def test_each_score_is_that_of_its_own_patch(section: Section, session, tmp_path: Path) -> None:
    x, y = positions(380, 280, 50)
    found = score(section, x, y, session, tmp_path, {})
    image = section.rows(0, 280)
    for i in (0, 7, 20, len(x) - 1):
        alone = fit_patch(image[y[i] : y[i] + 50, x[i] : x[i] + 50])
        assert found[i] == pytest.approx(predict(session, alone[None])[0], abs=1e-5)
    assert found.dtype == np.float32
    assert found.shape == x.shape


@pytest.mark.parametrize("left", [0, 3, 64, 130, 400])
def test_a_run_cut_short_anywhere_ends_at_the_same_bits(
    section: Section, session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    monkeypatch.setattr(module, "CHUNK", 32)
    x, y = positions(380, 280, 25)
    uninterrupted = score(section, x, y, session, tmp_path, {"a": 1})
    path = tmp_path / SCORES
    path.write_bytes(path.read_bytes()[:left])
    asked = []
    real = module.predict
    monkeypatch.setattr(module, "predict", lambda s, images: asked.append(len(images)) or real(s, images))
    np.testing.assert_array_equal(score(section, x, y, session, tmp_path, {"a": 1}), uninterrupted)
    assert sum(asked) == len(x) - left // 4 // 32 * 32


def test_finished_scores_are_not_made_again(section: Section, session, tmp_path: Path) -> None:
    x, y = positions(380, 280, 50)
    first = score(section, x, y, session, tmp_path, {"a": 1})
    np.testing.assert_array_equal(score(section, x, y, None, tmp_path, {"a": 1}), first)  # type: ignore[arg-type]


def test_scores_of_other_settings_are_made_anew(section: Section, session, tmp_path: Path) -> None:
    x, y = positions(380, 280, 50)
    first = score(section, x, y, session, tmp_path, {"a": 1})
    (tmp_path / SCORES).write_bytes(np.zeros(len(x), np.float32).tobytes())
    np.testing.assert_array_equal(score(section, x, y, session, tmp_path, {"a": 2}), first)
