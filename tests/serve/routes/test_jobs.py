"""The routes of jobs: what became of them, their results and nothing else."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("pyvips")
pytest.importorskip("openslide")
pytest.importorskip("shapely")
from starlette.testclient import TestClient

from cancernet.serve import mapper as mappers
from cancernet.serve.app import make_app
from cancernet.serve.guard import PAGES
from cancernet.serve.job_schemas import Job, JobPage
from cancernet.serve.mapper import Mapper
from cancernet.serve.server import bind
from cancernet.serve.settings import Settings
from cancernet.slide.batch import map_slide

sys.path.append(str(Path(__file__).parents[2] / "fixtures"))
import serve_workers
from served import model, settings, until, write_slide

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, str, Path]:
    """A server's state with one job that was done by its worker, and what the command writes of that slide."""
    folder = tmp_path_factory.mktemp("served")
    chosen = settings(folder)
    slide = write_slide(folder / "slides" / "a.tif")
    with TestClient(make_app(chosen, model())) as client:
        [listed] = client.get("/v1/slides").json()["slides"]
        job = client.post(f"/v1/slides/{listed['id']}/jobs").json()["id"]
        until(lambda: client.get(f"/v1/jobs/{job}").json()["state"] in ("done", "failed"))
    map_slide(slide, model(), out=folder / "out", threads=1, say=lambda _: None)
    return chosen, job, folder / "out" / "a"


@pytest.fixture
def client(done: tuple[Settings, str, Path]) -> Iterator[TestClient]:
    """A server started again on that state."""
    with TestClient(make_app(done[0], model())) as made:
        yield made


