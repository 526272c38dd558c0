"""Names as people and programs give them, and what lies beside patches."""

from __future__ import annotations

from hostile.case import Case
from hostile.trees import (
    BYTES,
    CHECK,
    EXPLAIN,
    LEFTOVERS,
    PREDICT,
    check,
    field,
    fill,
    leftovers,
    named,
    tar,
    tree,
    unnamed,
    written,
    zipped,
)

LEFT = [
    Case("what systems and people leave beside patches", leftovers, PREDICT, 0, ("patches: 1,",), ("errors.csv",)),
    Case(
        "the same in a zip",
        zipped("a.png", other=dict.fromkeys(LEFTOVERS, b"x")),
        ("predict", "HERE/d.zip", *PREDICT[2:]),
        0,
        ("patches: 1,",),
        ("errors.csv",),
    ),
    Case(
        "the same named one by one",
        leftovers,
        (
            "predict",
            *(f"HERE/d/{name}" for name in ("a.png", "Desktop.ini", "thumbs.db", "README", "readme.txt")),
            *PREDICT[2:],
        ),
        0,
        ("patches: 1,",),
        ("errors.csv",),
    ),
    Case(
        "nothing but leftovers",
        written("d/Thumbs.db", "x", lambda here: None),
        PREDICT,
        2,
        ("cancernet: no image could be used of 0 files",),
    ),
    Case(
        "a text that should be a patch is listed",
        written("d/b.txt", "x", named("a.png")),
        PREDICT,
        1,
        ("b.txt,not an image",),
    ),
]

ESCAPE = "\x1b[31mred\x1b]0;title\x07.png"
NAMES = [
    Case("a carriage return in a name", named("a\rb.png", "c.png"), PREDICT, 0, ('"a\nb.png"', "patches: 2,")),
    check("a carriage return in the names of a labelled folder", tree("{p}/{c}/a\r{i}.png"), "24 patches, 6 patients"),
    check("a line break in the names of a labelled folder", tree("{p}/{c}/a\n{i}.png"), "24 patches, 6 patients"),
    Case(
        "a formula as a name",
        named("=HYPERLINK(1).png", "+1.png", "-2.png", "@x.png", "\t=3.png", "'=4.png"),
        PREDICT,
        0,
        ("\n'=HYPERLINK(1).png,", "\n'+1.png,", "\n'-2.png,", "\n'@x.png,", "\n'\t=3.png,", "\n''=4.png,"),
        ("\n=HYP",),
    ),
    Case(
        "a formula among what could not be used",
        written("d/=1+1.png", "none", named("a.png")),
        PREDICT,
        1,
        ("\n'=1+1.png,not an image",),
    ),
    check(
        "a formula as a patient",
        tree("{p}/{c}/{i}.png", patients=("=1+1", "@x", "-y", "a", "b", "c")),
        "6 patients",
        ",'=1+1,",
        ",'@x,",
        ",'-y,",
    ),
    Case("what a terminal would obey, on the screen", named(ESCAPE), PREDICT[:4], 0, ("?[31mred?]0;title?.png,",)),
    Case(
        "what a terminal would obey, in a message",
        written(f"d/{ESCAPE}", "none", lambda here: None),
        PREDICT,
        2,
        ("cancernet: no image could be used of 1 files: ?[31mred?]0;title?.png: not an image",),
    ),
    Case(
        "what a terminal would obey, in a path that is not there",
        lambda here: None,
        ("predict", f"HERE/{ESCAPE}"),
        2,
        ("?[31mred?]0;title?.png: no such folder or file",),
    ),
    Case("a name written from right to left", named("a\u202egnp.exe.png"), PREDICT[:4], 0, ("a?gnp.exe.png,",)),
    Case(
        "what a terminal would obey, in a folder of labels",
        named(*tree(f"{{p}}/{{c}}/{ESCAPE}{{i}}.png")),
        CHECK[:3],
        0,
        ("24 patches, 6 patients",),
    ),
    Case(
        "a folder that is not UTF-8: predict", unnamed, ("predict", f"HERE/{BYTES}", *PREDICT[2:]), 0, ("patches: 12,",)
    ),
    Case(
        "a file in a folder that is not UTF-8: predict",
        lambda here: fill(here, [f"{BYTES}/a.png"]),
        ("predict", f"HERE/{BYTES}/a.png", *PREDICT[2:]),
        0,
        ("caf?/a.png,",),
    ),
    Case(
        "a folder that is not UTF-8: explain",
        unnamed,
        ("explain", f"HERE/{BYTES}", *EXPLAIN[2:]),
        0,
        ("patches: 12 explained",),
    ),
    Case(
        "a folder that is not UTF-8: map",
        unnamed,
        ("map", f"HERE/{BYTES}", *PREDICT[2:4], "--out", "OUT"),
        0,
        ("specimens: 6",),
    ),
    Case(
        "a folder that is not UTF-8: data check",
        unnamed,
        ("data", "check", f"HERE/{BYTES}", "--out", "OUT"),
        0,
        ("12 patches, 6 patients",),
    ),
    Case(
        "a folder that is not UTF-8: evaluate",
        unnamed,
        ("evaluate", "--data", f"HERE/{BYTES}", *PREDICT[2:4], "--out", "OUT", "--new-patients"),
        0,
        ("caf?", "report.html"),
    ),
    Case(
        "a folder of results that is not UTF-8",
        named("a.png"),
        (*PREDICT[:5], f"OUT/{BYTES}/p.csv"),
        0,
        ("caf?/p.csv",),
    ),
    Case(
        "a patch whose own name is not UTF-8",
        named("a.png", f"{BYTES}.png"),
        PREDICT,
        1,
        ("caf?.png,unreadable (its name is not valid UTF-8)",),
    ),
]

