"""The table: whatever is given, the command ends, says what is wrong in its own words, and changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hostile import answers, bundles, folders, images, texts, zips
from hostile.case import Case

MODULES = (answers, bundles, folders, images, texts, zips)
CASES = [case for module in MODULES for case in module.CASES]
LEAST = 150  # rows


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., dict]]:
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "HOME": str(home), "CANCERNET_CACHE": str(home / "packs"), "MPLCONFIGDIR": str(home)}
    script = Path(__file__).with_name("zygote.py")
    process = subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )

    def run(**job: object) -> dict:
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield run
    process.stdin.close()
    process.wait()


def state(folder: Path) -> dict[str, str]:
    """What lies in a folder: a digest of each plain file, and what each other thing is."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file() and not path.is_symlink()
        else "other"
        for path in folder.rglob("*")
    }


def written(out: Path) -> str:
    """The text of what a command wrote."""
    files = sorted(path for path in out.rglob("*") if path.suffix in (".csv", ".json", ".html") and path.is_file())
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_the_table_is_long_and_no_two_rows_are_called_alike() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= LEAST


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_input(case: Case, zygote: Callable[..., dict], tmp_path: Path) -> None:
    here, out, log = tmp_path / "here", tmp_path / "out", tmp_path / "log"
    here.mkdir()
    case.make(here)
    before = state(here)
    arguments = [word.replace("HERE", str(here)).replace("OUT", str(out)) for word in case.arguments]
    ended = zygote(arguments=arguments, folder=str(here), log=str(log), seconds=case.seconds)
    screen = log.read_text(encoding="utf-8", errors="surrogateescape")
    assert ended["code"] == case.code, screen
    told = screen + written(out)
    assert "Traceback" not in screen
    for words in case.says:
        assert words in told, screen
    for words in case.says_not:
        assert words not in told, screen
    assert not any(c < " " and c not in "\t\n\r" for c in screen), "control characters reached the screen"
    assert ended["megabytes"] < case.megabytes
    assert state(here) == before
