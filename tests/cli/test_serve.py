"""`cancernet serve` says in one line why it does not start."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

pytest.importorskip("fastapi")

WITHOUT = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in ("fastapi", "uvicorn") else found(name, package)
"""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--host", "0.0.0.0"), "lets other machines in: give a --token"),
        (("--host", "::"), "lets other machines in: give a --token"),
        (("--token", "short"), "--token needs 16 ASCII characters"),
        (("--host", "192.0.2.1", "--insecure"), "cannot listen at 192.0.2.1"),
    ],
)
def test_what_cannot_be_or_must_not_be_is_refused(
    cancernet: Callable, one_line_error: Callable, words: tuple[str, ...], says: str
) -> None:
    assert says in one_line_error(cancernet("serve", "--port", "0", *words))


def test_a_port_that_is_taken_is_refused(cancernet: Callable, one_line_error: Callable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port}: " in one_line_error(cancernet("serve", "--port", port))


def test_an_extra_that_is_missing_is_named(cancernet: Callable, one_line_error: Callable) -> None:
    said = one_line_error(cancernet("serve", before=WITHOUT))
    assert said == "cancernet: serving needs fastapi, uvicorn; pip install 'cancernet[serve]'"
