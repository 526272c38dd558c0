"""What a server is told, and what it bears."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path

from cancernet.common.errors import UserError
from cancernet.common.threads import available_cpus

PORT = 8050
MIN_TOKEN = 16  # characters; what is shorter is guessed
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Limits:
    """How much is borne before a request is refused, always before it is worked on.

    Attributes:
        body_bytes: of a request with patches; a patch has some 6 kB.
        field_bytes: of a request with a field.
        review_bytes: of a request with a judgement, which has one patch.
        json_bytes: of any other request.
        files: in a request.
        patches: in a request, zips unpacked.
        field_pixels: of a field.
        requests: at work or being read at once; what comes then is 503.
        in_flight_bytes: of all bodies being read or worked on.
        patience_s: for the head of a request, and before its body must come at `rate`.
        rate: bytes a second that a body must come at in the mean, its patience left aside.
        request_s: from the head of a request to the end of its answer.
        jobs: waiting or running; what comes then is 429.
        reviews: judgements kept, each with its patch; what comes then is 409.
        readers: who judge; likewise.
        keep_days: that results of jobs are kept.
    """

    body_bytes: int = 64_000_000
    field_bytes: int = 256_000_000
    review_bytes: int = 1_000_000
    json_bytes: int = 100_000
    files: int = 2_000
    patches: int = 10_000
    field_pixels: int = 250_000_000
    requests: int = 64
    in_flight_bytes: int = 300_000_000
    patience_s: float = 10.0
    rate: float = 8_000.0
    request_s: float = 120.0
    jobs: int = 100
    reviews: int = 100_000
    readers: int = 20
    keep_days: float = 30.0


@dataclass(frozen=True)
class Settings:
    """How a server is started.

    Attributes:
        host: address to listen at.
        port: likewise; 0 takes a free one.
        token: that every request must bear; "" for none.
        names: further host names under which browsers may reach it, as behind a proxy.
        slides: folder of slides that can be mapped; None for none.
        state: folder of jobs, their results and the reviews.
        scheduler: of Dask, which does the jobs in place of this machine.
        threads: CPU threads of the model.
        limits: what it bears.
    """

    host: str = "127.0.0.1"
    port: int = PORT
    token: str = ""
    names: tuple[str, ...] = ()
    slides: Path | None = None
    state: Path = Path("cancernet-serve")
    scheduler: str = ""
    threads: int = field(default_factory=available_cpus)
    limits: Limits = field(default_factory=Limits)

    def allowed(self, host: str) -> bool:
        """Whether a request's Host header is one that this server goes by; a page of another name is refused.

        So a name that an attacker lets point to this machine (DNS rebinding) gets no answer.
        """
        name, port = _split(host)
        if is_any(self.host) and _is_address(name):
            return True  # a server for all addresses is reached by any of them; rebinding needs a name
        known = {self.host.lower(), f"[{self.host.lower()}]", *map(str.lower, self.names)}
        if is_loopback(self.host) or is_any(self.host):
            known.update(LOOPBACK)
        return name in known and (port in ("", str(self.port)) or name in self.names)


def check_exposure(settings: Settings, *, insecure: bool) -> None:
    """Refuse a server that others could reach without a token.

    Raises:
        UserError: so it is, and nobody said `insecure`; or the token is too short.
    """
    if settings.token and (len(settings.token) < MIN_TOKEN or not settings.token.isascii() or " " in settings.token):
        raise UserError(
            f"--token needs {MIN_TOKEN} ASCII characters or more, without spaces; "
            'python -c "import secrets; print(secrets.token_urlsafe())" makes one'
        )
    if not is_loopback(settings.host) and not settings.token and not insecure:
        raise UserError(
            f"--host {settings.host} lets other machines in: give a --token TEXT (or CANCERNET_TOKEN) that they must "
            "have, or say --insecure"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("lab.example")
        (True, True, False, False)
    """
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host.strip("[]")).is_loopback


def is_any(host: str) -> bool:
    """Whether an address stands for all of a machine's."""
    return _is_address(host) and ipaddress.ip_address(host.strip("[]")).is_unspecified


def token_of(given: str | None) -> str:
    """Return the token that was given, or stands in the environment, which no list of processes shows."""
    return given or os.environ.get("CANCERNET_TOKEN", "")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _split(host: str) -> tuple[str, str]:
    """Return name and port of a Host header, in small letters."""
    host = host.lower()
    end = host.rfind("]")
    name, colon, port = host[end + 1 :].rpartition(":")
    return (host[: end + 1] + name, port) if colon else (host, "")
