"""The public Python API: what it lists, how light it is, and that the command line calls the same functions."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import cancernet

HEAVY = ("numpy", "pandas", "onnxruntime", "tensorflow", "keras", "matplotlib", "cv2", "sklearn", "click")
PUBLIC = {
    "ClassNames",
    "LabelRule",
    "Labels",
    "Model",
    "PatchClassifier",
    "PlanOptions",
    "SplitChoice",
    "TrainingOptions",
    "UserError",
    "adapt",
    "audit",
    "check_data",
    "compare",
    "evaluate",
    "explain",
    "load_model",
    "map_slide",
    "map_specimens",
    "patches_from_slides",
    "plan",
    "predict",
    "run",
    "site",
    "train",
}
FUNCTIONS = sorted(name for name in PUBLIC if name.islower())
VERBS = {  # file of the command line -> where the work is done, and by what
    "adapt": ("experiment.adapt", "adapt"),
    "audit": ("experiment.audit", "audit"),
    "card": ("report.card", "write_card"),
    "compare": ("experiment.compare", "compare"),
    "data": ("experiment.data", "check_data"),
    "evaluate": ("experiment.evaluate", "evaluate"),
    "explain": ("explanation.explain", "explain"),
    "gather": ("slide.shards", "gather_slides"),  # and `prediction.parts.gather_parts`
    "map": ("maps.report", "map_specimens"),
    "plan": ("experiment.plan", "plan"),
    "predict": ("prediction.predict", "predict_paths"),  # what `predict` does, in flat memory
    "run": ("experiment.run", "run"),
    "serve": ("serve.server", "serve"),
    "site": ("sites.site", "site"),
    "slide": ("slide.batch", "map_slide"),
    "train": ("experiment.train", "train"),
}


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, cancernet; print([name for name in {HEAVY} if name in sys.modules])"
    assert run_python(code).strip() == "[]"


def test_predicting_from_python_needs_no_tensorflow() -> None:
    code = (
        "import sys, numpy as np, cancernet\n"
        "cancernet.predict(np.full((1, 50, 50, 3), 150, 'uint8'))\n"
        "print([name for name in ('tensorflow', 'keras', 'matplotlib', 'sklearn') if name in sys.modules])"
    )
    assert run_python(code).strip() == "[]"


def test_the_public_names_are_those_that_are_meant() -> None:
    assert set(cancernet.__all__) == PUBLIC
    assert list(cancernet.__all__) == sorted(cancernet.__all__)
    assert set(cancernet.__all__) <= set(dir(cancernet))


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_name_is_there_and_says_what_it_is(name: str) -> None:
    found = getattr(cancernet, name)
    text = inspect.getdoc(found)
    assert text
    assert text.partition("\n")[0].endswith((".", "`."))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_tells_every_argument_and_what_it_raises(name: str) -> None:
    function = getattr(cancernet, name)
    text = inspect.getdoc(function) or ""
    assert "Args:" in text
    assert "Raises:" in text
    told = text.partition("Args:")[2].partition("Raises:")[0]
    missing = [each for each in inspect.signature(function).parameters if f"\n    {each}: " not in told]
    assert not missing


@pytest.mark.parametrize(
    "name", ["ClassNames", "LabelRule", "Labels", "PatchClassifier", "PlanOptions", "SplitChoice", "TrainingOptions"]
)
def test_a_public_class_tells_every_argument(name: str) -> None:
    found = getattr(cancernet, name)
    text = inspect.getdoc(found) or ""
    missing = [each for each in inspect.signature(found).parameters if f"\n    {each}: " not in text]
    assert not missing


@pytest.mark.parametrize("method", ["predict", "explain", "judge", "decide", "band", "read"])
def test_what_a_model_can_do_tells_what_it_raises(method: str) -> None:
    text = inspect.getdoc(getattr(cancernet.Model, method)) or ""
    assert "raises" in text.lower()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'diagnose'"):
        cancernet.diagnose  # noqa: B018


def test_the_types_are_shipped() -> None:
    assert Path(cancernet.__file__).with_name("py.typed").is_file()


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_verb_calls_the_function_that_python_calls(verb: str) -> None:
    module, name = VERBS[verb]
    path = Path(cancernet.__file__).parent / "cli" / f"{verb}.py"
    tree = ast.parse(path.read_text("utf-8"))
    imported = {
        (node.module, alias.name): alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert (f"cancernet.{module}", name) in imported
    local = imported[f"cancernet.{module}", name]
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert local in called


def test_every_verb_with_a_public_function_is_checked() -> None:
    verbs = {path.stem for path in (Path(cancernet.__file__).parent / "cli").glob("*.py")}
    assert verbs - set(VERBS) == {"__init__", "main", "options", "doctor", "recipes"}
