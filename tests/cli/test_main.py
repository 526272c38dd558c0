"""The entry point: quick help, one-line errors, exit codes that mean something."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

import cancernet as package
from cancernet.cli import main as entry
from cancernet.cli.main import VERBS, cli, main
from cancernet.common.errors import UserError

HEAVY = ("tensorflow", "keras", "pandas", "sklearn", "matplotlib", "onnxruntime")


@pytest.mark.parametrize(
    "verb", [(), *((verb,) for verb in VERBS), ("data", "check"), ("data", "sample")], ids=" ".join
)
def test_help_explains_and_imports_nothing_heavy(verb: tuple[str, ...]) -> None:
    watch = f"import atexit, sys\natexit.register(lambda: print('HEAVY', [m for m in {HEAVY!r} if m in sys.modules]))\n"
    code = watch + "from cancernet.cli import main; main()"  # in a new interpreter, which has imported nothing yet
    command = [sys.executable, "-c", code, *verb, "--help"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert ended.stdout.startswith("Usage: ")
    assert ended.stdout.rstrip().endswith("HEAVY []")
    assert ended.stderr == ""


def test_every_verb_is_listed_with_what_it_does(cancernet: Callable) -> None:
    shown = " ".join(cancernet("--help").stdout.split())
    for verb, does in VERBS.items():
        assert f"{verb} {does}" in shown


def test_the_version_is_that_of_the_package(cancernet: Callable) -> None:
    assert package.__version__ in cancernet("--version").stdout


@pytest.mark.parametrize("arguments", [("nonsense",), ("predict",), ("train", "--epochs", "x"), ("run", "--no-such")])
def test_a_command_that_makes_no_sense_exits_with_2(cancernet: Callable, arguments: tuple[str, ...]) -> None:
    ended = cancernet(*arguments)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "Error:" in ended.stderr


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int | str | None:
    """Run `main` with a command that raises; returns the exit code."""

    def broken(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "main", broken)
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (UserError("a: wrong; mend it"), 2, "cancernet: a: wrong; mend it\n"),
        (KeyboardInterrupt(), 130, "cancernet: interrupted"),
        (click.Abort(), 130, "cancernet: interrupted"),
        (OSError(errno.ENOSPC, "No space left", "out.csv"), 2, "the disk is full (out.csv)"),
        (OSError(errno.ENOSPC, "No space left"), 2, "the disk is full (while writing)"),
        (PermissionError(errno.EACCES, "Permission denied", "out.csv"), 2, "cannot write out.csv: Permission denied"),
        (OSError(errno.EROFS, "Read-only file system", "out.csv"), 2, "cannot write out.csv"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", ".out.tmp", None, "out"), 2, "cannot write out: Is a"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "a/b"), 2, "cannot write a/b"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_a_user_can_mend_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, says: str
) -> None:
    assert raising(monkeypatch, error) == code
    shown = capsys.readouterr().err
    assert says in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError(errno.EIO, "Input/output error")])
def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def broken(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "main", broken)
    with pytest.raises(type(error)):
        main()


def test_verbs_are_the_files_there_are() -> None:
    folder = Path(entry.__code__.co_filename).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "main", "options"}
    assert set(VERBS) == files
    assert "cancernet.cli.nonsense" not in sys.modules


@pytest.mark.parametrize(("verb", "goes_on"), [("run", True), ("slide", True), ("predict", False), ("map", False)])
def test_an_interruption_promises_to_go_on_only_where_that_is_true(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str, goes_on: bool
) -> None:
    monkeypatch.setattr(sys, "argv", ["cancernet", verb, "somewhere"])
    assert raising(monkeypatch, KeyboardInterrupt()) == 130
    assert ("goes on where it stopped" in capsys.readouterr().err) is goes_on


def test_a_command_that_is_told_to_end_ends_like_one_that_is_interrupted(
    cancernet: Callable, sample: Path, tmp_path: Path
) -> None:
    at_once = (
        "import os, signal\nfrom cancernet.model.model import Model\n"
        "Model.predict = lambda *_: os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    ended = cancernet("predict", sample, "--out", tmp_path / "p.csv", before=at_once)
    assert ended.returncode == 130
    assert ended.stderr.strip().endswith("cancernet: interrupted")
    assert list(tmp_path.iterdir()) == []
