"""Scores are those of each patch alone, and a run that was cut short ends as one that was not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.data.decode import fit_patch
from cancernet.model.judge import BLANK, Judge
from cancernet.model.model import Model, load_model
from cancernet.slide import score as module
from cancernet.slide.score import EMBEDDINGS, HEAD, SCORES, cut, positions, read_embeddings, score
from cancernet.slide.section import Section
from hostile.made import tissue

SIDE = defaults.PATCH_SIZE


@pytest.fixture
def section(tmp_path: Path, tissue_image: np.ndarray) -> Section:
    image = np.ascontiguousarray(tissue_image[:280, :380])
    return section_of(image, tmp_path)


def section_of(image: np.ndarray, folder: Path) -> Section:
    image.tofile(folder / "section.rgb")
    return Section(folder / "section.rgb", image.shape[1], image.shape[0], 16.0, 16.0, (0, 0), 0)


def test_each_score_is_that_of_its_own_patch(section: Section, model: Model, tmp_path: Path) -> None:
    x, y = positions(380, 280, 50)
    found = score(section, x, y, model, tmp_path, {}).probability
    image = section.rows(0, 280)
    for i in (0, 7, 20, len(x) - 1):
        alone = fit_patch(image[y[i] : y[i] + 50, x[i] : x[i] + 50])
        assert found[i] == pytest.approx(model.predict(alone[None])[0], abs=1e-5)
    assert found.dtype == np.float32
    assert found.shape == x.shape


@pytest.mark.parametrize("left", [0, 3, 64, 130, 400])
def test_a_run_cut_short_anywhere_ends_at_the_same_bits(
    section: Section, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    monkeypatch.setattr(module, "CHUNK", 32)
    x, y = positions(380, 280, 25)
    uninterrupted = score(section, x, y, model, tmp_path, {"a": 1})
    path = tmp_path / SCORES
    path.write_bytes(path.read_bytes()[: HEAD + left])
    asked: list[int] = []
    real = Model.predict
    monkeypatch.setattr(Model, "predict", lambda self, images: asked.append(len(images)) or real(self, images))
    resumed = score(section, x, y, model, tmp_path, {"a": 1})
    np.testing.assert_array_equal(resumed.probability, uninterrupted.probability)
    assert resumed.reasons.tolist() == uninterrupted.reasons.tolist()
    assert resumed.stain == uninterrupted.stain
    assert sum(asked) == len(x) - left // 4 // 32 * 32


def test_finished_scores_are_not_made_again(
    section: Section, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = positions(380, 280, 50)
    first = score(section, x, y, model, tmp_path, {"a": 1})
    monkeypatch.setattr(Model, "predict", lambda *_: pytest.fail("was predicted again"))
    again = score(section, x, y, model, tmp_path, {"a": 1})
    np.testing.assert_array_equal(again.probability, first.probability)
    assert again.reasons.tolist() == first.reasons.tolist()


@pytest.fixture(scope="module")
def embedding() -> Model:
    """A model whose graph has embeddings: that which ships."""
    return load_model(threads=1)


def test_embeddings_come_of_the_pass_that_scores_and_change_no_bit_of_it(
    section: Section, embedding: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = positions(380, 280, 50)
    alone = score(section, x, y, embedding, tmp_path, {}).probability
    monkeypatch.setattr(Model, "predict", lambda *_: pytest.fail("was run a second time"))
    found = score(section, x, y, embedding, tmp_path, {}, embeddings=True)
    np.testing.assert_array_equal(found.probability, alone)
    rows = read_embeddings(tmp_path, len(x))
    [images] = cut(section, x, y, len(x))
    np.testing.assert_allclose(rows, embedding.explain(images).embedding, rtol=1e-5, atol=1e-6)
    assert rows.dtype == np.float32


@pytest.mark.parametrize(
    ("scores", "embeddings", "again"),
    [(50, None, 28), (50, 20, 60), (0, None, 60), (60, None, 0)],
    ids=["cut between", "embeddings lost", "nothing scored", "finished"],
)
def test_embeddings_of_a_run_cut_short_are_those_of_one_that_was_not(
    section: Section,
    embedding: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scores: int,
    embeddings: int | None,
    again: int,
) -> None:
    monkeypatch.setattr(module, "CHUNK", 32)
    x, y = positions(380, 280, 30)
    x, y = x[:60], y[:60]
    score(section, x, y, embedding, tmp_path, {}, embeddings=True)
    whole = read_embeddings(tmp_path, 60).copy()
    path, beside = tmp_path / SCORES, tmp_path / EMBEDDINGS
    path.write_bytes(path.read_bytes()[: HEAD + scores * 4])
    if embeddings is not None:
        beside.write_bytes(beside.read_bytes()[: embeddings * whole[0].nbytes])
    asked: list[int] = []
    real = Model.embed
    monkeypatch.setattr(Model, "embed", lambda self, images: asked.append(len(images)) or real(self, images))
    score(section, x, y, embedding, tmp_path, {}, embeddings=True)
    np.testing.assert_array_equal(read_embeddings(tmp_path, 60), whole)
    assert sum(each for each in asked if each > 1) == again  # one blank patch tells how long a row is


def test_scores_of_other_settings_are_made_anew(section: Section, model: Model, tmp_path: Path) -> None:
    x, y = positions(380, 280, 50)
    first = score(section, x, y, model, tmp_path, {"a": 1}).probability
    head = (tmp_path / SCORES).read_bytes()[:HEAD]
    (tmp_path / SCORES).write_bytes(head + np.zeros(len(x), np.float32).tobytes())
    np.testing.assert_array_equal(score(section, x, y, model, tmp_path, {"a": 2}).probability, first)


@pytest.mark.parametrize("more", [0, 1])
def test_enough_values_of_another_run_are_not_taken(section: Section, model: Model, tmp_path: Path, more: int) -> None:
    x, y = positions(380, 280, 50)
    first = score(section, x, y, model, tmp_path, {"a": 1}).probability
    score(section, *positions(380, 280, 25), model, tmp_path, {"a": 1})
    longer = (tmp_path / SCORES).read_bytes()
    np.testing.assert_array_equal(score(section, x, y, model, tmp_path, {"a": 1}).probability, first)
    head = (tmp_path / SCORES).read_bytes()[:HEAD]
    (tmp_path / SCORES).write_bytes(head + longer[HEAD : HEAD + 4 * (len(x) + 1)] if more else longer)
    np.testing.assert_array_equal(score(section, x, y, model, tmp_path, {"a": 1}).probability, first)


def test_patches_that_cannot_be_judged_are_told_in_their_order(model: Model, tmp_path: Path) -> None:
    image = np.concatenate([tissue(1), np.full((50, 50, 3), 240, np.uint8), tissue(2)], axis=1)
    x, y = positions(150, 50, 50)
    found = score(section_of(image, tmp_path), x, y, model, tmp_path, {})
    assert found.reasons.tolist() == ["", BLANK, ""]
    assert (found.stain.n, found.stain.alarm) == (2, "")
    found = score(section_of(image, tmp_path), x[:0], y[:0], model, tmp_path, {})
    assert (found.probability.tolist(), found.reasons.tolist(), found.stain.n) == ([], [], 0)


def test_judged_and_scored_beside_each_other_are_as_each_alone(section: Section, model: Model, tmp_path: Path) -> None:
    x, y = positions(380, 280, 10)  # several chunks
    assert len(x) > module.CHUNK
    found = score(section, x, y, model, tmp_path, {})
    judge, said = Judge(model.colours), []
    alone = []
    for images in cut(section, x, y, module.CHUNK):
        said += judge.see(images)
        alone.append(model.predict(images))
    np.testing.assert_array_equal(found.probability, np.concatenate(alone))
    assert found.reasons.tolist() == judge.settle(said)
    assert found.stain == judge.stain()


def test_a_model_that_fails_leaves_whole_chunks_to_go_on_from(
    section: Section, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 32)
    x, y = positions(380, 280, 25)
    whole = score(section, x, y, model, tmp_path, {})
    (tmp_path / SCORES).unlink()
    real, calls = Model.predict, []

    def fails_at_the_third(self: Model, images: np.ndarray) -> np.ndarray:
        calls.append(len(images))
        if len(calls) == 3:
            raise UserError("gone")
        return real(self, images)

    monkeypatch.setattr(Model, "predict", fails_at_the_third)
    with pytest.raises(UserError, match="gone"):
        score(section, x, y, model, tmp_path, {})
    assert (tmp_path / SCORES).stat().st_size == HEAD + 2 * 32 * 4
    np.testing.assert_array_equal(score(section, x, y, model, tmp_path, {}).probability, whole.probability)


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([5, 10, 25, 50]))
def test_every_patch_has_enough_of_the_section_and_none_is_missing(width: int, height: int, stride: int) -> None:
    x, y = positions(width, height, stride)
    expected = {
        (left, top)
        for left in range(0, width, stride)
        for top in range(0, height, stride)
        if (left == 0 or width - left >= defaults.MIN_PATCH_SIDE)
        and (top == 0 or height - top >= defaults.MIN_PATCH_SIDE)
    }
    assert set(zip(x.tolist(), y.tolist(), strict=True)) == expected
    assert len(x) == len(expected)


def test_positions_run_row_by_row() -> None:
    x, y = positions(100, 100, SIDE)
    assert list(zip(x.tolist(), y.tolist(), strict=True)) == [(0, 0), (50, 0), (0, 50), (50, 50)]


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_patches_are_the_pixels_at_their_place_whatever_the_chunk(tmp_path: Path, chunk: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (120, 170, 3), dtype=np.uint8)
    x, y = positions(170, 120, 25)
    found = np.concatenate([part.copy() for part in cut(section_of(image, tmp_path), x, y, chunk)])
    assert len(found) == len(x)
    for patch, left, top in zip(found, x, y, strict=True):
        part = image[top : top + SIDE, left : left + SIDE]
        assert np.array_equal(patch[: part.shape[0], : part.shape[1]], part)


def test_edges_are_reflected(tmp_path: Path) -> None:
    image = np.random.default_rng(2).integers(0, 256, (50, 80, 3), dtype=np.uint8)
    [patches] = cut(section_of(image, tmp_path), np.array([50]), np.array([0]), 8)
    assert np.array_equal(patches[0][:, 30:], image[:, 79:59:-1])
