"""What may import what: packages stand in an order, and modules in no circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "cancernet"
ORDER = (
    "common",
    "data",
    "networks",
    "model",
    "context",
    "evaluation",
    "training",
    "report",
    "prediction",
    "explanation",
    "maps",
    "slide",
    "sites",
    "experiment",
    "serve",
    "cli",
)
FILES = {
    ".".join(("cancernet", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in SOURCE.rglob("*.py")
}


def imports(name: str, code: str, *, is_package: bool, known: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Yield line and module of every import of this package's, wherever in the file it stands."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = name.split(".")
                kept = parts[: len(parts) - node.level + is_package]
                base = ".".join([*kept, base] if base else kept)
            found = [
                whole if (whole := f"{base}.{alias.name}") in known else base for alias in node.names
            ]  # a module, or a name in one
        else:
            continue
        yield from ((node.lineno, each) for each in found if each.partition(".")[0] == "cancernet")


def all_imports() -> dict[str, list[tuple[int, str]]]:
    known = frozenset(FILES)
    return {
        name: list(imports(name, path.read_text("utf-8"), is_package=path.name == "__init__.py", known=known))
        for name, path in FILES.items()
    }


def package(module: str) -> str:
    return [*module.split("."), ""][1]


def upward(found: dict[str, list[tuple[int, str]]]) -> list[str]:
    """Every import of a package that stands later, as `file:line imports module`."""
    rank = {name: place for place, name in enumerate(ORDER)}
    return [
        f"{name}:{line} imports {other}"
        for name, each in sorted(found.items())
        if name != "cancernet"
        for line, other in each
        if other != "cancernet" and rank[package(other)] > rank[package(name)]
    ]


def test_every_package_has_a_place_in_the_order() -> None:
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert packages == set(ORDER)
    assert [path.name for path in SOURCE.glob("*.py")] == ["__init__.py"]


def test_nothing_imports_what_comes_after_it() -> None:
    offenders = upward(all_imports())
    assert not offenders, "\n".join(["", *offenders])


def circles(found: dict[str, list[tuple[int, str]]]) -> list[str]:
    """Every circle of imports, one edge of each taken away before the next is looked for."""
    graph = {name: {other for _, other in each} - {"cancernet", name} for name, each in found.items()}
    graph.pop("cancernet", None)
    listed = []
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle = error.args[1]
            listed.append(" <- ".join(circle))
            graph[circle[1]].remove(circle[0])
        else:
            return listed


def test_modules_import_each_other_in_no_circle() -> None:
    offenders = circles(all_imports())
    assert not offenders, "\n".join(["", *offenders])


def test_a_circle_is_found() -> None:
    near = {"cancernet.a": [(1, "cancernet.b")], "cancernet.b": [(1, "cancernet.a")]}
    assert len(circles(near)) == 1


def test_no_module_takes_more_than_the_version_from_the_top() -> None:
    """The public names are for users: through them a module would import what comes after it, unseen."""
    offenders = [
        f"{path}:{node.lineno}"
        for path in FILES.values()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "cancernet"
        if {alias.name for alias in node.names} != {"__version__"}
    ]
    assert not offenders


@pytest.mark.parametrize(
    "code",
    [
        "from cancernet.cli.main import main",
        "from cancernet.cli import main",
        "import cancernet.cli.main",
        "def late():\n    from cancernet.cli import main",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from cancernet.cli.main import main",
        "from ..cli import main",
    ],
)
def test_an_import_upward_is_found_wherever_it_stands(code: str) -> None:
    found = list(imports("cancernet.common.files", code, is_package=False, known=frozenset(FILES)))
    assert [other for _, other in found] == ["cancernet.cli.main"]
    assert upward({"cancernet.common.files": found})
