"""The page on the server: its limits are the server's, its lines run, and no route is left out."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="cancernet[serve] is not installed")

import uvicorn

from cancernet.evaluation.agreement import MIN_PATCHES, MIN_PATIENTS
from cancernet.model.model import load_model
from cancernet.serve.answers import EXPLAINED
from cancernet.serve.app import make_app
from cancernet.serve.problems import PREFIX, TITLES
from cancernet.serve.server import bind
from cancernet.serve.settings import MIN_TOKEN, PORT, Limits, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "serve.md").read_text("utf-8")
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATIENCE = 200  # looks at a server that is starting, a twentieth of a second apart


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where a server listens."""
    model = load_model(ROOT / "tests" / "fixtures" / "bundle_v1")
    bound = bind("127.0.0.1", 0)
    settings = Settings(port=bound.getsockname()[1], state=tmp_path_factory.mktemp("served") / "state", threads=1)
    server = uvicorn.Server(uvicorn.Config(make_app(settings, model), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    for _ in range(PATIENCE):
        if server.started:
            break
        time.sleep(0.05)
    yield settings.port
    server.should_exit = True
    thread.join()


@pytest.fixture
def lines(port: int, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The code of the page, by language, for the server that runs, in a folder with what it reads."""
    monkeypatch.chdir(tmp_path)
    files = sorted(sample.rglob("*.png"))[:3]
    shutil.copy(files[0], "patch.png")
    with zipfile.ZipFile("patches.zip", "w") as archive:
        for file in files:
            archive.write(file, file.name)
    found: dict[str, list[str]] = {}
    for language, code in BLOCK.findall(PAGE):
        assert f"localhost:{PORT}" in code
        found.setdefault(language, []).append(code.replace(f"localhost:{PORT}", f"127.0.0.1:{port}"))
    return found


def test_the_python_client_runs(lines: dict[str, list[str]]) -> None:
    pytest.importorskip("httpx")
    [code] = lines["python"]
    told, names = io.StringIO(), dict[str, dict[str, list[dict[str, str]]]]()
    with contextlib.redirect_stdout(told):
        exec(compile(code, "docs/serve.md", "exec"), names)
    assert [each["path"] for each in names["answer"]["patches"]] == ["patch.png"]
    assert told.getvalue().startswith("[{'path': 'patch.png', ")


def test_the_lines_for_curl_run(lines: dict[str, list[str]]) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    said = []
    for line in "".join(lines["bash"]).splitlines():
        command = ["bash", "-c", line.replace("curl ", "curl -sSf ")]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        said.append(ran.stdout)
    predicted, table, review, _ = said
    assert '"path":"patch.png"' in predicted
    assert len(table.splitlines()) == 4
    assert '"verdict":"malignant"' in review
    assert zipfile.is_zipfile("reviews.zip")


def test_the_limits_are_the_servers() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,.]+)", PAGE.partition("## Limits")[2], re.MULTILINE))
    limits = Limits()
    assert rows == {each.name: f"{getattr(limits, each.name):,.10g}" for each in fields(Limits)}


def test_other_numbers_of_the_page_are_those_of_the_code() -> None:
    assert f"{EXPLAINED} patches are explained" in PAGE
    assert f"token of {MIN_TOKEN} characters" in PAGE
    assert f"fewer than {MIN_PATCHES} patches or {MIN_PATIENTS} known patients" in PAGE
    listed = PAGE.partition("`type` is one of")[2].partition("and a few more")[0]
    kinds = re.findall(rf"`(?:{PREFIX})?([a-z-]+)`", listed)
    assert len(kinds) > 5
    assert set(kinds) <= set(TITLES)


def test_no_route_is_left_out() -> None:
    app = make_app(Settings(), load_model(ROOT / "tests" / "fixtures" / "bundle_v1"))
    assert [path for path in app.openapi()["paths"] if f"{path}`" not in PAGE] == []
