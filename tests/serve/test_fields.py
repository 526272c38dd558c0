"""A field is mapped as a slide is, or refused with its reason; nothing of it is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

from cancernet.common.executor import WorkerDiedError
from cancernet.serve import fields
from hostile.asked import SOUND
from hostile.made import tissue

ROWS = 6


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, ask: TestClient, tmp_path: Path) -> Iterator[TestClient]:
    """Fields are read in the process of the test."""
    monkeypatch.setattr(fields, "apart", lambda function, item, within_s: function(item))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield ask
    assert not list(tmp_path.iterdir())


def picture() -> bytes:
    rows = [np.hstack([tissue(ROWS * row + column) for column in range(ROWS)]) for row in range(ROWS)]
    return cv2.imencode(".png", np.vstack(rows)[..., ::-1])[1].tobytes()


def test_a_field_has_patches_areas_and_a_picture(here: TestClient) -> None:
    answer = here.post("/v1/fields", files={"file": ("f.png", picture())}, params={"mpp": 4})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["name"] == "f.png"
    assert len(told["patches"]) > 1
    assert told["summary"]["mpp"]["x"] == 4
    assert told["overlay"].startswith("data:image/png;base64,iVBOR")
    assert all(each["x"] + each["width"] <= 50 * ROWS + 1 for each in told["patches"])


def test_a_field_whose_scale_is_not_known_is_not_guessed(here: TestClient) -> None:
    answer = here.post("/v1/fields", files={"file": ("f.png", picture())})
    assert answer.json()["type"].endswith(":scale-unknown")
    assert "--mpp" not in answer.json()["detail"]


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [("f.exe", b"MZ", 415), ("f.png", SOUND[1][:2000], 422), ("f", b"x", 415), ("f.tif", b"II*\0", 422)],
)
def test_what_is_no_field_is_refused(here: TestClient, name: str, content: bytes, status: int) -> None:
    answer = here.post("/v1/fields", files={"file": (name, content)}, params={"mpp": 4})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    ("raised", "status"), [(WorkerDiedError("gone"), 422), (TimeoutError("no answer within 9 s"), 503)]
)
def test_what_ends_or_holds_up_its_process_ends_no_other(
    here: TestClient, monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(fields, "apart", fails)
    assert here.post("/v1/fields", files={"file": ("f.png", b"x")}, params={"mpp": 4}).status_code == status
