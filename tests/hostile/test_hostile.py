"""The table: whatever is given, the command ends, says what is wrong in its own words, and changes nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostile import answers, bundles, folders, images, texts, zips
from hostile.case import Case
from zygote import Zygote, zygote

MODULES = (answers, bundles, folders, images, texts, zips)
CASES = [case for module in MODULES for case in module.CASES]
LEAST = 150  # rows
MOST_BYTES = 12_000_000_000  # of addresses: a bomb that gets through ends here and not in the machine


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "HOME": str(home), "CANCERNET_CACHE": str(home / "packs"), "MPLCONFIGDIR": str(home)}
    with zygote(environment) as found:
        yield found


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
def test_input(case: Case, commands: Zygote, tmp_path: Path) -> None:
    here, out, log = tmp_path / "here", tmp_path / "out", tmp_path / "log"
    here.mkdir()
    case.make(here)
    before = state(here)
    arguments = [word.replace("HERE", str(here)).replace("OUT", str(out)) for word in case.arguments]
    ended = commands(arguments=arguments, folder=str(here), out=str(log), err=str(log), most_bytes=MOST_BYTES)
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
