"""Patches become patients, in any chunks, and whose a patch is is never guessed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.data.stream import PatchStream
from cancernet.model.decide import logit
from cancernet.model.model import Model
from cancernet.sites.gather import UNLISTED, Gathered, gather_patches
from cancernet.sites.measures import BRIGHTNESS, UNSURE


@pytest.fixture(scope="module")
def images(drawn: Path) -> np.ndarray:
    return np.concatenate([chunk.images for chunk in PatchStream([drawn]).chunks(what="", hidden=True)])


def test_patients_are_the_same_whatever_chunks_they_come_in(tiny: Model, images: np.ndarray) -> None:
    whose = ["a", "b"] * 10
    whole, parts = Gathered(tiny), Gathered(tiny)
    whole.add(images[:20], whose)
    for start in range(0, 20, 3):
        parts.add(images[start : min(start + 3, 20)], whose[start : start + 3])
    for one, other in zip(whole.groups(), parts.groups(), strict=True):
        assert one.name == other.name
        assert one.n == other.n
        assert one.means == pytest.approx(other.means)
        assert one.stain == pytest.approx(other.stain)
        np.testing.assert_allclose(one.odds, other.odds, rtol=1e-4)


def test_scores_are_the_models_own_for_each_patch_alone(tiny: Model, images: np.ndarray) -> None:
    gathered = Gathered(tiny)
    gathered.add(images[:6], ["a"] * 6)
    (group,) = gathered.groups()
    judged = np.array(gathered._seen["a"]) == ""
    np.testing.assert_allclose(group.odds, logit(tiny.predict(images[:6]))[judged], rtol=1e-5)


def test_what_is_marked_on_a_slide_is_unsure_and_not_scored(tiny: Model, images: np.ndarray) -> None:
    gathered = Gathered(tiny)
    marked = np.array(["fold", "", ""], dtype=object)
    gathered.add(images[:3], ["a"] * 3, marked)
    plain = Gathered(tiny)
    plain.add(images[:3], ["a"] * 3)
    (one,), (other,) = gathered.groups(), plain.groups()
    assert one.means[UNSURE] >= other.means[UNSURE]
    assert "fold" in one.reasons or other.reasons
    assert one.means[BRIGHTNESS] == other.means[BRIGHTNESS]


def test_names_and_folders_say_whose_a_patch_is(tiny: Model, drawn: Path) -> None:
    groups, failed = gather_patches(PatchStream([drawn]), tiny)
    assert [group.name for group in groups] == sorted(path.name for path in drawn.iterdir() if path.is_dir())
    assert sum(group.n for group in groups) == 80
    assert failed == []


def test_a_list_says_whose_and_what_it_lacks_is_left_out(tiny: Model, drawn: Path) -> None:
    stream = PatchStream([drawn])
    listed = dict.fromkeys(stream.shown[:30], "one") | dict.fromkeys(stream.shown[30:60], "two")
    groups, failed = gather_patches(stream, tiny, listed=listed)
    assert [(group.name, group.n) for group in groups] == [("one", 30), ("two", 30)]
    assert [reason for _, reason in failed] == [UNLISTED] * 20


def test_a_list_of_nothing_there_is_one_line(tiny: Model, drawn: Path) -> None:
    with pytest.raises(UserError, match="no row of the list of patients names it"):
        gather_patches(PatchStream([drawn]), tiny, listed={})


def test_nothing_usable_is_one_line(tiny: Model, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="no image could be used of 1 files"):
        gather_patches(PatchStream([tmp_path]), tiny)
