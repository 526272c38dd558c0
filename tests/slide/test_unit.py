"""Slides on several workers: the bytes of one process, whatever dies on the way."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.common.executor import Processes
from cancernet.common.output import BEGUN
from cancernet.common.shard import Shard
from cancernet.model.model import Model, load_model
from cancernet.slide.batch import Outcome, map_slide
from cancernet.slide.cohort import TABLE
from cancernet.slide.shards import gather_slides

sys.path.append(str(Path(__file__).parents[1] / "fixtures"))
import deadly

TIMED = ("summary.json", "import.groovy")  # say how long it took, and where the folder lies


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(Path(__file__).parents[1] / "fixtures" / "bundle_v1", threads=1)


@pytest.fixture(scope="module")
def slides(
    save: Callable, enlarge: Callable, tissue_image: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """Four slides of a drawn section at 2 um/px."""
    folder = tmp_path_factory.mktemp("slides")
    parts = [tissue_image[:, start : start + 200] for start in (0, 60, 120, 200)]
    return [save(enlarge(part, 2), folder / f"{number}.tif", mpp=2.0, tile=True) for number, part in enumerate(parts)]


def run(slides: list[Path], model: Model, out: Path, **how: object) -> Outcome:
    return map_slide(slides, model, out=out, say=lambda _: None, **how)  # type: ignore[arg-type]


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and path.name not in TIMED
    }


def of_slides(folder: Path) -> dict[str, bytes]:
    """What lies in the folders of the slides; the cohort's table has their seconds."""
    return {name: content for name, content in files(folder).items() if "/" in name}


@pytest.fixture(scope="module")
def whole(slides: list[Path], model: Model, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process writes of them."""
    out = tmp_path_factory.mktemp("whole") / "out"
    run(slides, model, out)
    return of_slides(out)


def test_workers_write_what_one_process_writes(slides, model, tmp_path, whole) -> None:
    outcome = run(slides, model, tmp_path / "out", executor=Processes(2))
    assert of_slides(tmp_path / "out") == whole
    assert [folder.name for folder in outcome.mapped] == ["0", "1", "2", "3"]  # in their order, whichever ended first


def test_a_worker_that_is_killed_costs_nothing(slides, model, tmp_path, whole, monkeypatch) -> None:
    monkeypatch.setattr("cancernet.slide.batch.map_guarded", deadly.killed_once)
    monkeypatch.setenv(deadly.MARK, str(tmp_path / "killed"))
    outcome = run(slides, model, tmp_path / "out", executor=Processes(2))
    assert (tmp_path / "killed").exists()
    assert not outcome.failed
    assert of_slides(tmp_path / "out") == whole


def test_a_slide_that_ends_its_process_costs_its_row_alone(slides, model, tmp_path, whole, monkeypatch) -> None:
    monkeypatch.setattr("cancernet.slide.batch.map_guarded", deadly.poisoned_guarded)
    monkeypatch.setenv(deadly.MARK, str(tmp_path / "tries"))
    outcome = run(slides, model, tmp_path / "out", executor=Processes(2))
    [(path, reason)] = outcome.failed
    assert path.endswith("/1.tif")
    assert "its process ended twice while at it (signal 9)" in reason
    assert (tmp_path / "tries").read_text() == "xx"
    assert of_slides(tmp_path / "out") == {name: content for name, content in whole.items() if name[0] != "1"}
    assert "its process ended twice" in (tmp_path / "out" / "errors.csv").read_text()


def test_what_a_killed_run_left_half_done_is_done_in_a_process_of_its_own(slides, model, tmp_path, whole) -> None:
    run(slides[:1], model, tmp_path / "out")
    (tmp_path / "out" / "0" / "summary.json").unlink()
    (tmp_path / "out" / "0" / BEGUN).touch()
    before = os.times().children_user
    run(slides, model, tmp_path / "out")
    assert os.times().children_user > before
    assert of_slides(tmp_path / "out") == whole
    assert not (tmp_path / "out" / "0" / BEGUN).exists()


def test_another_model_at_the_workers_ends_the_run_and_names_it(slides, model, tmp_path) -> None:
    import msgspec

    thresholds = msgspec.structs.replace(model.manifest.thresholds, target_recall=0.9)
    other = Model(model.folder, msgspec.structs.replace(model.manifest, thresholds=thresholds))
    with pytest.raises(UserError, match=f"is not the {model.name} that was asked for"):
        run(slides, other, tmp_path / "out", executor=Processes(2))


def test_jobs_of_an_array_and_gather_are_a_cohort_of_all(slides, model, tmp_path, whole) -> None:
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"x")
    for number in (1, 2):
        part = Shard(number, 2)
        run([*slides, bad], model, tmp_path / "out" / part.name, shard=part)
    found = {path.partition("/")[2]: content for path, content in of_slides(tmp_path / "out").items()}
    assert {name: content for name, content in found.items() if "/" in name} == whole
    rows = gather_slides(tmp_path / "out")
    assert [(row.slide, row.status) for row in rows[:2]] == [("bad.tif", "failed"), ("0.tif", "mapped")]
    assert len(rows) == 5
    table = (tmp_path / "out" / TABLE).read_text()
    assert "shard-2-of-2/1" in table
    assert "bad.tif" in (tmp_path / "out" / "errors.csv").read_text()
    page = (tmp_path / "out" / "cohort.html").read_text()
    assert "shard-1-of-2/0" in page


def test_parts_made_in_two_ways_are_refused(slides, model, tmp_path) -> None:
    for number, stride in ((1, 50), (2, 25)):
        part = Shard(number, 2)
        run(slides[:2], model, tmp_path / "out" / part.name, shard=part, stride=stride)
    with pytest.raises(UserError, match="were mapped with another stride"):
        gather_slides(tmp_path / "out")
    assert not (tmp_path / "out" / TABLE).exists()


@pytest.mark.parametrize("number", [1, 9])
def test_more_parts_than_slides_are_refused_by_every_part_before_it_begins(slides, model, tmp_path, number) -> None:
    with pytest.raises(UserError, match=f"--shard {number}/9: there are 4 slides; make no more parts"):
        run(slides, model, tmp_path / "out", shard=Shard(number, 9))
    assert not (tmp_path / "out").exists()


def test_a_part_of_which_no_slide_can_be_mapped_is_done_and_the_whole_is_judged_by_gather(
    slides, model, tmp_path
) -> None:
    named = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for path in named:
        path.write_bytes(b"x")
    for number in (1, 2):
        part = Shard(number, 2)
        assert len(run(named, model, tmp_path / "out" / part.name, shard=part).failed) == 1
    with pytest.raises(UserError, match="no slide could be mapped of 2"):
        gather_slides(tmp_path / "out")
