"""The examples in examples/scale: sound scripts that ask for what the commands have, and hand paths over whole."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from cancernet.cli import gather, slide

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "scale"
SCRIPTS = sorted(FOLDER.glob("*.sh"))
VERBS = {"slide": slide.command, "gather": gather.command}
CALL = re.compile(r"\bcancernet (\w+)((?:[^\n|]|(?<=\\)\n)*)")
OPTION = re.compile(r"(?<!\S)--[a-z-]+")
STUB = '#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word" >>"$TOLD"; done\nexit "${CODE:-0}"\n'
# what a folder may be called: a shell would divide the first, end a quotation at the second, and run the third
NAME = "my slides, it's $(rm) & more"

bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


def calls(text: str) -> list[tuple[str, str]]:
    """The verbs of CancerNet that a script calls, each with the rest of its line; comments are none."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("#", "//")))
    return CALL.findall(code)


def words(told: Path) -> list[str]:
    return told.read_text().splitlines()


def stubs(folder: Path, *names: str) -> dict[str, str]:
    """An environment in which commands write down what they were given; they end with CODE."""
    for name in names:
        (folder / name).write_text(STUB)
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "TOLD": str(folder / "told")}


@bash
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_sound_and_can_be_run(path: Path) -> None:
    subprocess.run(["bash", "-n", path], check=True)
    assert os.access(path, os.X_OK)
    assert "set -euo pipefail" in path.read_text()


@pytest.mark.parametrize("name", ["slurm.sh", "main.nf", "dask.sh"])
def test_an_example_asks_for_what_the_commands_have(name: str) -> None:
    found = calls((FOLDER / name).read_text())
    assert {verb for verb, _ in found} == ({"slide"} if name == "dask.sh" else {"slide", "gather"})
    for verb, rest in found:
        has = {option for each in VERBS[verb].params if isinstance(each, click.Option) for option in each.opts}
        asked = set(OPTION.findall(rest))
        assert asked <= has, verb
        assert verb == "gather" or {"--out", "--shard"} <= asked or {"--out", "--scheduler"} <= asked


@bash
@pytest.mark.parametrize(("code", "ends"), [(0, 0), (1, 0), (2, 2), (137, 137)])
def test_a_job_of_slurm_hands_paths_over_whole_and_fails_where_more_than_a_part_was_left_out(
    code: int, ends: int, tmp_path: Path
) -> None:
    environment = stubs(tmp_path, "cancernet") | {"SLURM_ARRAY_TASK_ID": "3", "CODE": str(code)}
    given = ["bash", FOLDER / "slurm.sh", "map", NAME, NAME, "7", "2"]
    ended = subprocess.run(given, env=environment, check=False)
    assert words(tmp_path / "told") == ["slide", NAME, "--out", NAME, "--shard", "3/7", "--threads", "2"]
    assert (ended.returncode == 0) == (ends == 0)


@bash
def test_slurm_gets_an_array_and_what_waits_for_it(tmp_path: Path) -> None:
    environment = stubs(tmp_path, "sbatch") | {"SLIDES": NAME, "OUT": NAME, "N": "7"}
    subprocess.run(["bash", FOLDER / "slurm.sh"], env=environment, check=True)
    told = words(tmp_path / "told")
    assert "--array=1-7" in told
    assert "--kill-on-invalid-dep=yes" in told
    assert told[told.index("map", 2) : told.index("map", 2) + 5] == ["map", NAME, NAME, "7", "2"]
    assert told[-2:] == ["gather", NAME]


@bash
def test_a_scheduler_that_does_not_start_ends_the_script(tmp_path: Path) -> None:
    environment = stubs(tmp_path, "dask", "cancernet")
    ended = subprocess.run(["bash", FOLDER / "dask.sh", NAME, NAME], env=environment, check=False, timeout=60)
    assert ended.returncode == 2
    assert "slide" not in words(tmp_path / "told")


def test_the_workflow_quotes_every_path_and_calls_nothing_a_failure_that_was_only_left_out() -> None:
    text = (FOLDER / "main.nf").read_text()
    found = calls(text)
    assert all("${quoted(params.out)}" in rest for _, rest in found)
    assert "${quoted(params.slides)}" in dict(found)["slide"]
    assert text.count(r"|| [ \$? -eq 1 ]") == len(found)
    assert len(re.findall(r"[{(]", text)) == len(re.findall(r"[})]", text))
