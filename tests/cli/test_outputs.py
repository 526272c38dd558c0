"""Every command that writes keeps the same promises: nothing of the user's is lost, and two at once do not mix."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cancernet.common.output import Output
from cancernet.data.sample import write_sample

# verb -> arguments before --out, the kind of its folder, a file that it leaves
FOLDERS = {
    "evaluate": (("--model", "MODEL", "--data", "DATA"), "evaluate", "metrics.json"),
    "audit": (("--model", "MODEL", "--data", "DATA", "--max-patches", "9"), "audit", "audit.json"),
    "explain": (("DATA",), "explain", "index.html"),
    "map": (("DATA", "--model", "MODEL"), "map", "index.html"),
    "site": (("DATA", "--model", "MODEL"), "site", "site.json"),
    "slide": (("DATA/S011/1/tissue.png", "--mpp", "4"), "slide", "cohort.html"),
    "data from-slides": (
        ("DATA/S011/1/tissue.png", "--mpp", "4", "--annotations", "DATA", "--patient-is-slide"),
        "data from-slides",
        "catalog.csv",
    ),
    "plan": (("--results", "DATA"), "plan", "plan.html"),
    "data check": (("DATA",), "data check", "catalog.csv"),
    "run": (("--data", "DATA", "--weights", "none"), "run", "report.html"),
    "train": (("--recipe", "baseline", "--data", "DATA"), "train", "baseline"),
}
FILES = {"predict": ("DATA", "--model", "MODEL"), "card": ("--model", "MODEL"), "compare": ("RESULTS", "RESULTS")}
CHECKED = [
    pytest.param(verb, marks=[pytest.mark.train, pytest.mark.slow] if verb in ("run", "train") else [])
    for verb in FOLDERS
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("outputs") / "data", patients=12, patches_per_patient=6, seed=2)


def words(arguments: tuple[str, ...], model: Path, data: Path) -> list[str]:
    return [word.replace("MODEL", str(model)).replace("DATA", str(data)) for word in arguments]


@pytest.mark.parametrize("verb", CHECKED)
def test_a_folder_that_another_run_is_writing_is_refused(
    cancernet: Callable, one_line_error: Callable, model: Path, data: Path, tmp_path: Path, verb: str
) -> None:
    arguments, kind, _ = FOLDERS[verb]
    with Output(tmp_path / "out", kind):
        ended = cancernet(*verb.split(), *words(arguments, model, data), "--out", tmp_path / "out")
        assert "is being written by another cancernet" in one_line_error(ended)


@pytest.mark.parametrize("verb", CHECKED)
def test_a_file_of_the_users_is_met_before_the_work_and_kept(
    cancernet: Callable, one_line_error: Callable, model: Path, data: Path, tmp_path: Path, verb: str
) -> None:
    arguments, _, name = FOLDERS[verb]
    (tmp_path / "out").mkdir()
    mine = tmp_path / "out" / name
    mine.write_text("mine")
    ended = cancernet(*verb.split(), *words(arguments, model, data), "--out", tmp_path / "out")
    if verb == "train":  # it says so when it comes to it
        assert ended.returncode == 2
        assert "Traceback" not in ended.stderr
    else:
        assert "is not ours" in one_line_error(ended)
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("verb", [verb for verb in CHECKED if "slide" not in verb.values[0]])
def test_results_do_not_go_among_the_patches(
    cancernet: Callable, one_line_error: Callable, model: Path, data: Path, verb: str
) -> None:
    arguments, _, _ = FOLDERS[verb]
    before = sorted(data.rglob("*"))
    ended = cancernet(*verb.split(), *words(arguments, model, data), "--out", data / "results")
    assert "lies inside" in one_line_error(ended)
    assert sorted(data.rglob("*")) == before


@pytest.mark.parametrize("verb", ["predict", "card"])
def test_one_file_written_by_two_at_once_is_whole_and_the_second_is_refused(
    cancernet: Callable, model: Path, data: Path, tmp_path: Path, verb: str
) -> None:
    arguments = [verb, *words(FILES[verb], model, data), "--out", str(tmp_path / "out.txt")]
    command = [sys.executable, "-c", "from cancernet.cli import main; main()", *arguments]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
    ended = [each.wait() for each in both]
    assert set(ended) <= {0, 1, 2}
    assert min(ended) < 2  # one of them at least; where they met, the other was refused
    together = (tmp_path / "out.txt").read_text("utf-8")
    assert cancernet(*arguments).returncode in (0, 1)
    assert (tmp_path / "out.txt").read_text("utf-8") == together
    assert [item.name for item in tmp_path.iterdir() if ".tmp" in item.name] == []
