"""Who may ask: the name of the host, the origin of the page, the token. Nothing of a request's body is read before.

A server on this machine is reached by every page that a browser on it has open. What such a page may not do is
settled here: a request must go to a name that is ours, and a browser must say that it comes from our own page.
"""

from __future__ import annotations

import hmac
import secrets
from collections import deque

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cancernet.serve.problems import Problem
from cancernet.serve.settings import Settings

OPEN = ("/healthz", "/readyz")  # for probes, under any name and without a token; they tell nothing
PUBLIC = ("/", "/static/", "/docs/")  # the page itself holds no secret; what it asks for does
LINKED = ("/", "/docs/")  # pages that others may link to
COOKIE = "cancernet_session"
COOKIES = 50  # that are looked at
SESSIONS = 100  # of browsers at once; the oldest goes
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
PAGES = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")  # results, which are opened as files too
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


class Sessions:
    """Browsers that have shown the token; their cookie is a secret of its own, which no page can read."""

    def __init__(self) -> None:
        self._known: deque[str] = deque(maxlen=SESSIONS)

    def open(self) -> str:
        """Return a new secret."""
        self._known.append(secrets.token_urlsafe(32))
        return self._known[-1]

    def knows(self, secret: str) -> bool:
        """Whether it is one that was opened; takes the same time whichever."""
        found = False
        for each in list(self._known):
            found |= hmac.compare_digest(each.encode(), secret.encode())
        return found


class Guard:
    """ASGI middleware.

    Args:
        app: what is guarded.
        settings: of the server.
        sessions: of browsers.
    """

    def __init__(self, app: ASGIApp, settings: Settings, sessions: Sessions) -> None:
        self._app, self._settings, self._sessions = app, settings, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = PAGES if "/files/" in scope["path"] else POLICY

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                secure(message, policy)
            await send(message)

        problem = None if scope["path"] in OPEN else self._refusal(scope)
        if problem is not None:
            await problem.response()(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._settings.allowed(hosts[0]):
            return Problem("misdirected", "this server does not go by that name; see --name")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{hosts[0].lower()}", f"https://{hosts[0].lower()}"):
            return Problem("forbidden", "only this server's own page may ask")
        path, site = scope["path"], headers.get("sec-fetch-site", "none")
        if path not in LINKED and site not in ("none", "same-origin"):
            return Problem("forbidden", "only this server's own page may ask")
        public = path == "/" or any(path.startswith(each) for each in PUBLIC[1:])
        if self._settings.token and not public and not self._is_known(headers):
            return Problem("unauthorized", "send the token of this server as Authorization: Bearer TOKEN")
        return None

    def _is_known(self, headers: Headers) -> bool:
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return hmac.compare_digest(shown.strip().encode(), self._settings.token.encode())
        shown_ones = [each.strip() for each in headers.get("cookie", "").split(";")]
        return any(
            self._sessions.knows(each[len(COOKIE) + 1 :]) for each in shown_ones if each.startswith(f"{COOKIE}=")
        )


def secure(message: Message, policy: str = POLICY) -> None:
    """Put headers that keep a page from doing what it should not into the begin of an answer, where it has none."""
    headers = MutableHeaders(scope=message)
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", policy)
