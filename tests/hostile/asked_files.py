"""Files that are hostile in their names or in what they hold."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import numpy as np

from hostile import images
from hostile.asked import END, SOUND, Hostile, form, part, posted
from hostile.files import encoded
from hostile.zips import honest_bomb, overlapping, packed

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


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


NAMES = [
    *map(
        named,
        (
            "../../../etc/passwd.png",
            "/etc/cron.d/x.png",
            "C:\\\\windows\\\\x.png",
            "..\\\\..\\\\x.png",
            "a\0b.png",
            "a%0d%0aSet-Cookie: x.png",
            "=cmd|' /C calc'!A0.png",
            "<img src=x onerror=alert(1)>.png",
            "x" * 3000 + ".png",
            "\u202egnp.exe.png",
            "a\x1b[31m.png",
            "NUL.png",
            "con.png",
            "файл.png",
            "🧬.png",
            "/" * 500 + "x.png",
            "a/" * 400 + "x.png",
        ),
    ),
    Hostile("a file without a name", lambda: form(("", SOUND[1])), (200,)),
    Hostile("a hidden file alone", lambda: form((".x.png", SOUND[1])), (422,)),
    Hostile(
        "a name that is no UTF-8",
        lambda: posted(part(SOUND[1], "NAME").replace(b"NAME", b"\xff\xfe.png") + END),
        (200,),
    ),
    Hostile("a CR and LF in a name", lambda: posted(part(SOUND[1], "a\r\nX: y.png") + END), (200, 422)),
    Hostile(
        "odd names as CSV", lambda: form(("=1+1.png", SOUND[1]), fields=("Accept: text/csv",)), (200,), "'=1+1.png"
    ),
]

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
    Hostile(
        "a zip that points outside", lambda: form(("x.zip", packed([("../../x.png", SOUND[1])]))), (422,), "outside"
    ),
    Hostile("a zip without members", lambda: form(("x.zip", packed([]))), (422,)),
    Hostile("a zip of a zip", lambda: form(("x.zip", packed([("y.zip", packed([SOUND]))]))), (422,)),
    Hostile("half of a zip", lambda: form(("x.zip", packed([SOUND])[:3000])), (422,)),
    Hostile("a text called zip", lambda: form(("x.zip", b"404 Not Found")), (422,)),
    Hostile("500 bad zips", lambda: form(*[("x.zip", b"PK\x03\x04")] * 500), (413, 422)),
    *(with_odd(*row) for row in (*images.PNG, *images.JPEG, *images.TIFF)),
    *(
        Hostile(
            f"{name} as a field",
            lambda content=content: form(("x.png", content()), path="/v1/fields?mpp=4", field="file"),
            (422,),
            slow=True,
        )
        for name, content, _ in images.PNG[:2]
    ),
    Hostile(
        "a patch of the wrong side", lambda: form(("x.png", encoded(np.zeros((51, 51, 3), np.uint8), "PNG"))), (422,)
    ),
    Hostile(
        "a PNG with its sizes swapped for 2^31",
        lambda: form(("x.png", SOUND[1][:16] + struct.pack(">II", 2**31 - 1, 2**31 - 1) + SOUND[1][24:])),
        (422,),
    ),
]
