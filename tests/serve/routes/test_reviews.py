"""Judgements over HTTP: what is kept, what is refused, and that an export is a labelled folder."""

from __future__ import annotations

import csv
import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi", reason="cancernet[serve] is not installed")

from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from cancernet.data.decode import decode
from cancernet.data.scan import content_hash
from cancernet.evaluation.agreement import MIN_PATCHES
from cancernet.experiment.data import check_data
from cancernet.model.model import Model, load_model
from cancernet.serve.app import make_app
from cancernet.serve.judgement import COLUMNS
from cancernet.serve.review_export import LEFT_OUT, csv_pieces, zip_pieces
from cancernet.serve.review_schemas import Agreement, Review, ReviewPage
from cancernet.serve.settings import Limits, Settings

BUNDLE = Path(__file__).resolve().parents[2] / "fixtures" / "bundle_v1"
HOME = "http://127.0.0.1:8050"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(BUNDLE)


@pytest.fixture
def client(model: Model, tmp_path: Path) -> Iterator[TestClient]:
    with serving(model, tmp_path) as made:
        yield made


def serving(model: Model, tmp_path: Path, **limits: int) -> TestClient:
    settings = Settings(state=tmp_path / "state", threads=1, limits=Limits(**limits))
    return TestClient(make_app(settings, model), base_url=HOME, raise_server_exceptions=False)


def patch(seed: int = 0, size: int = 50) -> bytes:
    pixels = np.random.default_rng(seed).integers(90, 220, (size, size, 3)).astype(np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def judge(client: TestClient, content: bytes | None = None, name: str = "a.png", **fields: str) -> Any:
    given = {"reader": "Anna", "verdict": "benign", **fields}
    return client.post("/v1/reviews", files={"file": (name, patch() if content is None else content)}, data=given)


def test_a_judgement_comes_back_with_what_the_model_says_of_the_patch_by_itself(client: TestClient) -> None:
    name = "8863_idx5_x51_y101_class1.png"
    answer = judge(client, path=f"a/{name}", note=" a\r\nb ")
    assert answer.status_code == 200
    told = answer.json()
    Review.model_validate(told)
    assert told["hash"] == content_hash(decode(patch()))
    assert (told["path"], told["patient"], told["stated"]) == (f"a/{name}", "8863", "malignant")
    assert (told["reader"], told["verdict"], told["note"]) == ("Anna", "benign", "a b")
    [said] = client.post("/v1/predict?alone=true", files={"files": (name, patch())}).json()["patches"]
    assert {key: told[key] for key in ("probability", "decision", "reason")} == {
        key: said[key] for key in ("probability", "decision", "reason")
    }
    page = client.get("/v1/reviews").json()
    ReviewPage.model_validate(page)
    assert page == {"reviews": [told], "next": None}


def test_the_same_pixels_judged_again_by_a_reader_are_judged_once(client: TestClient) -> None:
    judge(client)
    judge(client, name="renamed.png", verdict="malignant", reader=" Anna ")
    judge(client, reader="Bo")
    kept = client.get("/v1/reviews").json()["reviews"]
    assert [(each["reader"], each["verdict"], each["path"]) for each in kept] == [
        ("Anna", "malignant", "renamed.png"),
        ("Bo", "benign", "a.png"),
    ]


def test_a_reader_is_one_however_the_letters_are_written(client: TestClient) -> None:
    judge(client, reader="Zoe\u0308")
    judge(client, reader="Zo\u00eb")
    assert [each["reader"] for each in client.get("/v1/reviews?reader=Zoe%CC%88").json()["reviews"]] == ["Zo\u00eb"]


def test_pages_hold_all_judgements_once(client: TestClient) -> None:
    for seed in range(5):
        judge(client, patch(seed))
    found, after = [], ""
    while after is not None:
        page = client.get("/v1/reviews", params={"limit": 2, "after": after}).json()
        found += [each["hash"] for each in page["reviews"]]
        after = page["next"]
    assert found == [content_hash(decode(patch(seed))) for seed in range(5)]
    assert client.get("/v1/reviews?reader=Nobody").json() == {"reviews": [], "next": None}


def test_a_judgement_taken_back_is_gone_and_its_patch_with_the_last(client: TestClient) -> None:
    digest = judge(client).json()["hash"]
    judge(client, reader="Bo")
    database = client.app.state.engine.state.database  # type: ignore[attr-defined]
    for reader, left in (("Anna", 1), ("Bo", 0)):
        assert client.delete(f"/v1/reviews/{digest}", params={"reader": reader}).status_code == 204
        assert len(database.rows("SELECT 1 FROM reviewed")) == left
    gone = client.delete(f"/v1/reviews/{digest}", params={"reader": "Bo"})
    assert (gone.status_code, gone.json()["type"]) == (404, "urn:cancernet:problem:not-found")


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"content": b""}, 422, "a.png: empty"),
        ({"content": b"PK\x03\x04" + b"0" * 100, "name": "a.zip"}, 422, "a.zip: "),
        ({"content": b"no image"}, 422, "a.png: "),
        ({"content": patch()[:-20]}, 422, "a.png: "),
        ({"content": patch(size=10)}, 422, "a.png: "),
        ({"content": patch(size=300)}, 422, "a.png: "),
        ({"reader": ""}, 422, "reader has 0 characters"),
        ({"reader": " "}, 422, "reader has 0 characters"),
        ({"reader": "a" * 61}, 422, "reader has 61 characters"),
        ({"reader": "a\x1b[31m"}, 422, "control characters"),
        ({"reader": "a\u202eb"}, 422, "control characters"),
        ({"verdict": "maybe"}, 422, "verdict is 'maybe'; it has to be one of benign, malignant, unsure"),
        ({"verdict": ""}, 422, "verdict is ''"),
        ({"note": "a" * 1001}, 422, "note has 1,001 characters"),
        ({"path": "a" * 1001}, 422, "path has 1,001 characters"),
        ({"notes": "a"}, 422, "not 'notes'"),
    ],
)
def test_what_is_no_judgement_is_refused_and_nothing_kept(
    client: TestClient, given: dict[str, Any], status: int, said: str
) -> None:
    answer = judge(client, **given)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in str(answer.json()["detail"]), answer.json()
    assert client.get("/v1/reviews").json()["reviews"] == []


