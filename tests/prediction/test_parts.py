"""Parts put together are what one process writes, byte for byte; what does not belong together is refused."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import cv2
import pytest

from cancernet.common.errors import UserError
from cancernet.common.executor import InProcess, Processes, WorkerDiedError
from cancernet.common.shard import Shard
from cancernet.model.model import Model, load_model
from cancernet.prediction import parts
from cancernet.prediction.parts import gather_parts, parts_folder
from cancernet.prediction.predict import predict_paths
from cancernet.prediction.tally import Tally
from hostile.made import tissue


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(threads=1)


def save(place: Path, number: int) -> None:
    cv2.imwrite(str(place), tissue(number)[..., ::-1])


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    """Patches of four patients by class folders, so that a patient's are not together, and what goes wrong."""
    folder = tmp_path / "patches"
    for number in range(24):
        place = folder / str(number % 2) / f"{1 + number // 6}_idx5_x{50 * (number % 6) + 1}_y1_class{number % 2}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        save(place, number)
    save(folder / "0" / "=1+1.png", 99)  # a formula to a spreadsheet
    (folder / "0" / "2_idx5_x901_y1_class0.png").write_bytes(b"x")
    (folder / "1" / "a\rb.png").write_bytes(b"x")
    return folder


def run(patches: Path, model: Model, out: Path, **how: object) -> Tally:
    return predict_paths([patches], model, out=out, screen=io.StringIO(), threads=1, **how)  # type: ignore[arg-type]


@pytest.fixture
def whole(patches: Path, model: Model, tmp_path: Path) -> tuple[bytes, bytes, Tally]:
    """What one process writes and says."""
    out = tmp_path / "whole" / "p.csv"
    tally = run(patches, model, out)
    return out.read_bytes(), (out.parent / "errors.csv").read_bytes(), tally


def shards(patches: Path, model: Model, out: Path, of: int) -> None:
    for number in range(1, of + 1):
        run(patches, model, out, shard=Shard(number, of))


def test_a_part_that_ends_its_process_is_named_and_nothing_is_written(patches, model, tmp_path, monkeypatch) -> None:
    def ends(*_: object) -> None:
        raise WorkerDiedError("its process ended twice while at it")

    monkeypatch.setattr(parts, "guarded", ends)
    with pytest.raises(UserError, match="part 1/1 of the files: its process ended twice while at it; no answer"):
        run(patches, model, tmp_path / "p.csv", executor=InProcess())
    assert not (tmp_path / "p.csv").exists()


def test_jobs_of_an_array_and_gather_write_the_same_bytes(patches, model, tmp_path, whole) -> None:
    out = tmp_path / "p.csv"
    shards(patches, model, out, 3)
    assert not out.exists()
    tally, by = gather_parts(parts_folder(out), out)
    assert (out.read_bytes(), (tmp_path / "errors.csv").read_bytes(), tally) == whole
    assert by == f"at threshold {model.threshold:.3f} of {model.name}"
    assert not parts_folder(out).exists()


def test_workers_write_the_same_bytes(patches, model, tmp_path, whole, monkeypatch) -> None:
    monkeypatch.setattr(parts, "PART", 9)
    out = tmp_path / "p.csv"
    tally = run(patches, model, out, executor=Processes(2))
    assert (out.read_bytes(), (tmp_path / "errors.csv").read_bytes(), tally) == whole
    assert not parts_folder(out).exists()


def test_a_patient_is_never_in_two_parts(patches, model, tmp_path) -> None:
    out = tmp_path / "p.csv"
    shards(patches, model, out, 4)
    places, _ = parts.read_parts(parts_folder(out))
    patients = [{row[1] for row in parts._in_order([place])} - {""} for place in places]
    assert sum(map(len, patients)) == len(set().union(*patients)) == 4


def test_a_part_that_is_there_is_not_predicted_again(patches, model, tmp_path, monkeypatch) -> None:
    out = tmp_path / "p.csv"
    run(patches, model, out, shard=Shard(1, 2))
    monkeypatch.setattr(Model, "predict", lambda *_: pytest.fail("was predicted again"))
    run(patches, model, out, shard=Shard(1, 2))


def test_files_that_changed_between_parts_are_told(patches, model, tmp_path) -> None:
    out = tmp_path / "p.csv"
    run(patches, model, out, shard=Shard(1, 2))
    next((patches / "1").glob("4_*")).unlink()
    run(patches, model, out, shard=Shard(2, 2))
    with pytest.raises(UserError, match="some parts were made of files that changed since"):
        gather_parts(parts_folder(out), out)
    run(patches, model, out, shard=Shard(1, 2))
    gather_parts(parts_folder(out), out)


def test_parts_with_other_settings_are_told(patches, model, tmp_path) -> None:
    out = tmp_path / "p.csv"
    run(patches, model, out, shard=Shard(1, 2))
    run(patches, model, out, shard=Shard(2, 2), alone=True)
    with pytest.raises(UserError, match="some parts were made with other settings"):
        gather_parts(parts_folder(out), out)


def test_a_missing_part_is_named_and_nothing_is_written(patches, model, tmp_path) -> None:
    out = tmp_path / "p.csv"
    shards(patches, model, out, 2)
    shutil.rmtree(parts_folder(out) / "shard-2-of-2")
    with pytest.raises(UserError, match="part 2/2 is missing"):
        gather_parts(parts_folder(out), out)
    assert not out.exists()


def test_a_file_of_the_users_is_not_replaced(patches, model, tmp_path) -> None:
    out = tmp_path / "p.csv"
    shards(patches, model, out, 1)
    out.write_text("mine")
    with pytest.raises(UserError, match="not ours"):
        gather_parts(parts_folder(out), out)
    assert out.read_text() == "mine"


def test_parts_need_a_file(patches, model) -> None:
    with pytest.raises(UserError, match="name the whole with --out"):
        predict_paths([patches], model, out=None, screen=io.StringIO(), shard=Shard(1, 2))


def test_parts_of_files_of_which_none_can_be_used_are_an_error(tmp_path, model) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.png").write_bytes(b"x")
    with pytest.raises(UserError, match=r"no image could be used of 1 files: .*a\.png"):
        run(tmp_path / "d", model, tmp_path / "p.csv", executor=Processes(2))