@pytest.fixture
def idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A server with a slide that maps nothing."""
    monkeypatch.setattr(Mapper, "_feed", lambda _: None)
    write_slide(tmp_path / "slides" / "a.tif")
    with TestClient(make_app(settings(tmp_path), model())) as made:
        yield made


def submit(client: TestClient) -> str:
    [slide] = client.get("/v1/slides").json()["slides"]
    return client.post(f"/v1/slides/{slide['id']}/jobs").json()["id"]


def problem(answer: Any, status: int) -> str:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()["detail"]


def test_the_numbers_are_those_of_the_command_to_the_byte(client: TestClient, done) -> None:
    _, job, out = done
    told = Job.model_validate(client.get(f"/v1/jobs/{job}").json())
    assert (told.state, told.attempts, told.error, told.progress) == ("done", 1, "", None)
    assert told.model == model().graph_sha256
    for name in ("patches.csv", "regions.geojson", "tiles.geojson", "overlay.png", "viewer/tiles/0/0_0.jpg"):
        assert client.get(f"/v1/jobs/{job}/files/{name}").content == (out / name).read_bytes()


def test_a_job_that_is_done_has_a_summary_and_a_page(client: TestClient, done) -> None:
    told = client.get(f"/v1/jobs/{done[1]}").json()
    assert told["summary"]["patches"] > 0
    assert "path" not in told["summary"]
    page = client.get(told["viewer"])
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == PAGES
    assert "attachment" not in page.headers["content-disposition"]
    table = client.get(f"/v1/jobs/{done[1]}/files/patches.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == 'attachment; filename="patches.csv"'


def test_tiles_go_by_level_and_place(client: TestClient, done) -> None:
    tile = client.get(f"/v1/jobs/{done[1]}/tiles/0/0_0.jpg")
    assert tile.headers["content-type"] == "image/jpeg"
    assert tile.content == (done[2] / "viewer" / "tiles" / "0" / "0_0.jpg").read_bytes()
    problem(client.get(f"/v1/jobs/{done[1]}/tiles/0/7_0.jpg"), 404)
    problem(client.get(f"/v1/jobs/{done[1]}/tiles/a/0_0.jpg"), 422)


@pytest.mark.parametrize(
    "name",
    [
        "", "viewer", "viewer/", ".cancernet.json", "none.txt", "theirs.txt", "linked.txt", "viewer/linked.txt",
        "..%2f..%2fserve.sqlite", "viewer/..%2f..%2f..%2fserve.sqlite", "%2fetc%2fpasswd", "viewer/.hidden",
        "patches.csv%00.txt", "viewer%5c..%5c..%5cserve.sqlite",
    ],
)  # fmt: skip
def test_nothing_but_its_own_results_can_be_had(client: TestClient, done, name: str) -> None:
    folder = done[0].state / "jobs" / done[1]
    (folder / "theirs.txt").write_text("not in the record")
    (folder / "viewer" / ".hidden").write_text("x")
    for link in ("linked.txt", "viewer/linked.txt"):
        if not (folder / link).is_symlink():
            (folder / link).symlink_to(done[0].state / "serve.sqlite")
    problem(client.get(f"/v1/jobs/{done[1]}/files/{name}"), 404)


def test_jobs_are_listed_the_newest_first_page_by_page(idle: TestClient) -> None:
    made = [submit(idle) for _ in range(3)]
    found, after = [], ""
    while after is not None:
        page = JobPage.model_validate(idle.get("/v1/jobs", params={"limit": 2, "after": after}).json())
        found += [job.id for job in page.jobs]
        after = page.next
    assert found == made[::-1]
    idle.delete(f"/v1/jobs/{made[0]}")
    assert [job["id"] for job in idle.get("/v1/jobs", params={"state": "canceled"}).json()["jobs"]] == made[:1]
    problem(idle.get("/v1/jobs", params={"state": "removed"}), 422)
    problem(idle.get("/v1/jobs", params={"after": "0" * 16}), 404)


def test_a_waiting_job_is_canceled_and_then_removed(idle: TestClient) -> None:
    job = submit(idle)
    assert "queued" in problem(idle.get(f"/v1/jobs/{job}/files/viewer.html"), 409)
    assert idle.delete(f"/v1/jobs/{job}").status_code == 204
    assert idle.get(f"/v1/jobs/{job}").json()["state"] == "canceled"
    assert idle.delete(f"/v1/jobs/{job}").status_code == 204
    problem(idle.get(f"/v1/jobs/{job}"), 404)
    problem(idle.delete(f"/v1/jobs/{job}"), 404)
    problem(idle.get(f"/v1/jobs/{'0' * 16}/files/viewer.html"), 404)


def test_a_running_job_tells_how_far_it_is_and_is_ended_when_it_is_canceled(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(mappers, "START", serve_workers.BEGIN + "stuck()")
    monkeypatch.setenv("CANCERNET_TEST_MARK", str(tmp_path / "stuck"))
    write_slide(tmp_path / "slides" / "a.tif")
    with TestClient(make_app(settings(tmp_path), model())) as client:
        job = submit(client)
        until((tmp_path / "stuck").exists)
        told = Job.model_validate(client.get(f"/v1/jobs/{job}").json())
        assert told.state == "running"
        assert told.progress is not None
        assert told.progress.stage == "read"
        assert client.delete(f"/v1/jobs/{job}").status_code == 204
        assert client.get(f"/v1/jobs/{job}").json()["state"] == "canceled"
        assert not (tmp_path / "state" / "jobs" / job).exists()


def test_why_a_job_failed_is_told_in_words_of_the_api_without_a_path(idle: TestClient, tmp_path: Path) -> None:
    job, store = submit(idle), idle.app.state.engine.jobs.store
    store.end(store.claim("graph"), f"{tmp_path / 'slides' / 'a.tif'}: no scale; pass --mpp")
    told = idle.get(f"/v1/jobs/{job}").json()
    assert (told["state"], told["error"], told["viewer"]) == ("failed", "a.tif: no scale; pass mpp", None)


@pytest.mark.skipif(not CHROMIUM or not importlib.util.find_spec("playwright"), reason="needs Chromium and playwright")
def test_the_page_works_in_a_browser_under_its_policy(done) -> None:
    import uvicorn
    from playwright.sync_api import sync_playwright

    bound = bind("127.0.0.1", 0)
    port = bound.getsockname()[1]
    chosen = Settings(port=port, slides=done[0].slides, state=done[0].state, threads=1)
    server = uvicorn.Server(uvicorn.Config(make_app(chosen, model()), log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1200, "height": 800})
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
            tiles: list[int] = []
            page.on("response", lambda answer: tiles.append(answer.status) if ".jpg" in answer.url else None)
            until(lambda: server.started)
            page.goto(f"http://127.0.0.1:{port}/v1/jobs/{done[1]}/files/viewer.html", timeout=120_000)
            page.wait_for_selector("#stage canvas", timeout=120_000)
            until(lambda: page.evaluate("document.querySelector('#lacking') === null") and tiles)
            assert errors == []
            assert set(tiles) == {200}
            browser.close()
    finally:
        server.should_exit = True
        thread.join()
