"""The process that maps slides: the numbers of `cancernet slide`, whatever is killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cancernet.common.executor import InProcess
from cancernet.common.output import BEGUN
from cancernet.common.progress import progress
from cancernet.model.travel import ticket
from cancernet.serve import mapper, worker
from cancernet.serve.jobs import Asked, Jobs
from cancernet.serve.settings import Settings
from cancernet.serve.state import State
from cancernet.slide.batch import map_slide
from cancernet.slide.inputs import WORK, Options, SlideInput
from cancernet.slide.job import identify
from cancernet.slide.unit import Done, Unit

pytest.importorskip("pyvips")
pytest.importorskip("openslide")
pytest.importorskip("shapely")
sys.path.append(str(Path(__file__).parents[1] / "fixtures"))
import serve_workers
from served import model, settings, until, write_slide

MARK = "CANCERNET_TEST_MARK"
SAME = ("patches.csv", "tiles.geojson", "regions.geojson", "viewer/tiles/0/0_0.jpg")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What `cancernet slide` writes of the slide."""
    folder = tmp_path_factory.mktemp("whole")
    map_slide(write_slide(folder / "a.tif"), model(), out=folder / "out", threads=1, say=lambda _: None)
    return {name: (folder / "out" / "a" / name).read_bytes() for name in SAME}


def unit_of(path: Path, folder: Path) -> Unit:
    item = SlideInput(path)
    return Unit(item, folder, identify(item), ticket(model(), threads=1), Options())


def results(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in SAME}


def test_a_unit_is_mapped_as_the_command_maps_it(tmp_path: Path, whole: dict[str, bytes]) -> None:
    unit = unit_of(write_slide(tmp_path / "a.tif"), tmp_path / "made")
    assert worker.failure(InProcess(), unit) == ""
    assert results(tmp_path / "made") == whole
    assert not (tmp_path / "made" / BEGUN).exists()


def test_why_there_is_no_map_is_returned_and_nothing_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = unit_of(write_slide(tmp_path / "a.tif", mpp=None), tmp_path / "made")
    assert "no scale in the file" in worker.failure(InProcess(), unit)

    def full(_: Unit) -> Done:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(worker, "map_unit", full)
    assert worker.failure(InProcess(), unit) == "OSError: No space left on device"


def test_how_far_a_unit_is_can_be_read_beside_its_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = unit_of(write_slide(tmp_path / "a.tif"), tmp_path / "made")
    seen = []

    def read(unit: Unit) -> Done:
        (unit.folder / WORK).mkdir(parents=True)
        progress(total=4, what="read").update(1)
        seen.append(worker.progress_of(unit.folder))
        return Done()

    monkeypatch.setattr(worker, "map_unit", read)
    worker.map_told(unit)
    assert seen == [{"stage": "read", "share": 0.25}]
    assert worker.progress_of(tmp_path) is None


def test_the_process_ends_with_its_input() -> None:
    process = subprocess.run([sys.executable, "-c", worker.START], input=b"", capture_output=True, check=False)
    assert (process.returncode, process.stdout) == (1, b"")


@pytest.fixture
def open_jobs(tmp_path: Path) -> Callable[[Settings], Jobs]:
    return lambda chosen: Jobs(chosen, model(), State(chosen))


def submit(jobs: Jobs) -> str:
    [slide] = jobs.slides.list().slides.values()
    return jobs.submit(slide, Asked(), "").id


def test_a_worker_that_is_killed_in_the_middle_costs_nothing(tmp_path, whole, monkeypatch) -> None:
    monkeypatch.setattr(mapper, "START", serve_workers.BEGIN + "killed_once()")
    monkeypatch.setenv(MARK, str(tmp_path / "killed"))
    chosen = settings(tmp_path)
    write_slide(tmp_path / "slides" / "a.tif")
    with State(chosen) as state, Jobs(chosen, model(), state) as jobs:
        job = submit(jobs)
        until(lambda: jobs.get(job).state in ("done", "failed"))
        assert (tmp_path / "killed").exists()
        found = jobs.get(job)
        assert (found.state, found.attempts, found.error) == ("done", 2, "")
        assert jobs.workers == 2
    assert results(tmp_path / "state" / "jobs" / job) == whole


SERVER = """
import os, sys, time
from pathlib import Path
sys.path.append({fixtures!r})
import serve_workers
from served import model, settings
from cancernet.serve import mapper
from cancernet.serve.jobs import Asked, Jobs
from cancernet.serve.state import State
mapper.START = serve_workers.BEGIN + "stuck()"
chosen = settings(Path(sys.argv[1]))
with State(chosen) as state, Jobs(chosen, model(), state) as jobs:
    [slide] = jobs.slides.list().slides.values()
    print(jobs.submit(slide, Asked(), "").id, flush=True)
    sys.stdin.read()
"""


def test_a_server_that_is_killed_takes_its_worker_along_and_the_next_goes_on(tmp_path, whole, monkeypatch) -> None:
    mark = tmp_path / "stuck"
    monkeypatch.setenv(MARK, str(mark))
    write_slide(tmp_path / "slides" / "a.tif")
    code = SERVER.format(fixtures=str(Path(__file__).parents[1] / "fixtures"))
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        job = server.stdout.readline().strip()
        until(mark.exists)
        until(mark.read_text)
        server.send_signal(signal.SIGKILL)
    process = int(mark.read_text())
    until(lambda: not _runs(process))
    chosen = settings(tmp_path)
    with State(chosen) as state, Jobs(chosen, model(), state) as jobs:
        until(lambda: jobs.get(job).state in ("done", "failed"))
        found = jobs.get(job)
        assert (found.state, found.attempts, found.error) == ("done", 2, "")
    assert results(tmp_path / "state" / "jobs" / job) == whole


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
