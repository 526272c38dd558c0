"""Requests that ask wrongly: paths, methods, questions, JSON and forms."""

from __future__ import annotations

from hostile.asked import END, FORM, SOUND, Hostile, form, get, json, part, posted

WHAT = [
    *(
        Hostile(f"GET {path:.50}", get(path), (404, 400))
        for path in (
            "/static/../settings.py",
            "/static/..%2f..%2fsettings.py",
            "/static/%2e%2e%2fsettings.py",
            "/static//etc/passwd",
            "/static/..%5c..%5csettings.py",
            "/static/a%00.png",
            "/static/" + "a" * 300 + ".png",
            "/static/%ff%fe.png",
            "/static/index.html%0d%0aSet-Cookie:a=b",
            "/static/.",
            "/static/con.png",
            "/v1/../etc/passwd",
            "//evil.example/",
            "/v1/model/",
            "/V1/MODEL",
            "/v1/nothing",
            "/docs",
            "/%00",
            "/v1/predict%00",
        )
    ),
    *(
        Hostile(f"{method} where it may not be", get("/v1/predict", "Content-Length: 0", method=method), (405,))
        for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND")
    ),
    Hostile("POST where it may not be", lambda: posted(b"x", path="/v1/model"), (405,)),
    *(
        Hostile(f"a question of {query:.40}", lambda query=query: form(SOUND, path=f"/v1/predict?{query}"), (422,))
        for query in (
            "abstain=NaN",
            "abstain=Infinity",
            "abstain=-1",
            "abstain=1e999",
            "abstain=x",
            "abstain=0.777",
            "alone=perhaps",
            "abstian=0.1",
            "abstain=%00",
            "abstain=" + "9" * 5000,
        )
    ),
    *(
        Hostile(
            f"a scale of {query}",
            lambda query=query: form(("a.png", b"x"), path=f"/v1/fields?{query}", field="file"),
            (422,),
        )
        for query in ("mpp=nan", "mpp=inf", "mpp=0", "mpp=-1", "mpp=1e-400", "mpp=21")
    ),
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
    Hostile(
        "a boundary of 60,000 bytes",
        lambda: posted(END, "Content-Type: multipart/form-data; boundary=" + "x" * 60_000),
        (422,),
    ),
    Hostile("another boundary than it states", lambda: posted(part(SOUND[1]).replace(b"edge", b"else") + END), (422,)),
    Hostile("a form that is not ended", lambda: posted(part(SOUND[1])), (422,)),
    Hostile("a form that ends in a part", lambda: posted(part(SOUND[1])[:2000]), (422,)),
    Hostile("an empty form", lambda: posted(END), (422,)),
    Hostile("an empty body", lambda: posted(b""), (422,)),
    Hostile(
        "a part without a name", lambda: posted(b"--edge\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END), (422,)
    ),
    Hostile("a part without a head", lambda: posted(b"--edge\r\n\r\nx\r\n" + END), (422,)),
    Hostile("a part with 100 fields", lambda: posted(b"--edge\r\n" + b"a: b\r\n" * 100 + part(b"x")[8:] + END), (422,)),
    Hostile(
        "a part with a field of 100,000 bytes",
        lambda: posted(b"--edge\r\na: " + b"x" * 100_000 + b"\r\n" + part(b"x")[8:] + END),
        (422,),
    ),
    Hostile("a file in a wrong field", lambda: form(SOUND, field="file"), (422,)),
    Hostile(
        "files without a file",
        lambda: posted(b'--edge\r\nContent-Disposition: form-data; name="files"\r\n\r\nx\r\n' + END),
        (422,),
    ),
    Hostile(
        "a question in the form",
        lambda: posted(b'--edge\r\nContent-Disposition: form-data; name="alone"\r\n\r\n1\r\n' + part(SOUND[1]) + END),
        (422,),
    ),
    Hostile(
        "too many fields",
        lambda: posted(b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 5000 + END),
        (413, 422),
    ),
    Hostile(
        "a field of a megabyte",
        lambda: posted(
            b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 1_000_000 + b"\r\n" + END
        ),
        (413,),
    ),
    Hostile("too many files", lambda: form(*[("a.png", b"")] * 2001), (413,)),
    Hostile("2,000 files of one name", lambda: form(*[("a.png", b"")] * 2000), (422,)),
    Hostile("names in UTF-7", lambda: posted(part(SOUND[1], "+2AA-.png") + END, FORM + "; charset=utf-7"), (415,)),
    Hostile("names in punycode", lambda: posted(part(SOUND[1]) + END, FORM + "; charset=punycode"), (415,)),
    Hostile("names in a codec that is none", lambda: posted(part(SOUND[1]) + END, FORM + "; charset=zlib"), (415,)),
    Hostile(
        "a form in a form's coding",
        lambda: posted(b"files=x", "Content-Type: application/x-www-form-urlencoded"),
        (415,),
    ),
    Hostile("a packed body", lambda: form(SOUND, fields=("Content-Encoding: gzip",)), (415,)),
    Hostile(
        "a form of other patches than are explained",
        lambda: form(*[("a.png", SOUND[1])] * 65, path="/v1/explain"),
        (413,),
    ),
    Hostile("an answer nobody has", lambda: form(SOUND, fields=("Accept: image/gif",)), (406,)),
    Hostile(
        "two fields at once", lambda: form(("a.png", b"x"), ("b.png", b"x"), path="/v1/fields", field="file"), (422,)
    ),
    Hostile("a field of a kind there is not", lambda: form(("a.exe", b"MZ"), path="/v1/fields", field="file"), (415,)),
]
