from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import cancernet.evaluation

MODULES = [module.name for module in pkgutil.iter_modules(cancernet.evaluation.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_run(name):
    module = importlib.import_module(f"cancernet.evaluation.{name}")
    assert doctest.testmod(module).failed == 0


def test_every_public_name_is_there():
    for name in cancernet.evaluation.__all__:
        assert callable(getattr(cancernet.evaluation, name))


def test_importing_it_loads_nothing_heavy():
    heavy = "tensorflow", "keras", "sklearn", "scipy", "cv2", "matplotlib"
    code = f"import sys, cancernet.evaluation; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
