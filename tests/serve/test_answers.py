"""The API's numbers are the command line's."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cancernet import predict
from cancernet.model.model import Model
from cancernet.serve.app import make_app
from cancernet.serve.settings import Settings

HOST = "localhost:8050"
CLOSE = 1e-6
Predicted = Callable[..., list[dict[str, str]]]


def sent(client: TestClient, files: list[tuple[str, bytes]], **asked: object) -> dict[str, dict[str, object]]:
    answer = client.post("/v1/predict", files=[("files", each) for each in files], params=asked)
    assert answer.status_code == 200, answer.text
    return {each["path"]: each for each in answer.json()["patches"]}


def alike(served: dict[str, dict[str, object]], rows: list[dict[str, str]], prefix: str) -> None:
    assert len(served) == len(rows) > 0
    for row in rows:
        each = served[row["path"].removeprefix(prefix)]
        assert each["probability"] == pytest.approx(float(row["probability"]), abs=CLOSE)
        assert each["alone"] == pytest.approx(float(row["alone"]), abs=CLOSE)
        assert (each["decision"], each["reason"], each["patient"]) == (row["decision"], row["reason"], row["patient"])


@pytest.fixture
def client(shipped: Model) -> TestClient:
    return TestClient(make_app(Settings(), shipped), base_url=f"http://{HOST}")


@pytest.mark.parametrize("asked", [{}, {"alone": "true"}, {"abstain": "0.2"}], ids=["plain", "alone", "abstain"])
def test_a_folder_has_the_answers_of_the_command_line(
    client: TestClient, patches: Path, predicted: Predicted, asked: dict[str, str]
) -> None:
    files = [(str(path.relative_to(patches)), path.read_bytes()) for path in sorted(patches.rglob("*.png"))]
    words = ["--alone"] if "alone" in asked else ["--abstain", asked["abstain"]] if asked else []
    served = sent(client, files, **asked)
    alike(served, predicted(patches, *words), f"{patches}/")
    if not asked:
        assert any(each["probability"] != each["alone"] for each in served.values())  # sections were taken in


def test_a_zip_has_the_answers_of_the_command_line(
    client: TestClient, patches: Path, predicted: Predicted, tmp_path: Path
) -> None:
    packed = tmp_path / "s.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(patches.rglob("*.png")):
            archive.write(path, path.relative_to(patches))
    served = sent(client, [("s.zip", packed.read_bytes())])
    rows = predicted(packed)
    assert len(rows) == len(served)
    by_name = {path.rpartition("/")[2]: each for path, each in served.items()}
    alike(by_name, [row | {"path": row["path"].rpartition("/")[2]} for row in rows], "")


def test_csv_is_that_of_the_command_line(client: TestClient, patches: Path) -> None:
    files = [(path.name, path.read_bytes()) for path in sorted(patches.rglob("*.png"))]
    answer = client.post("/v1/predict", files=[("files", each) for each in files], headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"].startswith("text/csv")
    assert list(rows[0]) == ["path", "patient", "x", "y", "probability", "decision", "reason", "alone"]
    assert len(rows) == len(files)


def test_a_file_that_cannot_be_used_is_told_beside_those_that_can(client: TestClient, patches: Path) -> None:
    good = next(patches.rglob("*.png"))
    files = [(good.name, good.read_bytes()), ("bad.png", b"GIF89a")]
    answer = client.post("/v1/predict", files=[("files", each) for each in files]).json()
    assert [each["path"] for each in answer["errors"]] == ["bad.png"]
    assert len(answer["patches"]) == 1


def test_an_explanation_has_the_probability_of_the_patch_alone(
    client: TestClient, patches: Path, shipped: Model
) -> None:
    good = sorted(patches.rglob("*.png"))[0]
    [found] = client.post("/v1/explain", files={"files": (good.name, good.read_bytes())}).json()["patches"]
    assert found["probability"] == pytest.approx(predict([good], model=shipped)["alone"][0], abs=CLOSE)