ARCHIVES = [
    Case(
        "a tar",
        written("d.tar", tar(), lambda here: None),
        ("predict", "HERE/d.tar"),
        2,
        ("d.tar: a tar archive, which cannot be read; unpack it and give the folder",),
    ),
    Case(
        "a compressed tar",
        written("d.tar.gz", tar("w:gz"), lambda here: None),
        ("data", "check", "HERE/d.tar.gz"),
        2,
        ("d.tar.gz: a tar archive, which cannot be read; unpack it and give the folder",),
    ),
    Case(
        "a 7z",
        written("d.7z", b"7z\xbc\xaf\x27\x1c\0\4", lambda here: None),
        ("predict", "HERE/d.7z"),
        2,
        ("d.7z: a 7z archive, which cannot be read; unpack it",),
    ),
    Case(
        "a rar called a zip",
        written("d.zip", b"Rar!\x1a\x07\1\0", lambda here: None),
        ("predict", "HERE/d.zip"),
        2,
        ("d.zip: a rar archive, which cannot be read; unpack it",),
    ),
    Case(
        "archives among patches",
        written(
            "d/b.tar", tar(), written("d/c.tgz", tar("w:gz"), written("d/e.rar", b"Rar!\x1a\x07\1\0", named("a.png")))
        ),
        PREDICT,
        1,
        ('b.tar,"a tar archive, which', 'c.tgz,"a tar archive, which', 'e.rar,"a rar archive, which'),
    ),
    Case(
        "a zip among patches",
        lambda here: (named("a.png")(here), zipped("b.png")(here / "d")),
        PREDICT,
        1,
        ('d.zip,"a zip archive among the patches; give it by itself, or unpack it"',),
    ),
    Case(
        "a zip among the patches of a zip",
        zipped("a.png", other={"b.zip": b"PK\x03\x04" + bytes(99)}),
        ("predict", "HERE/d.zip", *PREDICT[2:]),
        1,
        ('b.zip,"a zip archive among the patches; give it by itself',),
    ),
    Case(
        "a field of view among patches",
        field,
        PREDICT,
        1,
        (
            "too large for a patch (700x460 px; at most 50 a side); a field or slide is mapped by ",
            "`cancernet slide FILE --mpp",
        ),
    ),
]

CASES = [*LEFT, *NAMES, *ARCHIVES]
