"""The examples in the docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
NEED_TENSORFLOW = ("cancernet.training", "cancernet.networks")


def modules() -> list[str]:
    """Modules with an example, found by text: nothing is imported before its test runs."""
    return sorted(
        ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCE.rglob("*.py")
        if ">>> " in path.read_text("utf-8")
    )


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.train] if name.startswith(NEED_TENSORFLOW) else []) for name in modules()],
)
def test_the_examples_of_a_module_give_what_they_say(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted, f"{name} has a >>> that is no example"
    assert not found.failed


def test_the_main_ways_in_have_an_example() -> None:
    assert {"cancernet", "cancernet.model.model", "cancernet.prediction.predict"} <= set(modules())
