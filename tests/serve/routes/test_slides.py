"""The routes of slides: what a page asks to list them, look at them and have them mapped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("pyvips")
pytest.importorskip("openslide")
from starlette.testclient import TestClient

from cancernet.serve import looks
from cancernet.serve.app import make_app
from cancernet.serve.job_schemas import Job, SlideAbout, SlidePage
from cancernet.serve.mapper import Mapper
from cancernet.serve.settings import Settings

sys.path.append(str(Path(__file__).parents[2] / "fixtures"))
from served import model, settings, write_slide

QUEUE = 3


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Map nothing, and look at slides in this process."""
    monkeypatch.setattr(Mapper, "_feed", lambda _: None)
    monkeypatch.setattr(looks, "apart", lambda function, asked, within_s: function(asked))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A server with a.tif, b/unscaled.tif and bad.svs."""
    chosen = settings(tmp_path, jobs=QUEUE)
    write_slide(tmp_path / "slides" / "a.tif", mpp=2.0)
    write_slide(tmp_path / "slides" / "b" / "unscaled.tif", mpp=None)
    (tmp_path / "slides" / "bad.svs").write_bytes(b"x")
    with TestClient(make_app(chosen, model())) as made:
        yield made


def ids(client: TestClient) -> dict[str, str]:
    return {each["name"]: each["id"] for each in client.get("/v1/slides").json()["slides"]}


def problem(answer: Any, status: int) -> str:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return answer.json()["detail"]


def test_slides_are_listed_as_the_schema_has_them_and_no_path_is_told(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "slides" / "link.tif").symlink_to(tmp_path)
    answer = client.get("/v1/slides")
    page = SlidePage.model_validate(answer.json())
    assert [each.name for each in page.slides] == ["a.tif", "b/unscaled.tif", "bad.svs"]
    assert [each.job for each in page.slides] == [None] * 3
    assert page.next is None
    assert str(tmp_path) not in answer.text


def test_pages_of_slides_leave_none_out(client: TestClient) -> None:
    found, after = [], ""
    while after is not None:
        page = client.get("/v1/slides", params={"limit": 1, "after": after}).json()
        found += [each["name"] for each in page["slides"]]
        after = page["next"]
    assert found == ["a.tif", "b/unscaled.tif", "bad.svs"]
    assert "no such slide" in problem(client.get("/v1/slides", params={"after": "f" * 16}), 422)
    problem(client.get("/v1/slides", params={"limit": 0}), 422)


def test_size_and_scale_of_a_slide_are_told(client: TestClient) -> None:
    about = SlideAbout.model_validate(client.get(f"/v1/slides/{ids(client)['a.tif']}").json())
    assert (about.width_px, about.height_px, about.mpp_x, about.mpp_y) == (300, 200, 2.0, 2.0)
    assert "TIFF" in about.mpp_source


def test_a_slide_without_a_scale_says_so_and_how_large_it_is(client: TestClient) -> None:
    answer = client.get(f"/v1/slides/{ids(client)['b/unscaled.tif']}")
    assert "pass mpp" in problem(answer, 422)
    assert answer.json()["type"] == "urn:cancernet:problem:scale-unknown"
    assert (answer.json()["width_px"], answer.json()["name"]) == (300, "b/unscaled.tif")


def test_what_is_no_slide_and_what_is_not_there_are_problems(client: TestClient) -> None:
    bad = ids(client)["bad.svs"]
    assert "named .svs" in problem(client.get(f"/v1/slides/{bad}"), 422)
    assert "no thumbnail" in problem(client.get(f"/v1/slides/{bad}/thumbnail"), 422)
    for path in ("", "/thumbnail"):
        problem(client.get(f"/v1/slides/{'0' * 16}{path}"), 404)
    problem(client.get("/v1/slides/a.tif"), 422)
    problem(client.get("/v1/slides/..%2fa.tif"), 404)


def test_a_thumbnail_is_a_jpeg_also_where_no_scale_is_known(client: TestClient) -> None:
    for name in ("a.tif", "b/unscaled.tif"):
        answer = client.get(f"/v1/slides/{ids(client)[name]}/thumbnail")
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.content[:2] == b"\xff\xd8"


def test_a_job_is_queued_and_told_where_it_is(client: TestClient) -> None:
    slide = ids(client)["a.tif"]
    answer = client.post(f"/v1/slides/{slide}/jobs", json={"mpp": 2.1, "stride": 25})
    assert answer.status_code == 202
    job = Job.model_validate(answer.json())
    assert (job.state, job.slide, job.name, job.mpp, job.stride) == ("queued", slide, "a.tif", 2.1, 25)
    assert answer.headers["location"] == f"/v1/jobs/{job.id}"
    assert client.get(answer.headers["location"]).json() == answer.json()
    assert client.get("/v1/slides").json()["slides"][0]["job"] == job.id


def test_a_request_without_a_body_takes_what_the_file_says(client: TestClient) -> None:
    assert client.post(f"/v1/slides/{ids(client)['a.tif']}/jobs").json()["mpp"] is None


def test_a_request_sent_twice_with_a_key_is_one_job(client: TestClient) -> None:
    to, key = f"/v1/slides/{ids(client)['a.tif']}/jobs", {"Idempotency-Key": "mine"}
    first = client.post(to, json={}, headers=key)
    again = client.post(to, json={}, headers=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert "another request" in problem(client.post(to, json={"mpp": 2.0}, headers=key), 422)
    assert len(client.get("/v1/jobs").json()["jobs"]) == 1


def test_a_full_queue_says_when_to_ask_again(client: TestClient) -> None:
    to = f"/v1/slides/{ids(client)['a.tif']}/jobs"
    for _ in range(QUEUE):
        assert client.post(to).status_code == 202
    answer = client.post(to)
    assert "3 jobs wait or run" in problem(answer, 429)
    assert int(answer.headers["retry-after"]) > 0
    assert 'cancernet_jobs{state="queued"} 3.0' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"mpp": 0.001}, "mpp 0.001: not between"),
        ({"mpp": -1}, "greater than 0"),
        ({"mpp": "2"}, "valid number"),
        ({"viewer_mpp": 5}, "viewer_mpp 5: give um a pixel"),
        ({"stride": 7}, "stride: give one of 50, 25, 10, 5"),
        ({"stride": 12.5}, "valid integer"),
        ({"slide": "/etc/passwd"}, "not permitted"),
        ([1], "valid dict"),
    ],
)
def test_what_no_slide_can_be_mapped_by_is_refused(client: TestClient, asked: Any, said: str) -> None:
    answer = client.post(f"/v1/slides/{ids(client)['a.tif']}/jobs", json=asked)
    assert said in problem(answer, 422)
    assert "--" not in answer.text
    assert client.get("/v1/jobs").json()["jobs"] == []


def test_a_server_without_slides_says_how_to_have_some(tmp_path: Path) -> None:
    with TestClient(make_app(Settings(state=tmp_path / "state", names=("testserver",)), model())) as client:
        assert "--slides" in problem(client.get("/v1/slides"), 404)
        assert "--slides" in problem(client.post(f"/v1/slides/{'0' * 16}/jobs"), 404)
        assert client.get("/v1/jobs").json() == {"jobs": [], "next": None}