def test_more_than_a_patch_is_too_large_whether_it_says_so_or_not(client: TestClient) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    kind = {"content-type": "multipart/form-data; boundary=x"}
    for content in (head + b"0" * 1_000_100, iter([head, *([b"0" * 10_000] * 101)])):
        assert client.post("/v1/reviews", content=content, headers=kind).status_code == 413
    assert client.get("/v1/reviews").json()["reviews"] == []


def test_another_form_or_two_patches_are_refused(client: TestClient) -> None:
    assert client.post("/v1/reviews", json={"reader": "Anna"}).status_code == 415
    two = [("file", ("a.png", patch(1))), ("file", ("b.png", patch(2)))]
    answer = client.post("/v1/reviews", files=two, data={"reader": "Anna", "verdict": "benign"})
    assert (answer.status_code, answer.json()["detail"]) == (422, "send one patch at a time")
    assert client.post("/v1/reviews", files={"files": ("a.png", patch())}).status_code == 422


def test_a_name_is_text_whatever_it_is(client: TestClient) -> None:
    for seed, path in enumerate(("../../etc/x.png", "a\x1b[2J.png", "=HYPERLINK(1).png", ".png", "a" * 300 + ".png")):
        assert judge(client, patch(seed), path=path).status_code == 200, path
    paths = [each["path"] for each in client.get("/v1/reviews").json()["reviews"]]
    assert paths[:3] == ["../../etc/x.png", "a?[2J.png", "=HYPERLINK(1).png"]
    rows = list(csv.DictReader(io.StringIO(client.get("/v1/reviews/export.csv").text)))
    assert [row["path"] for row in rows][:3] == ["../../etc/x.png", "a?[2J.png", "'=HYPERLINK(1).png"]
    with zipfile.ZipFile(io.BytesIO(client.get("/v1/reviews/export.zip").content)) as archive:
        assert not [name for name in archive.namelist() if name.startswith("/") or ".." in name or len(name) > 130]
        assert len(archive.namelist()) == 6


def test_as_many_judgements_and_readers_are_kept_as_limits_say(model: Model, tmp_path: Path) -> None:
    with serving(model, tmp_path, reviews=3, readers=2) as client:
        assert judge(client, patch(1)).status_code == 200
        assert judge(client, patch(1), reader="Bo").status_code == 200
        third = judge(client, patch(1), reader="Cy")
        assert (third.status_code, third.json()["type"]) == (409, "urn:cancernet:problem:conflict")
        assert judge(client, patch(2)).status_code == 200
        assert judge(client, patch(3)).status_code == 409
        assert judge(client, patch(2), verdict="unsure").status_code == 200  # which replaces


def test_judgements_outlive_the_server(model: Model, tmp_path: Path) -> None:
    with serving(model, tmp_path) as client:
        kept = judge(client).json()
    with serving(model, tmp_path) as client:
        assert client.get("/v1/reviews").json()["reviews"] == [kept]


def test_agreement_is_of_each_reader_with_the_model_and_with_each_other(client: TestClient) -> None:
    assert client.get("/v1/reviews/agreement").json()["readers"] == []
    for seed in range(4):
        decision = judge(client, patch(seed), name=f"p{seed}_idx5_x1_y1.png").json()["decision"]
        judge(client, patch(seed), reader="Bo", verdict=decision, name=f"p{seed}_idx5_x1_y1.png")
    told = client.get("/v1/reviews/agreement").json()
    TypeAdapter(Agreement).validate_python(told)
    assert told["readers"] == ["Anna", "Bo"]
    assert [each["reader"] for each in told["with_model"]] == ["Anna", "Bo"]
    assert [(each["first"], each["second"]) for each in told["between"]] == [("Anna", "Bo")]
    for each in (*told["with_model"], *told["between"]):
        assert each["kappa"] is None
        assert each["reason"] == f"too few: {each['patches']} patches that both call, of {MIN_PATCHES} needed"
        assert each["patches"] + each["unsure"] == 4
    assert told["with_model"][1]["agreement"] in (None, 1.0)
    assert "Cohen 1960" in told["note"]


