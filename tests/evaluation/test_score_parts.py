"""Patches looked at in parts, by whomever, are scored as in one process; what others hold there is refused."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.common.executor import Executor, InProcess, Processes, WorkerDiedError
from cancernet.common.mapped import sparing
from cancernet.data.pack import Pack, pack
from cancernet.data.sample import write_sample
from cancernet.evaluation import score_parts
from cancernet.evaluation.score_parts import Seen, Unit, see_elsewhere
from cancernet.evaluation.scoring import Scores, score_floor, score_model, scored_rows
from cancernet.model.model import Model, load_model
from cancernet.model.travel import Ticket

sys.path.append(str(Path(__file__).parents[1] / "fixtures"))
import deadly

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
PART = 40  # patches: three parts of the 96 to score, none of whole patients
FAR = "S004"  # its stain is foreign


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_parts, "PART", PART)


@pytest.fixture(scope="module")
def model() -> Model:
    """One that knows of surroundings, so that no patch is scored without all of its patient's."""
    return load_model(threads=1)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """Patients of whom one is half as bright."""
    folder = tmp_path_factory.mktemp("parts")
    whole = pack(write_sample(folder / "sample", patients=8, patches_per_patient=16, seed=7), cache_dir=folder)
    images = np.memmap(folder / "images.u8", np.uint8, "w+", shape=whole.images.shape)
    images[:] = whole.images
    images[whole.table["patient"] == FAR] //= 2
    images.flush()
    return dataclasses.replace(whole, images=sparing(np.memmap(images.filename, np.uint8, "r", shape=images.shape)))


@pytest.fixture(scope="module")
def side(packed: Pack) -> pd.Series:
    sides = dict(zip(sorted(packed.table["patient"].unique()), ["train", "val", "test", "test"] * 2, strict=True))
    return packed.table["patient"].map(sides)


@pytest.fixture(scope="module")
def whole(model: Model, packed: Pack, side: pd.Series) -> list[Scores]:
    """What one process makes of them: the model and its floor."""
    return [score_model(model, packed, side), score_floor(model, packed, side)]


def see(model: Model, packed: Pack, side: pd.Series, folder: Path, executor: Executor) -> Seen:
    rows = scored_rows(model, packed.table, side)
    return see_elsewhere(model, packed, rows, executor=executor, folder=folder)


def scores(seen: Seen, model: Model, packed: Pack, side: pd.Series) -> list[Scores]:
    return [score_model(model, packed, side, seen=seen), score_floor(model, packed, side, seen=seen)]


def check_same(found: list[Scores], whole: list[Scores]) -> None:
    for one, other in zip(found, whole, strict=True):
        pd.testing.assert_frame_equal(one.predictions, other.predictions, check_exact=True)
        assert (one.metrics, one.alarms, one.notes) == (other.metrics, other.alarms, other.notes)


def test_two_workers_of_which_one_is_killed_give_the_scores_of_one_process(
    model, packed, side, tmp_path, whole, monkeypatch
) -> None:
    monkeypatch.setattr(score_parts, "look_guarded", deadly.looked_killed_once)
    monkeypatch.setenv(deadly.MARK, str(tmp_path / "killed"))
    seen = see(model, packed, side, tmp_path / "work", Processes(2))
    assert (tmp_path / "killed").exists()
    check_same(scores(seen, model, packed, side), whole)
    assert list(whole[0].alarms) == [FAR]
    assert len(list((tmp_path / "work").glob("*.npz"))) == 3


class Stopped(InProcess):
    """A run that is ended before it hands over its second part."""

    def each(self, function, items) -> Iterator:
        yield next(super().each(function, items))
        raise KeyboardInterrupt


def test_parts_of_a_run_that_was_killed_are_not_looked_at_again(
    model, packed, side, tmp_path, whole, monkeypatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        see(model, packed, side, tmp_path / "work", Stopped())
    asked: list[int] = []
    predict = Model.predict
    monkeypatch.setattr(Model, "predict", lambda model, images: asked.append(len(images)) or predict(model, images))
    seen = see(model, packed, side, tmp_path / "work", InProcess())
    assert asked == [PART, 96 - 2 * PART]
    check_same(scores(seen, model, packed, side), whole)


def test_what_is_there_of_another_model_or_other_patches_is_not_taken(model, packed, side, tmp_path) -> None:
    work = tmp_path / "work"
    first = see(model, packed, side, work, InProcess())
    tiny = load_model(V1, threads=1)
    images = np.memmap(tmp_path / "images.u8", np.uint8, "w+", shape=packed.images.shape)
    images[:] = 255 - packed.images
    inverted = dataclasses.replace(packed, images=images)
    for other, patches in ((tiny, packed), (model, inverted)):
        kept = see(other, patches, side, work, InProcess())
        anew = see(other, patches, side, tmp_path / other.name, InProcess())
        np.testing.assert_array_equal(kept.probability, anew.probability)
        assert (kept.probability != first.probability).any()


def test_another_model_at_the_workers_is_refused_by_name(packed, side, tmp_path) -> None:
    model = load_model(V1, threads=1)
    thresholds = msgspec.structs.replace(model.manifest.thresholds, target_recall=0.9)
    other = Model(model.folder, msgspec.structs.replace(model.manifest, thresholds=thresholds))
    with pytest.raises(UserError, match=f"bundle_v1 is not the {model.name} that was asked for"):
        see(other, packed, side, tmp_path / "work", Processes(1))


def unit(model: Model, packed: Pack, folder: Path, **changed: object) -> Unit:
    np.save(folder / score_parts.ROWS, np.arange(4))
    sent = Ticket("", model.describe(), 1, model=model)
    hashed = score_parts.content_hash(packed.images[np.arange(4)])
    of = Unit(
        Path(packed.images.filename), packed.images.shape, folder, (0, 4), hashed, sent, model.manifest.floor.model
    )
    return dataclasses.replace(of, **changed)


def test_other_patches_at_the_path_are_refused_by_name(model, packed, tmp_path) -> None:
    with pytest.raises(UserError, match=r"images\.u8 does not hold the patches that were asked for; its path has to"):
        score_parts.look(unit(model, packed, tmp_path, patches="0" * 64))
    assert not list(tmp_path.glob("*.npz"))


def test_patches_that_a_worker_does_not_reach_are_one_line(model, packed, tmp_path) -> None:
    with pytest.raises(UserError, match=r"nowhere cannot be read \(.*; its path has to lead to the same files"):
        score_parts.look(unit(model, packed, tmp_path, images=tmp_path / "nowhere"))


def test_a_part_that_ends_its_process_is_named(model, packed, side, tmp_path, monkeypatch) -> None:
    def ends(_: object, unit: Unit, __: Path) -> Path:
        if unit.part[0] == PART:
            raise WorkerDiedError("its process ended twice while at it")
        return score_parts.look(unit)

    monkeypatch.setattr(score_parts, "guarded", ends)
    with pytest.raises(
        UserError, match=r"^patches S00\S+png to S00\S+png: its process ended twice while at it; nothing"
    ):
        see(model, packed, side, tmp_path / "work", InProcess())


def test_a_damaged_part_says_which_file_to_remove(model, packed, side, tmp_path) -> None:
    see(model, packed, side, tmp_path / "work", InProcess())
    part = next((tmp_path / "work").glob("*.npz"))
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(UserError, match=f"{part.name} cannot be read .*; remove it and give the same command again"):
        see(model, packed, side, tmp_path / "work", InProcess())
