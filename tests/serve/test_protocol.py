"""One connection costs no more than it may, whatever it sends or leaves unread."""

from __future__ import annotations

import itertools

import pytest

from hostile.asked import HOST, TOKEN, head, posted
from hostile.wire import CLOSED, exchange

WITHIN_S = 60.0


def status(port: int, *pieces: bytes, **options: bool) -> int:
    own = [each.replace(b"PORT", str(port).encode()) for each in pieces]
    return exchange(port, own, within_s=WITHIN_S, **options).status


def test_a_connection_that_asks_nothing_is_ended(port: int) -> None:
    assert status(port) == CLOSED


def test_blank_lines_after_an_answer_keep_no_connection_open(port: int) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S) as link:
        link.sendall(head("GET /healthz HTTP/1.1"))
        assert link.recv(10_000).startswith(b"HTTP/1.1 200")
        link.sendall(b"\r\n")
        assert link.recv(10_000) == b""


def test_the_rest_of_a_body_that_was_answered_is_not_waited_for_without_end(port: int) -> None:
    import socket

    [first, _] = posted(b"", length=500_000)
    with socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S) as link:
        link.sendall(first.replace(b"PORT", str(port).encode()))
        came = b""
        while got := link.recv(10_000):
            came += got
    assert came.startswith(b"HTTP/1.1 408")


def test_an_answer_is_not_lost_where_the_client_sends_on(port: int) -> None:
    body = b"x" * 3_000_000
    assert status(port, *posted(body, "Content-Type: text/plain", fields=("Connection: close",))) == 415


@pytest.mark.parametrize("fields", [101, 5000])
def test_a_head_of_very_many_fields_is_refused(port: int, fields: int) -> None:
    assert status(port, head("GET /v1/model HTTP/1.1", *["a: b"] * fields)) == 431


def test_a_head_without_end_is_refused(port: int) -> None:
    pieces = itertools.chain([head("GET / HTTP/1.1")[:-2] + b"a: "], itertools.repeat(b"x" * 20_000))
    assert exchange(port, pieces, within_s=WITHIN_S).status == 431


def test_what_a_trailer_says_counts_for_nothing(port: int) -> None:
    first = head("POST /v1/predict HTTP/1.1", "Transfer-Encoding: chunked", token=None)
    assert status(port, first, b"0\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n\r\n") == 401


def test_who_asks_for_leave_to_send_gets_it_or_the_refusal(port: int) -> None:
    first = head("POST /v1/predict HTTP/1.1", "Content-Length: 100", "Expect: 100-continue", token=None)
    assert status(port, first) == 401


def test_requests_without_number_ahead_of_their_answers_end_the_connection(port: int) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S) as link:
        link.sendall(head("GET /v1/model HTTP/1.1").replace(b"PORT", str(port).encode()) * 500)
        came = b""
        try:
            while got := link.recv(100_000):
                came += got
        except ConnectionResetError:
            pass
    assert came.count(b"HTTP/1.1 200") < 500


def test_a_good_request_after_a_good_one_shares_its_connection(port: int) -> None:
    import socket

    ask = f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S) as link:
        for _ in range(3):
            link.sendall(ask)
            assert link.recv(10_000).startswith(b"HTTP/1.1 200")
