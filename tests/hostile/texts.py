"""Text that is not what it should be: split files, recipes, numbers for a card or a comparison, our own records."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile.case import MODEL, Case
from hostile.made import write_tissue

Write = Callable[[Path], object]
CHECK = ("data", "check", "HERE/labelled", "--out", "OUT", "--cache", "OUT/cache", "--split-file", "HERE/s.csv")
RECIPES = ("recipes", "--recipe-file", "HERE/r.toml")
CARD = ("card", "--model", str(MODEL), "--metrics", "HERE/m.json", "--out", "OUT/card.md")
SITE = ("site", "HERE/labelled", "--model", str(MODEL), "--out", "OUT", "--reference", "HERE/r.json")
COMPARE = ("compare", "HERE/a", "HERE/b")


def labelled(here: Path) -> None:
    for patient in range(6):
        for label in (0, 1):
            folder = here / "labelled" / str(patient) / str(label)
            folder.mkdir(parents=True)
            name = f"{patient}_idx5_x1_y{1 + 50 * label}_class{label}.png"
            write_tissue(folder / name, seed=2 * patient + label)


def written(made: bytes | str | Write) -> Write:
    """What writes a file, from its content."""
    if isinstance(made, str):
        return lambda path: path.write_text(made, encoding="utf-8")
    return (lambda path: path.write_bytes(made)) if isinstance(made, bytes) else made


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(17_000_000)


NO_FILES: dict[str, tuple[Write, str]] = {
    "a device": (device, "it is a device or a pipe"),
    "a pipe": (os.mkfifo, "it is a device or a pipe"),
    "a folder": (Path.mkdir, "it is a folder"),
    "a link to nothing": (lambda path: path.symlink_to("nowhere"), "No such file"),
    "a link to itself": (lambda path: path.symlink_to(path), "cannot read"),
}
SPLITS: dict[str, tuple[bytes, str]] = {
    "a cell of 200,000 characters": (b"patient,split\n" + b"x" * 200_000 + b",train\n", "a line of 200,006 characters"),
    "a cell over 100,000 lines": (b'patient,split\n"' + b"x\n" * 100_000, "field larger than field limit"),
    "a quote without an end": (b'patient,split\n"0,train\n1,val\n2,test\n', "line 4: split '' is unknown"),
    "UTF-16 without its mark": ("patient,split\n0,train\n".encode("utf-16-le"), "it is not UTF-8 text"),
    "UTF-16 cut short": ("patient,split\n0,train\n".encode("utf-16")[:-1], "it is not UTF-8 text"),
    "bytes that are no text": (b"patient,split\n\xff\xfe,train\n", "it is not UTF-8 text"),
    "nothing": (b"", "needs the columns patient,split in its first line"),
    "zeros": (b"\0" * 1000, "it is not UTF-8 text"),
    "one column": (b"patient\n0\n", "needs the columns patient,split in its first line"),
    "rows cut short": (b"patient,split\n0\n", "line 2"),
    "a side that is none": (b"patient,split\n0,train\n1,holdout\n", "line 3: split 'holdout' is unknown"),
    "a patient on two sides": (b"patient,split\n0,train\n0,test\n", "line 3: patient 0 is in train already"),
    "commands for the terminal": (b"patient,split\n0,\x1b[31mtrain\n", "line 2: split "),
}
BASE = '[a]\nlike = "baseline"\n'
TOML: dict[str, tuple[str, str]] = {
    "nested 5,000 deep": ("a = " + "[" * 5000 + "]" * 5000, "recursion"),
    "tables nested 5,000 deep": ("a = " + "{b = " * 5000 + "1" + "}" * 5000, "recursion"),
    "a number of 5,000 digits": (BASE + "epochs = " + "9" * 5000, "digits"),
    "a rate that is no number": (BASE + "learning_rate = nan", "`$.learning_rate`"),
    "a rate without end": (BASE + "learning_rate = inf", "`$.learning_rate`"),
    "an unknown field": (BASE + "epoch = 3", "unknown field 'epoch'"),
    "an unknown network": ('[a]\nnetwork = "resnet"', "network is 'resnet'; it can be cnn, compact, mobilenet"),
    "an unknown layer": ('[a]\nlike = "transfer"\ntrain = "block_99_expand"', "train is 'block_99_expand'"),
    "a parent that is none": ('[a]\nlike = "nobody"', "no recipe table is called 'nobody'; there are: baseline"),
    "a circle": ('[a]\nlike = "b"\n[b]\nlike = "a"', "is like itself: a -> b -> a"),
    "2,000 each like the next": (
        BASE + "".join(f'[r{n}]\nlike = "{f"r{n - 1}" if n else "a"}"\n' for n in range(2000)),
        "like a recipe that is like another, over 20 times",
    ),
    "another network to continue from": (BASE + 'start_from = "transfer"', "of another network or input_size"),
    "a name that leads elsewhere": ('["../a"]\nlike = "baseline"', "recipe '../a'"),
    "a name with commands for the terminal": ('["\\u001b[31m"]\nlike = "baseline"', "recipe "),
    "no TOML": ("[a", "cannot read recipes from"),
}
NUMBERS: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{", "cannot read the metrics or audit"),
    "a list": (b"[]", "no object in JSON"),
    "nested 100,000 deep": (b'{"a":' + b"[" * 100_000, "recursion"),
    "a number of 5,000 digits": (b'{"a":' + b"9" * 5000 + b"}", "digits"),
    "NaN": (b'{"a": NaN}', "NaN is no number"),
    "1e999": (b'{"a": 1e999}', "1e999 is no number"),
    "nothing that a card needs": (b"{}", "lacks what a card needs"),
    "other kinds of values": (b'{"model": "tiny", "splits": 3, "models": 4}', "lacks what a card needs"),
    "sides of nothing": (b'{"model": "tiny", "splits": {}}', "lacks what a card needs"),
}

REFERENCES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{", "cannot read the reference"),
    "nested 100,000 deep": (b'{"of":' + b"[" * 100_000, "cannot read the reference"),
    "NaN": (b'{"n": NaN}', "cannot read the reference"),
    "nothing that a reference has": (b"{}", "`of`"),
}


def results(name: str = "tiny", threshold: Any = 0.5, rows: str = "a,p,1,0.7\nb,q,0,0.2\n") -> Callable[[Path], None]:
    """A folder of results, as far as `compare` reads one."""

    def make(folder: Path) -> None:
        folder.mkdir()
        metrics = {"model": name, "splits": {"test": {"operating_points": {"target_recall": {"threshold": threshold}}}}}
        (folder / "metrics.json").write_text(json.dumps(metrics))
        lines = [f"test,{row}\n" for row in rows.splitlines()]
        (folder / "predictions.csv").write_text("split,path,patient,label,probability\n" + "".join(lines))

    return make


RESULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a threshold that is a text": (results(threshold="high"), "no results with a side 'test'"),
    "a threshold of 7": (results(threshold=7), "a threshold that is none"),
    "no threshold": (results(threshold=None), "no results with a side 'test'"),
    "a probability of 189.7": (results(rows="a,p,1,189.7\nb,q,0,0.2\n"), "what is no probability"),
    "a probability that is no number": (results(rows="a,p,1,nan\nb,q,0,0.2\n"), "no results with a side 'test'"),
    "a probability in words": (results(rows="a,p,1,high\nb,q,0,0.2\n"), "no results with a side 'test'"),
    "a label of 7": (results(rows="a,p,7,0.7\nb,q,0,0.2\n"), "a label other than 0 and 1"),
    "a patch twice": (results(rows="a,p,1,0.7\na,p,1,0.7\n"), "more than once"),
    "no rows": (results(rows=""), "different patches"),
    "a row of too many cells": (results(rows="a,p,1,0.7\nb,q,0,0.2,1,2,3\n"), "no results with a side 'test'"),
}


def refused(name: str, make: Write, arguments: tuple[str, ...], says: str) -> Case:
    return Case(name, make, arguments, 2, ("cancernet: ", says))


def at(name: str, write: Write) -> Write:
    return lambda here: write(here / name)


OUTPUTS: dict[str, tuple[Write, str]] = {
    "a device": (device, "a device or a pipe"),
    "a pipe": (os.mkfifo, "a device or a pipe"),
    "a folder": (Path.mkdir, "it is a folder"),
    "a link to itself": (lambda path: path.symlink_to(path), "cannot write"),
    "a file of somebody else's": (lambda path: path.write_text("mine"), "is not ours"),
}


def of_a_newer_version(here: Path) -> None:
    labelled(here)
    (here / "own").mkdir()
    (here / "own" / ".cancernet.json").write_text('{"kind": "map", "owner": "", "files": [], "format": 99}')


def rows(
    what: str, name: str, cases: dict[str, tuple[Any, str]], command: tuple[str, ...], wrap: Any = None
) -> list[Case]:
    """A row a case: something else written as `name`."""
    return [
        refused(f"{what} {each}", (wrap or at)(name, written(made)), command, says)
        for each, (made, says) in cases.items()
    ]


def beside_patches(name: str, write: Write) -> Write:
    return lambda here: (labelled(here), write(here / name))


def compared(name: str, make: Write) -> Write:
    return lambda here: (results("other")(here / "a"), make(here / name))


CIRCLES = (
    ("predict", "HERE/o"), ("map", "HERE/o", "--out", "OUT"), ("explain", "HERE/o", "--out", "OUT"),
    ("slide", "HERE/o", "--out", "OUT"), ("site", "HERE/o", "--out", "OUT"),
    ("data", "check", "HERE/o"), ("map", "HERE", "--out", "HERE/o"),
    ("predict", "HERE", "--model", "HERE/o"),
)  # fmt: skip


def circle(here: Path) -> None:
    (here / "o").symlink_to(here / "o")


CASES = [
    *rows("a split file that is", "s.csv", NO_FILES, CHECK, beside_patches),
    *rows("a split file with", "s.csv", {"17 MB": (large, "larger than 16 MB"), **SPLITS}, CHECK, beside_patches),
    *rows("recipes that are", "r.toml", NO_FILES, RECIPES),
    *rows("recipes with", "r.toml", TOML, RECIPES),
    *rows("metrics that are", "m.json", NO_FILES, CARD),
    *rows("metrics with", "m.json", NUMBERS, CARD),
    *rows("a site's reference that is", "r.json", NO_FILES, SITE, beside_patches),
    *rows("a site's reference with", "r.json", REFERENCES, SITE, beside_patches),
    *rows("results with", "b", RESULTS, COMPARE, compared),
    *rows("an output that is", "o", OUTPUTS, ("predict", "HERE/labelled", "--out", "HERE/o"), beside_patches),
    *(refused(f"{' '.join(command)}: a link to itself", circle, command, "o") for command in CIRCLES),
    refused(
        "a folder of a newer version", of_a_newer_version,
        ("map", "HERE/labelled", "--out", "HERE/own", "--model", str(MODEL)), "written by a newer CancerNet",
    ),
]  # fmt: skip
