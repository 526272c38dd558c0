"""Pages come whole from one template, and bring no more than they need."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources

import jinja2
import pytest

from cancernet.common.version import __version__
from cancernet.report.page import fill


@pytest.mark.parametrize("name", ["report", "audit", "explain", "maps", "cohort", "viewer"])
def test_every_page_has_one_head_and_one_foot(name: str) -> None:
    """What all pages share lies in one template, and names its maker, by which a page of ours is known."""
    source = (resources.files("cancernet.report") / "templates" / f"{name}.html").read_text("utf-8")
    assert source.startswith('{% extends "base.html" %}')
    assert "<head>" not in source


def test_what_a_page_lacks_raises_and_leaves_no_hole() -> None:
    said = {"title": "Tumour maps", "model": "m", "thresholds": "", "context": None, "errors": [], "synthetic": True}
    with pytest.raises(jinja2.UndefinedError, match="pages"):
        fill("maps.html", said)
    page = fill("maps.html", {**said, "pages": []})
    assert '<meta name="generator" content="CancerNet">' in page
    assert page.startswith("<!doctype html>")
    assert "<title>Tumour maps</title>" in page
    assert "Synthetic data: not evidence" in page
    assert f"CancerNet {__version__}. Research use only." in page
    assert "Synthetic" not in fill("maps.html", {**said, "pages": [], "synthetic": False})


def test_a_page_brings_neither_scikit_learn_nor_figures() -> None:
    """They take a second to load, longer than a small slide takes to map."""
    code = "import sys, cancernet.report.page; print(sorted({'sklearn', 'scipy', 'matplotlib'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