def test_what_another_model_said_is_not_compared(model: Model, tmp_path: Path) -> None:
    with serving(model, tmp_path) as client:
        judge(client)
        client.app.state.engine.state.database.rows("UPDATE reviews SET model = 'other'")  # type: ignore[attr-defined]
        told = client.get("/v1/reviews/agreement").json()
    assert told["with_model"][0]["patches"] + told["with_model"][0]["unsure"] == 0
    assert "1 judgements were made beside another model" in told["note"]


def test_the_zip_is_a_labelled_folder_that_data_check_takes(client: TestClient, sample: Path, tmp_path: Path) -> None:
    files = sorted(sample.rglob("*.png"))[::4]
    for i, file in enumerate(files):
        said = "unsure" if i == 3 else ("malignant" if "class1" in file.name else "benign")
        judge(client, file.read_bytes(), name=file.name, verdict=said)
    judge(client, files[0].read_bytes(), name=files[0].name, verdict="unsure", reader="Bo")
    sent = client.get("/v1/reviews/export.zip")
    assert sent.headers["content-disposition"] == 'attachment; filename="reviews.zip"'
    (tmp_path / "sent.zip").write_bytes(sent.content)
    found = check_data(tmp_path / "sent.zip", cache=tmp_path / "cache", say=lambda _: None)
    table = found.pack.table
    assert len(table) == len(files) - 2
    assert found.pack.quarantine.empty
    assert found.pack.layout == "patient/class"
    assert set(table["patient"]) == {file.name.partition("_")[0] for file in files}
    assert found.split.patient_safe
    for path, label in zip(table["path"], table["label"], strict=True):
        assert f"class{label}" in path
    with zipfile.ZipFile(tmp_path / "sent.zip") as archive:
        assert archive.testzip() is None
        left = list(csv.DictReader(io.StringIO(archive.read(LEFT_OUT).decode())))
    assert sorted((row["path"], row["reason"]) for row in left) == sorted(
        [(files[0].name, "readers differ"), (files[3].name, "unsure")]
    )
    assert {row["verdicts"] for row in left} >= {"Anna: unsure"}
    alone = client.get("/v1/reviews/export.zip?reader=Anna").content
    assert len(zipfile.ZipFile(io.BytesIO(alone)).namelist()) == len(files)  # all but the unsure one, and the list
    assert client.get("/v1/reviews/export.zip?reader=Nobody").status_code == 404


def test_exports_of_thousands_are_made_in_flat_memory(client: TestClient) -> None:
    judge(client)
    reviews = client.app.state.engine.reviews  # type: ignore[attr-defined]
    with reviews.database.writing() as connection:
        row = dict(connection.execute("SELECT * FROM reviews").fetchone())
        for i in range(5000):
            row |= {"hash": f"{i:032x}", "path": f"p{i % 50}_idx5_x{i}_y1.png", "patient": f"p{i % 50}"}
            connection.execute("INSERT INTO reviewed VALUES (?, zeroblob(6000))", (row["hash"],))
            cells = ", ".join(f":{name}" for name in COLUMNS)
            connection.execute(f"INSERT INTO reviews ({', '.join(COLUMNS)}) VALUES ({cells})", row)
    for pieces, least, most in ((csv_pieces, 500_000, 2_000_000), (zip_pieces, 30_000_000, 8_000_000)):
        tracemalloc.start()
        try:
            sizes = [len(piece) for piece in pieces(reviews.database)]
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert sum(sizes) > least
        assert peak < most, f"{pieces.__name__}: {peak:,} bytes"


def test_judgements_made_meanwhile_are_not_in_an_export_that_has_begun(client: TestClient) -> None:
    judge(client, patch(1))
    reviews = client.app.state.engine.reviews  # type: ignore[attr-defined]
    reading = reviews.database.reading()
    assert len(reading.execute("SELECT 1 FROM reviews").fetchall()) == 1
    judge(client, patch(2))
    assert len(reading.execute("SELECT 1 FROM reviews").fetchall()) == 1
    reading.close()


def test_reviews_need_the_token(model: Model, tmp_path: Path) -> None:
    settings = replace(Settings(state=tmp_path / "state", threads=1), token="t" * 20)
    with TestClient(make_app(settings, model), base_url=HOME) as client:
        for path in ("/v1/reviews", "/v1/reviews/export.csv", "/v1/reviews/export.zip", "/v1/reviews/agreement"):
            assert client.get(path).status_code == 401
        assert judge(client).status_code == 401
