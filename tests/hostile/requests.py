"""Requests of hostile and odd kinds, and how a server has to answer each."""

from __future__ import annotations

import io
import itertools
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from hostile import images
from hostile.files import encoded
from hostile.made import tissue
from hostile.wire import CLOSED, Piece
from hostile.zips import honest_bomb, overlapping, packed

HOST = "127.0.0.1:PORT"  # the port is put in when it is known
TOKEN = "a-token-of-the-tests"
EDGE = "edge"
SOUND = ("sound.png", encoded(tissue(), "PNG"))
DRIP = 0.02  # s between the bytes of one who is slow


class Hostile(NamedTuple):
    """A request and what must come of it."""

    name: str
    pieces: Callable[[], Iterable[Piece]]
    statuses: tuple[int, ...]  # any of them; CLOSED where HTTP leaves nothing to answer
    says: str = ""  # in the answer
    reads: bool = True
    ends: bool = False
    slow: bool = False  # takes as long as the server's patience


def head(line: str, *fields: str, host: str | None = HOST, token: str | None = TOKEN) -> bytes:
    """Return the head of a request."""
    lines = [line, *([f"Host: {host}"] if host is not None else [])]
    lines += [f"Authorization: Bearer {token}"] if token is not None else []
    return "\r\n".join([*lines, *fields, "", ""]).encode("latin-1")


def get(path: str, *fields: str, method: str = "GET", **options: str | None) -> Callable[[], list[Piece]]:
    """Return a request without a body."""
    return lambda: [head(f"{method} {path} HTTP/1.1", *fields, **options)]


def part(content: bytes, name: str = "x.png", field: str = "files", more: str = "") -> bytes:
    """Return a part of a form."""
    said = f'--{EDGE}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"{more}\r\n\r\n'
    return said.encode("utf-8") + content + b"\r\n"


def form(
    *files: tuple[str, bytes], path: str = "/v1/predict", field: str = "files", fields: tuple[str, ...] = ()
) -> list[Piece]:
    """Return a request with files."""
    return posted(b"".join(part(content, name, field) for name, content in files) + END, path=path, fields=fields)


END = f"--{EDGE}--\r\n".encode()
FORM = f"Content-Type: multipart/form-data; boundary={EDGE}"


def posted(
    body: bytes, kind: str = FORM, *, path: str = "/v1/predict", length: int | str | None = None,
    fields: tuple[str, ...] = (),
) -> list[Piece]:  # fmt: skip
    """Return a request with a body, whose length may be another than it states."""
    stated = len(body) if length is None else length
    return [head(f"POST {path} HTTP/1.1", kind, f"Content-Length: {stated}", *fields), body]


def json(body: bytes, path: str = "/v1/session") -> Callable[[], list[Piece]]:
    """Return a request with JSON."""
    return lambda: posted(body, "Content-Type: application/json", path=path)


def chunked(pieces: Iterable[Piece], *fields: str, path: str = "/v1/predict") -> Iterator[Piece]:
    """Yield a request whose body comes in chunks, not ended."""
    yield head(f"POST {path} HTTP/1.1", FORM, "Transfer-Encoding: chunked", *fields)
    for piece in pieces:
        yield piece if isinstance(piece, float) else b"%x\r\n%s\r\n" % (len(piece), piece)


def dripped(first: bytes, drop: bytes) -> Iterator[Piece]:
    """Yield something, and then drops without end."""
    yield first
    for _ in itertools.count():
        yield from (drop, DRIP)


