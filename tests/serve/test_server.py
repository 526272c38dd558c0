"""A server takes the address it was given or says why not, and ends when it has answered."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import pytest

from cancernet.common.errors import UserError
from cancernet.serve.server import address, bind
from hostile.asked import SOUND, form

START = """
import sys
from pathlib import Path
from cancernet.model.model import load_model
from cancernet.serve.server import serve
from cancernet.serve.settings import Settings
serve(Settings(port=0), load_model(), say=lambda line: print(line, flush=True))
"""


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with bind("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(UserError, match=f"cannot listen at 127.0.0.1 port {port}: .*; give another --port"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "[::2]"])
def test_an_address_that_is_not_this_machines_is_told_in_one_line(host: str) -> None:
    with pytest.raises(UserError, match="cannot listen at"):
        bind(host, 0)


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_address_of_ipv6_is_taken_with_and_without_brackets(host: str) -> None:
    try:
        bound = bind(host, 0)
    except UserError:
        pytest.skip("no IPv6 here")
    with bound:
        assert bound.family == socket.AF_INET6
        assert address(host, bound) == f"http://[::1]:{bound.getsockname()[1]}/"


def test_the_address_that_is_shown_is_one_that_a_browser_takes() -> None:
    with bind("0.0.0.0", 0) as bound:
        assert address("0.0.0.0", bound) == f"http://127.0.0.1:{bound.getsockname()[1]}/"


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
    except OSError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 0)])
def test_a_request_at_work_is_answered_before_the_end(sent: signal.Signals, code: int) -> None:
    with subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition("/ (")[0].rpartition(":")[2])
        head, body = form(SOUND)
        assert isinstance(head, bytes)
        assert isinstance(body, bytes)
        with socket.create_connection(("127.0.0.1", port), timeout=60) as link:
            link.sendall(head.replace(b"PORT", str(port).encode()) + body[:100])
            link.sendall(body[100:200])
            with socket.create_connection(("127.0.0.1", port), timeout=60) as other:  # the first was taken by now
                other.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                assert other.recv(100).startswith(b"HTTP/1.1 200")
            process.send_signal(sent)
            while listens(port):
                pass
            link.sendall(body[200:])
            assert link.recv(100).startswith(b"HTTP/1.1 200")
        assert process.wait(60) == code
