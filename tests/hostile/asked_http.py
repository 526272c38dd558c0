"""Requests that are hostile in their heads, their lengths, their pace, or in who asks."""

from __future__ import annotations

import itertools

from hostile.asked import FORM, HOST, SOUND, TOKEN, Hostile, chunked, dripped, form, get, head, part, posted
from hostile.wire import CLOSED

BAD = (400,)

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
    Hostile(
        "a length and chunks",
        lambda: posted(b"0\r\n\r\nGET /v1/model HTTP/1.1\r\n\r\n", FORM + "\r\nTransfer-Encoding: chunked"),
        BAD,
    ),
    Hostile(
        "chunks and a length",
        lambda: [
            head("POST /v1/predict HTTP/1.1", "Transfer-Encoding: chunked", FORM, "Content-Length: 4"),
            b"0\r\n\r\n",
        ],
        BAD,
    ),
    Hostile(
        "two lengths",
        lambda: [head("POST /v1/predict HTTP/1.1", "Content-Length: 4", "Content-Length: 5"), b"abcde"],
        BAD,
    ),
    Hostile(
        "two coders",
        lambda: [head("POST /v1/predict HTTP/1.1", "Transfer-Encoding: chunked, identity", FORM), b"0\r\n\r\n"],
        BAD,
    ),
    Hostile(
        "an unknown coder",
        lambda: [head("POST /v1/predict HTTP/1.1", "Transfer-Encoding: xchunked", FORM), b"0\r\n\r\n"],
        BAD,
    ),
    Hostile("a negative length", lambda: posted(b"x", length=-1), BAD),
    Hostile("a length with a sign", lambda: posted(b"x", length="+1"), BAD),
    Hostile("a length that is hexadecimal", lambda: posted(b"x", length="0x10"), BAD),
    Hostile("a length of 2^70", lambda: posted(b"x", length=2**70), (*BAD, 413)),
    Hostile("a length of a terabyte", lambda: posted(b"x", length=10**12), (413,)),
    Hostile("a length over the limit", lambda: posted(b"x", length=65_000_000), (413,)),
    Hostile("a chunk of a wrong size", lambda: [*chunked([]), b"zz\r\nabc\r\n"], BAD),
    Hostile("a chunk of 2^64 bytes", lambda: [*chunked([]), b"fffffffffffffffff\r\nabc\r\n"], BAD),
    Hostile(
        "an extension of a chunk without end",
        lambda: itertools.chain(chunked([]), [b"1;"], itertools.repeat(b"x" * 10_000)),
        (400, 431, CLOSED),
    ),
    Hostile(
        "trailers without end",
        lambda: itertools.chain(chunked([]), [b"0\r\n"], itertools.repeat(b"a: " + b"x" * 9000 + b"\r\n")),
        (400, 408, 422, 431, CLOSED),
    ),
    Hostile(
        "an upgrade to WebSocket",
        get(
            "/v1/model",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        ),
        (200, 400),
    ),
    Hostile(
        "an upgrade to HTTP/2",
        get("/v1/model", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
        (200, 400),
    ),
    Hostile(
        "an upgrade with a form", lambda: form(SOUND, fields=("Connection: Upgrade", "Upgrade: h2c")), BAD, "Upgrade"
    ),
    Hostile("a hundred requests at once", lambda: [head("GET /v1/model HTTP/1.1") * 100], (200, CLOSED)),
    Hostile("junk after a request", lambda: [head("GET /v1/model HTTP/1.1"), b"\0\xff" * 500], (200, 400, CLOSED)),
    Hostile("a body of a GET", lambda: [head("GET /v1/model HTTP/1.1", "Content-Length: 5"), b"hello"], (200,)),
    Hostile("an expectation nobody meets", get("/v1/model", "Expect: miracle"), (200, 417)),
]

SLOW = [
    Hostile("nothing at all", lambda: [1.8], (CLOSED,), slow=True),
    Hostile("half a head", lambda: [b"GET / HT"], (CLOSED, 408), slow=True),
    Hostile("a head byte by byte", lambda: dripped(b"GET / HTTP/1.1\r\na: ", b"x"), (CLOSED, 408), slow=True),
    Hostile("blank lines without end", lambda: dripped(b"\r\n", b"\r\n"), (CLOSED, 400), slow=True),
    Hostile("a body that does not come", lambda: posted(b"", length=5000), (408,), slow=True),
    Hostile("a body byte by byte", lambda: dripped(posted(b"", length=500_000)[0], b"x"), (408, 422), slow=True),
    Hostile("chunks byte by byte", lambda: chunked(dripped(b"--edge", b"x")), (408, 422), slow=True),
    Hostile("a body that ends early", lambda: posted(part(SOUND[1]), length=50_000), (CLOSED,), ends=True),
    Hostile(
        "leave to send, then nothing",
        lambda: [head("POST /v1/predict HTTP/1.1", FORM, "Content-Length: 500", "Expect: 100-continue")],
        (408,),
        slow=True,
    ),
    Hostile(
        "chunks without end",
        lambda: chunked(itertools.chain([part(b"")[:-2]], itertools.repeat(b"x" * 60_000))),
        (413,),
    ),
    Hostile(
        "one who does not read",
        lambda: [head("GET /v1/openapi.json HTTP/1.1") * 4, 1.0],
        (200, CLOSED),
        reads=False,
        slow=True,
    ),
]

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
    Hostile(
        "the question of a browser",
        get("/v1/predict", "Origin: http://evil.example", "Access-Control-Request-Method: POST", method="OPTIONS"),
        (403,),
    ),
    Hostile("no token", get("/v1/model", token=None), (401,)),
    Hostile("a wrong token", get("/v1/model", token="a-token-of-the-tesTs"), (401,)),
    Hostile("half of the token", get("/v1/model", token=TOKEN[:10]), (401,)),
    Hostile("an empty token", get("/v1/model", token=""), (401,)),
    Hostile("a token that is no ASCII", get("/v1/model", token="\xff" * 16), (401,)),
    Hostile("the token as a password", get("/v1/model", "Authorization: Basic OmEtdG9rZW4=", token=None), (401,)),
    Hostile("a token of 60,000 bytes", get("/v1/model", token="x" * 60_000), (401,)),
    Hostile(
        "a cookie of junk",
        get("/v1/model", 'Cookie: cancernet_session="\\377\\000"; ===;;;\x01', token=None),
        (400, 401),
    ),
    Hostile(
        "a cookie of 30,000 backslashes",
        get("/v1/model", 'Cookie: cancernet_session="' + "\\" * 30_000 + '"', token=None),
        (401,),
    ),
    Hostile("a made-up session", get("/v1/model", "Cookie: cancernet_session=" + "A" * 43, token=None), (401,)),
]