def crowd(count: int) -> bytes:
    """Return a zip that lists very many empty files, in a list of few bytes each."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}.png", b"")
    return out.getvalue()


def bomb_of_many() -> bytes:
    """Return a zip whose members unpack to a great deal in all, none of them to much."""
    return packed([(f"{number}.png", bytes(950_000)) for number in range(400)])


def named(name: str, status: int = 200, says: str = "") -> Hostile:
    """Return a row of a sound patch under an odd name."""
    return Hostile(f"a file called {name!r:.40}", lambda: form((name, SOUND[1])), (status,), says)


def with_odd(name: str, content: Callable[[], bytes], reason: str) -> Hostile:
    """Return a row of an image that cannot be used beside one that can."""
    return Hostile(f"{name}", lambda: form(("odd.png", content()), SOUND), (200,), reason)


BAD, ALL = (400,), (401, 403, 404, 405, 421)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'

HTTP = [
    Hostile("no HTTP at all", lambda: [b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(200)], BAD),
    Hostile("a method that there is not", lambda: [b"EVIL / HTTP/1.1\r\n\r\n"], BAD),
    Hostile("another version of HTTP", lambda: [b"GET / HTTP/9.9\r\n\r\n"], BAD),
    Hostile("the preface of HTTP/2", lambda: [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], (400, 421)),
    Hostile("a tunnel", lambda: [head("CONNECT evil.example:443 HTTP/1.1")], BAD),
    Hostile("a request of the whole server", lambda: [head("OPTIONS * HTTP/1.1")], (*BAD, 404, 405)),
    Hostile("an address of another server", lambda: [head("GET http://evil.example/v1/x HTTP/1.1")], (*BAD, 404)),
    Hostile("a NUL in a head", lambda: [b"GET / HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\na: b\0c\r\n\r\n"], BAD),
    Hostile("a bare CR in a head", lambda: [b"GET / HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\na: b\rc\r\n\r\n"], BAD),
    Hostile("a field without a name", lambda: [b"GET / HTTP/1.1\r\n: x\r\n\r\n"], BAD),
    Hostile("a space before a colon", lambda: [b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"], BAD),
    Hostile("a folded field", lambda: [b"GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n"], (*BAD, 421)),
    Hostile("a field of a megabyte", lambda: [head("GET / HTTP/1.1")[:-2] + b"a: " + b"x" * 1_000_000], (431, CLOSED)),
    Hostile("ten thousand fields", get("/v1/model", *(f"a{number}: b" for number in range(10_000))), (431,)),
    Hostile("a path of a megabyte", get("/" + "x" * 1_000_000), (431, CLOSED, 400)),
    Hostile("a query of 60,000 bytes", get("/v1/model?" + "x" * 60_000), (200, 422)),
    Hostile("two hosts", get("/v1/model", f"Host: {HOST}"), (*BAD, 421)),
    Hostile("no host", get("/v1/model", host=None), (*BAD, 421)),
    Hostile("HTTP/1.0 without a host", lambda: [b"GET /v1/model HTTP/1.0\r\n\r\n"], (421,)),
    Hostile("a length and chunks", lambda: posted(b"0\r\n\r\nGET /v1/model HTTP/1.1\r\n\r\n", FORM + "\r\nTransfer-Encoding: chunked"), BAD),
    Hostile("chunks and a length", lambda: [head("POST /v1/predict HTTP/1.1", "Transfer-Encoding: chunked", FORM, "Content-Length: 4"), b"0\r\n\r\n"], BAD),
    Hostile("two lengths", lambda: [head("POST /v1/predict HTTP/1.1", "Content-Length: 4", "Content-Length: 5"), b"abcde"], BAD),
    Hostile("two coders", lambda: [head("POST /v1/predict HTTP/1.1", "Transfer-Encoding: chunked, identity", FORM), b"0\r\n\r\n"], BAD),
    Hostile("an unknown coder", lambda: [head("POST /v1/predict HTTP/1.1", "Transfer-Encoding: xchunked", FORM), b"0\r\n\r\n"], BAD),
    Hostile("a negative length", lambda: posted(b"x", length=-1), BAD),
    Hostile("a length with a sign", lambda: posted(b"x", length="+1"), BAD),
    Hostile("a length that is hexadecimal", lambda: posted(b"x", length="0x10"), BAD),
    Hostile("a length of 2^70", lambda: posted(b"x", length=2**70), (*BAD, 413)),
    Hostile("a length of a terabyte", lambda: posted(b"x", length=10**12), (413,)),
    Hostile("a length over the limit", lambda: posted(b"x", length=65_000_000), (413,)),
    Hostile("a chunk of a wrong size", lambda: [*chunked([]), b"zz\r\nabc\r\n"], BAD),
    Hostile("a chunk of 2^64 bytes", lambda: [*chunked([]), b"fffffffffffffffff\r\nabc\r\n"], BAD),
    Hostile("an extension of a chunk without end", lambda: itertools.chain(chunked([]), [b"1;"], itertools.repeat(b"x" * 10_000)), (400, 431, CLOSED)),
    Hostile("trailers without end", lambda: itertools.chain(chunked([]), [b"0\r\n"], itertools.repeat(b"a: " + b"x" * 9000 + b"\r\n")), (400, 408, 422, 431, CLOSED)),
    Hostile("an upgrade to WebSocket", get("/v1/model", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="), (200, 400)),
    Hostile("an upgrade to HTTP/2", get("/v1/model", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"), (200, 400)),
    Hostile("an upgrade with a form", lambda: form(SOUND, fields=("Connection: Upgrade", "Upgrade: h2c")), BAD, "Upgrade"),
    Hostile("a hundred requests at once", lambda: [head("GET /v1/model HTTP/1.1") * 100], (200, CLOSED)),
    Hostile("junk after a request", lambda: [head("GET /v1/model HTTP/1.1"), b"\0\xff" * 500], (200, 400, CLOSED)),
    Hostile("a body of a GET", lambda: [head("GET /v1/model HTTP/1.1", "Content-Length: 5"), b"hello"], (200,)),
    Hostile("an expectation nobody meets", get("/v1/model", "Expect: miracle"), (200, 417)),
]  # fmt: skip

SLOW = [
    Hostile("nothing at all", lambda: [1.8], (CLOSED,), slow=True),
    Hostile("half a head", lambda: [b"GET / HT"], (CLOSED, 408), slow=True),
    Hostile("a head byte by byte", lambda: dripped(b"GET / HTTP/1.1\r\na: ", b"x"), (CLOSED, 408), slow=True),
    Hostile("blank lines without end", lambda: dripped(b"\r\n", b"\r\n"), (CLOSED, 400), slow=True),
    Hostile("a body that does not come", lambda: posted(b"", length=5000), (408,), slow=True),
    Hostile("a body byte by byte", lambda: dripped(posted(b"", length=500_000)[0], b"x"), (408, 422), slow=True),
    Hostile("chunks byte by byte", lambda: chunked(dripped(b"--edge", b"x")), (408, 422), slow=True),
    Hostile("a body that ends early", lambda: posted(part(SOUND[1]), length=50_000), (CLOSED,), ends=True),
    Hostile("leave to send, then nothing", lambda: [head("POST /v1/predict HTTP/1.1", FORM, "Content-Length: 500", "Expect: 100-continue")], (408,), slow=True),
    Hostile("chunks without end", lambda: chunked(itertools.chain([part(b"")[:-2]], itertools.repeat(b"x" * 60_000))), (413,)),
    Hostile("one who does not read", lambda: [head("GET /v1/openapi.json HTTP/1.1") * 4, 1.0], (200, CLOSED), reads=False, slow=True),
]  # fmt: skip

WHO = [
    Hostile("another host", get("/v1/model", host="evil.example"), (421,)),
    Hostile("a host that ends like ours", get("/v1/model", host="127.0.0.1.evil.example:PORT"), (421,)),
    Hostile("our name with another port", get("/v1/model", host="127.0.0.1:1"), (421,)),
    Hostile("a host with a path", get("/v1/model", host=f"{HOST}/x"), (421,)),
    Hostile("a host of a user", get("/v1/model", host=f"user@{HOST}"), (421,)),
    Hostile("an empty host", get("/v1/model", host=""), (400, 421)),
    Hostile("another origin", get("/v1/model", "Origin: http://evil.example"), (403,)),
    Hostile("no origin's own page", get("/v1/model", "Origin: null"), (403,)),
    Hostile("the origin with another port", get("/v1/model", "Origin: http://127.0.0.1:1"), (403,)),
    Hostile("a page of another site", get("/v1/model", "Sec-Fetch-Site: cross-site"), (403,)),
    Hostile("a page of the same site", get("/v1/model", "Sec-Fetch-Site: same-site"), (403,)),
    Hostile("the question of a browser", get("/v1/predict", "Origin: http://evil.example", "Access-Control-Request-Method: POST", method="OPTIONS"), (403,)),
    Hostile("no token", get("/v1/model", token=None), (401,)),
    Hostile("a wrong token", get("/v1/model", token="a-token-of-the-tesTs"), (401,)),
    Hostile("half of the token", get("/v1/model", token=TOKEN[:10]), (401,)),
    Hostile("an empty token", get("/v1/model", token=""), (401,)),
    Hostile("a token that is no ASCII", get("/v1/model", token="\xff" * 16), (401,)),
    Hostile("the token as a password", get("/v1/model", "Authorization: Basic OmEtdG9rZW4=", token=None), (401,)),
    Hostile("a token of 60,000 bytes", get("/v1/model", token="x" * 60_000), (401,)),
    Hostile("a cookie of junk", get("/v1/model", "Cookie: cancernet_session=\"\\377\\000\"; ===;;;\x01", token=None), (400, 401)),
    Hostile("a cookie of 30,000 backslashes", get("/v1/model", 'Cookie: cancernet_session="' + "\\" * 30_000 + '"', token=None), (401,)),
    Hostile("a made-up session", get("/v1/model", "Cookie: cancernet_session=" + "A" * 43, token=None), (401,)),
]  # fmt: skip

WHAT = [
    *(Hostile(f"GET {path:.50}", get(path), (404, 400)) for path in (
        "/static/../settings.py", "/static/..%2f..%2fsettings.py", "/static/%2e%2e%2fsettings.py", "/static//etc/passwd",
        "/static/..%5c..%5csettings.py", "/static/a%00.png", "/static/" + "a" * 300 + ".png", "/static/%ff%fe.png",
        "/static/index.html%0d%0aSet-Cookie:a=b", "/static/.", "/static/con.png", "/v1/../etc/passwd", "//evil.example/",
        "/v1/model/", "/V1/MODEL", "/v1/nothing", "/docs", "/%00", "/v1/predict%00",
    )),
    *(Hostile(f"{method} where it may not be", get("/v1/predict", "Content-Length: 0", method=method), (405,))
      for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND")),
    Hostile("POST where it may not be", lambda: posted(b"x", path="/v1/model"), (405,)),
    *(Hostile(f"a question of {query:.40}", lambda query=query: form(SOUND, path=f"/v1/predict?{query}"), (422,))
      for query in ("abstain=NaN", "abstain=Infinity", "abstain=-1", "abstain=1e999", "abstain=x", "abstain=0.777",
                    "alone=perhaps", "abstian=0.1", "abstain=%00", "abstain=" + "9" * 5000)),
    *(Hostile(f"a scale of {query}", lambda query=query: form(("a.png", b"x"), path=f"/v1/fields?{query}", field="file"), (422,))
      for query in ("mpp=nan", "mpp=inf", "mpp=0", "mpp=-1", "mpp=1e-400", "mpp=21")),
    Hostile("JSON that is none", json(b"{token"), (422,)),
    Hostile("JSON 50,000 deep", json(b"[" * 50_000), (422,)),
    Hostile("JSON 40,000 objects deep", json(b'{"a":' * 15_000), (422,)),
    Hostile("a number of 90,000 digits", json(b'{"token":' + b"9" * 90_000 + b"}"), (422,)),
    Hostile("JSON with NaN", json(b'{"token": NaN}'), (422,)),
    Hostile("JSON of a wrong type", json(b'{"token": ["a"]}'), (422,)),
    Hostile("half of a surrogate pair", json(b'{"token": "\\ud800"}'), (401, 422)),
    Hostile("JSON that is no UTF-8", json(b'{"token": "\xff\xfe"}'), (401, 422)),
    Hostile("a wrong token to a session", json(b'{"token": "guess"}'), (401,)),
    Hostile("no JSON", json(b""), (422,)),
    Hostile("JSON over the limit", json(b'{"token": "' + b"x" * 200_000 + b'"}'), (413,)),
    Hostile("JSON to predict", json(b"{}", "/v1/predict"), (415,)),
    Hostile("no kind", lambda: posted(b"x", "X-A: b"), (415,)),
    Hostile("two kinds", lambda: posted(END, f"{FORM}\r\nContent-Type: application/json"), (415, 422)),
    Hostile("a form without a boundary", lambda: posted(END, "Content-Type: multipart/form-data"), (422,)),
    Hostile("an empty boundary", lambda: posted(END, 'Content-Type: multipart/form-data; boundary=""'), (422,)),
    Hostile("a boundary of 60,000 bytes", lambda: posted(END, "Content-Type: multipart/form-data; boundary=" + "x" * 60_000), (422,)),
    Hostile("another boundary than it states", lambda: posted(part(SOUND[1]).replace(b"edge", b"else") + END), (422,)),
    Hostile("a form that is not ended", lambda: posted(part(SOUND[1])), (422,)),
    Hostile("a form that ends in a part", lambda: posted(part(SOUND[1])[:2000]), (422,)),
    Hostile("an empty form", lambda: posted(END), (422,)),
    Hostile("an empty body", lambda: posted(b""), (422,)),
    Hostile("a part without a name", lambda: posted(b"--edge\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END), (422,)),
    Hostile("a part without a head", lambda: posted(b"--edge\r\n\r\nx\r\n" + END), (422,)),
    Hostile("a part with 100 fields", lambda: posted(b"--edge\r\n" + b"a: b\r\n" * 100 + part(b"x")[8:] + END), (422,)),
    Hostile("a part with a field of 100,000 bytes", lambda: posted(b"--edge\r\na: " + b"x" * 100_000 + b"\r\n" + part(b"x")[8:] + END), (422,)),
    Hostile("a file in a wrong field", lambda: form(SOUND, field="file"), (422,)),
    Hostile("files without a file", lambda: posted(b'--edge\r\nContent-Disposition: form-data; name="files"\r\n\r\nx\r\n' + END), (422,)),
    Hostile("a question in the form", lambda: posted(b'--edge\r\nContent-Disposition: form-data; name="alone"\r\n\r\n1\r\n' + part(SOUND[1]) + END), (422,)),
    Hostile("too many fields", lambda: posted(b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 5000 + END), (413, 422)),
    Hostile("a field of a megabyte", lambda: posted(b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 1_000_000 + b"\r\n" + END), (413,)),
    Hostile("too many files", lambda: form(*[("a.png", b"")] * 2001), (413,)),
    Hostile("2,000 files of one name", lambda: form(*[("a.png", b"")] * 2000), (422,)),
    Hostile("names in UTF-7", lambda: posted(part(SOUND[1], "+2AA-.png") + END, FORM + "; charset=utf-7"), (415,)),
    Hostile("names in punycode", lambda: posted(part(SOUND[1]) + END, FORM + "; charset=punycode"), (415,)),
    Hostile("names in a codec that is none", lambda: posted(part(SOUND[1]) + END, FORM + "; charset=zlib"), (415,)),
    Hostile("a form in a form's coding", lambda: posted(b"files=x", "Content-Type: application/x-www-form-urlencoded"), (415,)),
    Hostile("a packed body", lambda: form(SOUND, fields=("Content-Encoding: gzip",)), (415,)),
    Hostile("a form of other patches than are explained", lambda: form(*[("a.png", SOUND[1])] * 65, path="/v1/explain"), (413,)),
    Hostile("an answer nobody has", lambda: form(SOUND, fields=("Accept: image/gif",)), (406,)),
    Hostile("two fields at once", lambda: form(("a.png", b"x"), ("b.png", b"x"), path="/v1/fields", field="file"), (422,)),
    Hostile("a field of a kind there is not", lambda: form(("a.exe", b"MZ"), path="/v1/fields", field="file"), (415,)),
]  # fmt: skip

NAMES = [
    *map(named, (
        "../../../etc/passwd.png", "/etc/cron.d/x.png", "C:\\\\windows\\\\x.png", "..\\\\..\\\\x.png", "a\0b.png",
        "a%0d%0aSet-Cookie: x.png", "=cmd|' /C calc'!A0.png", "<img src=x onerror=alert(1)>.png", "x" * 3000 + ".png",
        "\u202egnp.exe.png", "a\x1b[31m.png", "NUL.png", "con.png", "файл.png", "🧬.png", "/" * 500 + "x.png",
        "a/" * 400 + "x.png",
    )),
    Hostile("a file without a name", lambda: form(("", SOUND[1])), (200,)),
    Hostile("a hidden file alone", lambda: form((".x.png", SOUND[1])), (422,)),
    Hostile("a name that is no UTF-8", lambda: posted(part(SOUND[1], "NAME").replace(b"NAME", b"\xff\xfe.png") + END), (200,)),
    Hostile("a CR and LF in a name", lambda: posted(part(SOUND[1], "a\r\nX: y.png") + END), (200, 422)),
    Hostile("odd names as CSV", lambda: form(("=1+1.png", SOUND[1]), fields=("Accept: text/csv",)), (200,), "'=1+1.png"),
]  # fmt: skip

FILES = [
    Hostile("an SVG", lambda: form(("x.svg", SVG)), (422,)),
    Hostile("a web page as PNG", lambda: form(("x.png", b"<html><script>alert(1)</script>")), (422,)),
    Hostile("a program", lambda: form(("x.png", b"\x7fELF" + bytes(5000))), (422,)),
    Hostile("a PDF", lambda: form(("x.png", b"%PDF-1.7" + bytes(5000))), (422,)),
    Hostile("nothing", lambda: form(("x.png", b"")), (422,)),
    Hostile("60 MB of zeros", lambda: form(("x.png", bytes(60_000_000))), (422,)),
    Hostile("a zip that is a bomb", lambda: form(("x.zip", honest_bomb())), (200,), "a bomb in the zip"),
    Hostile("a zip of 400 small bombs", lambda: form(("x.zip", bomb_of_many())), (413, 422)),
    Hostile("a zip whose members overlap", lambda: form(("x.zip", overlapping())), (422,)),
    Hostile("a zip of 100,000 files", lambda: form(("x.zip", crowd(100_000))), (413, 422)),
    Hostile("a zip that points outside", lambda: form(("x.zip", packed([("../../x.png", SOUND[1])]))), (422,), "outside"),
    Hostile("a zip without members", lambda: form(("x.zip", packed([]))), (422,)),
    Hostile("a zip of a zip", lambda: form(("x.zip", packed([("y.zip", packed([SOUND]))]))), (422,)),
    Hostile("half of a zip", lambda: form(("x.zip", packed([SOUND])[:3000])), (422,)),
    Hostile("a text called zip", lambda: form(("x.zip", b"404 Not Found")), (422,)),
    Hostile("500 bad zips", lambda: form(*[("x.zip", b"PK\x03\x04")] * 500), (413, 422)),
    *(with_odd(*row) for row in (*images.PNG, *images.JPEG, *images.TIFF)),
    *(Hostile(f"{name} as a field", lambda content=content: form(("x.png", content()), path="/v1/fields?mpp=4", field="file"), (422,), slow=True)
      for name, content, _ in images.PNG[:2]),
    Hostile("a patch of the wrong side", lambda: form(("x.png", encoded(np.zeros((51, 51, 3), np.uint8), "PNG"))), (422,)),
    Hostile("a PNG with its sizes swapped for 2^31", lambda: form(("x.png", SOUND[1][:16] + struct.pack(">II", 2**31 - 1, 2**31 - 1) + SOUND[1][24:])), (422,)),
]  # fmt: skip

ALL_REQUESTS = [*HTTP, *SLOW, *WHO, *WHAT, *NAMES, *FILES]
