"""What is recorded of a machine tells versions, and nothing of whose it is."""

from __future__ import annotations

import getpass
import json
import platform
import socket
from importlib import metadata

import pytest

import cancernet
from cancernet.common import provenance as environment
from cancernet.common.provenance import machine, versions


def test_versions_name_this_package_python_and_numpy() -> None:
    found = versions()
    assert found["cancernet"] == cancernet.__version__
    assert found["python"] == platform.python_version()
    assert found["numpy"] == metadata.version("numpy")


def test_a_package_that_is_not_installed_is_left_out() -> None:
    assert set(versions(["numpy", "no-such-package-here"])) == {"cancernet", "python", "numpy"}


def test_the_machine_is_described_without_being_named() -> None:
    text = json.dumps(machine())
    assert machine()["cpus_used"] >= 1
    assert socket.gethostname() not in text
    assert f'"{getpass.getuser()}"' not in text


@pytest.mark.parametrize("switch", ["0", "1"])
def test_the_machine_says_which_kernels_trained(monkeypatch: pytest.MonkeyPatch, switch: str) -> None:
    monkeypatch.setenv(environment.ONEDNN, switch)
    assert machine()["onednn"] == switch
    monkeypatch.delenv(environment.ONEDNN)
    assert machine()["onednn"] not in ("0", "1")
