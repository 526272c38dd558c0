"""A server tells who may reach it, and is not opened by mistake."""

from __future__ import annotations

import pytest

from cancernet.common.errors import UserError
from cancernet.serve.settings import Settings, check_exposure, is_loopback, token_of

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "lab.example"])
def test_others_are_let_in_only_with_a_token_or_by_name(host: str) -> None:
    with pytest.raises(UserError, match="lets other machines in"):
        check_exposure(Settings(host=host), insecure=False)
    check_exposure(Settings(host=host, token=TOKEN), insecure=False)
    check_exposure(Settings(host=host), insecure=True)


@pytest.mark.parametrize("token", ["short", "with spaces in it", "ümlaute-sind-keine"])
def test_a_token_that_can_be_guessed_or_not_be_sent_is_refused(token: str) -> None:
    with pytest.raises(UserError, match="--token needs"):
        check_exposure(Settings(token=token), insecure=False)


@pytest.mark.parametrize(
    ("host", "asked", "allowed"),
    [
        ("127.0.0.1", "localhost:8050", True),
        ("127.0.0.1", "LOCALHOST:8050", True),
        ("127.0.0.1", "[::1]:8050", True),
        ("::1", "[::1]:8050", True),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "localhost:8051", False),
        ("127.0.0.1", "evil.example:8050", False),
        ("127.0.0.1", "localhost.evil.example", False),
        ("127.0.0.1", "192.168.1.5:8050", False),
        ("127.0.0.1", "", False),
        ("0.0.0.0", "192.168.1.5:8050", True),
        ("0.0.0.0", "evil.example:8050", False),
        ("192.168.1.5", "192.168.1.5:8050", True),
        ("192.168.1.5", "localhost:8050", False),
    ],
)
def test_only_its_own_names_are_answered(host: str, asked: str, allowed: bool) -> None:
    assert Settings(host=host).allowed(asked) is allowed


def test_a_further_name_is_answered_with_the_port_it_was_said_with() -> None:
    settings = Settings(names=("lab.example",))
    assert settings.allowed("lab.example")
    assert settings.allowed("lab.example:443")
    assert not settings.allowed("sub.lab.example")


def test_loopback_is_told_by_the_address() -> None:
    assert [is_loopback(host) for host in ("127.8.8.8", "localhost", "[::1]", "10.0.0.1")] == [True, True, True, False]


def test_the_token_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANCERNET_TOKEN", TOKEN)
    assert token_of(None) == TOKEN
    assert token_of("given") == "given"
