"""A server that runs in a thread of the test, and one that is asked without a network."""

from __future__ import annotations

import csv
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from starlette.testclient import TestClient

from cancernet.model.model import Model, load_model
from cancernet.serve.app import make_app
from cancernet.serve.server import prepare
from cancernet.serve.settings import Limits, Settings
from hostile.asked import TOKEN
from hostile.made import write_tissue
from zygote import zygote

HOST = "localhost:8050"
V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
LIMITS = Limits(
    body_bytes=8_000_000, json_bytes=100_000, in_flight_bytes=20_000_000, patience_s=0.3, request_s=60.0, requests=30
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says nothing of the state folder has it here."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(scope="session")
def served_model() -> Model:
    return load_model(V1)


@pytest.fixture(scope="session")
def shipped() -> Model:
    return load_model()


@pytest.fixture
def ask(served_model: Model) -> Iterator[TestClient]:
    """Ask an application without a token."""
    with TestClient(make_app(Settings(), served_model), base_url=f"http://{HOST}") as client:
        yield client


@pytest.fixture(scope="session")
def port(shipped: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server with a token and little patience."""
    state = tmp_path_factory.mktemp("state") / "served"
    server, bound = prepare(Settings(port=0, token=TOKEN, limits=LIMITS, state=state), shipped)
    running = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    running.start()
    yield bound.getsockname()[1]
    server.should_exit = True
    running.join()


@pytest.fixture(scope="session")
def patches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two patients: whole sections of some patches, named as those of the public set."""
    folder = tmp_path_factory.mktemp("patches")
    for patient in (11, 12):
        for number in range(6):
            x, y = 1 + 50 * (number % 3), 1 + 50 * (number // 3)
            path = folder / str(patient) / str(number % 2)
            path.mkdir(parents=True, exist_ok=True)
            write_tissue(path / f"{patient}_idx5_x{x}_y{y}_class{number % 2}.png", seed=10 * patient + number)
    return folder


@pytest.fixture(scope="session")
def predicted(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., list[dict[str, str]]]]:
    """Run `cancernet predict ARGUMENTS` in a process of its own, and return the rows of its table."""
    with zygote({**os.environ, "CANCERNET_CACHE": str(cache)}) as run:

        def rows(*arguments: object) -> list[dict[str, str]]:
            out = tmp_path_factory.mktemp("predicted") / "p.csv"
            words, screen = ["predict", *map(str, arguments), "--out", str(out)], str(out.with_suffix(".txt"))
            ended = run(arguments=words, folder=str(out.parent), out=screen, err=screen)
            assert ended["code"] in (0, 1), Path(screen).read_text()
            with out.open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(line for line in file if not line.startswith("#")))

        yield rows
