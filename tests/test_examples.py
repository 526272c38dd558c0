"""The notebooks in examples/: they were run, hold nothing that they should not, and run again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "examples"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MACHINE = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|Users|private|usr)/|[A-Z]:\\\\")
MAX_BYTES = 600_000

nbformat: Any = pytest.importorskip("nbformat", reason="cancernet[dev] is not installed")


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_is_a_notebook() -> None:
    assert [path.name for path in NOTEBOOKS] == ["first_steps.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_was_run_from_top_to_bottom(path: Path) -> None:
    cells = code_cells(read(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells if not cell.source.rstrip().endswith(";"))
    assert not [output for cell in cells for output in cell.outputs if output.output_type in ("error", "stream")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_names_no_place_of_the_machine_it_ran_on(path: Path) -> None:
    assert path.stat().st_size < MAX_BYTES
    assert not MACHINE.search(path.read_text("utf-8"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_reads_no_patches_but_drawn_ones(path: Path) -> None:
    code = "\n".join(cell.source for cell in code_cells(read(path)))
    assert "write_sample(" in code
    assert "download(" not in code


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient", reason="cancernet[dev] is not installed")
    pytest.importorskip("ipykernel", reason="cancernet[dev] is not installed")
    monkeypatch.setenv("CANCERNET_CACHE", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = read(path)
    stored = [len(cell.outputs) for cell in code_cells(notebook)]
    nbclient.NotebookClient(
        notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert [len(cell.outputs) for cell in code_cells(notebook)] == stored
