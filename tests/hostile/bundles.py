"""Bundles that are not what they say: graphs, manifests, lists of files, remembered patches."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from hostile import graphs
from hostile.case import Case
from hostile.graphs import bundle, constant, endless, explaining, large, model, shaped, taking
from hostile.made import write_tissue

Make = Callable[[Path], object]
PREDICT = ("predict", "HERE/patches", "--out", "OUT/p.csv", "--model", "HERE/model")
COMMANDS = {
    "predict": PREDICT,
    "map": ("map", "HERE/sections", "--out", "OUT", "--model", "HERE/model"),
    "explain": ("explain", "HERE/patches", "--out", "OUT", "--model", "HERE/model"),
    "evaluate": ("evaluate", "--data", "HERE/labelled", "--out", "OUT", "--model", "HERE/model"),
    "audit": ("audit", "--data", "HERE/labelled", "--out", "OUT", "--model", "HERE/model"),
    "slide": ("slide", "HERE/patches/7_x1_y1.png", "--mpp", "4", "--out", "OUT", "--model", "HERE/model"),
    "site": ("site", "HERE/patches", "--out", "OUT", "--model", "HERE/model"),
    "card": ("card", "--out", "OUT/card.md", "--model", "HERE/model"),
}


def patches(here: Path) -> None:
    (here / "patches").mkdir()
    write_tissue(here / "patches" / "7_x1_y1.png")
    for label in (0, 1):
        for patient in (1, 2):
            for place, top in ((here / "labelled" / str(patient), 1), (here / "sections" / str(patient), 51)):
                (place / str(label)).mkdir(parents=True, exist_ok=True)
                name = f"{patient}_idx5_x{1 + 50 * label}_y{top}_class{label}.png"
                write_tissue(place / str(label) / name, seed=2 * patient + label)


def graph(make: graphs.Graph) -> Make:
    """A bundle whose graph is another, listed truthfully."""
    return lambda here: (patches(here), bundle(here / "model", {"model.onnx": make()}))


def manifest(change: Callable[[dict], object]) -> Make:
    """A bundle whose manifest says something else."""
    return lambda here: (patches(here), bundle(here / "model", change=change))


def text(old: str, new: str) -> Make:
    """A bundle with a manifest in which a text stands in the place of another."""

    def make(here: Path) -> None:
        patches(here)
        path = bundle(here / "model") / "manifest.json"
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new, 1))

    return make


def instead(name: str, how: Callable[[Path], object]) -> Make:
    """A bundle in which a file is something else."""

    def make(here: Path) -> None:
        patches(here)
        path = bundle(here / "model") / name
        path.unlink()
        how(path)

    return make


def listed(name: str, size: int = 5, sha256: str = "0" * 64) -> Make:
    """A bundle that lists a file more, or otherwise."""
    return manifest(lambda m: m["files"].update({name: {"bytes": size, "sha256": sha256}}))


def refused(name: str, make: Make, says: str, command: tuple[str, ...] = PREDICT, **more: int) -> Case:
    return Case(name, make, command, 2, ("cancernet: ", says), ("[ONNXRuntimeError]", "EP Error"), **more)


NO_PROBABILITY = "which is no probability"
GRAPHS = {
    "answers NaN": (constant(float("nan")), "answers nan, " + NO_PROBABILITY),
    "answers infinity": (constant(float("inf")), "answers inf, " + NO_PROBABILITY),
    "answers less than nothing": (constant(-5), "answers -5, " + NO_PROBABILITY),
    "answers 231": (constant(231), "answers 231, " + NO_PROBABILITY),
    "answers 189.7": (constant(189.7), "answers 189.7, " + NO_PROBABILITY),
    "answers a hair above one": (constant(1.0001), NO_PROBABILITY),
    "answers with two columns": (shaped((2, 2), ("n", 2)), "float32 (2, 2), not with one probability a patch"),
    "answers with a number a patch, without an axis": (shaped((2,), ("n",)), "not with one probability a patch"),
    "answers with an axis too many": (shaped((2, 1, 1), ("n", 1, 1)), "not with one probability a patch"),
    "answers with one number for all": (shaped((), ()), "does not answer each of 2 patches with one row"),
    "answers one patch of two": (shaped((1, 1), ("n", 1)), "does not answer each of 2 patches with one row"),
    "answers with nothing": (shaped((0, 1), ("n", 1)), "does not answer each of 2 patches with one row"),
    "answers with whole numbers": (shaped((2, 1), ("n", 1), "INT64"), "answers with tensor(int64)"),
    "answers with half floats": (shaped((2, 1), ("n", 1), "FLOAT16"), "answers with tensor(float16)"),
    "answers with text": (shaped((2, 1), ("n", 1), "STRING"), "answers with tensor(string)"),
    "answers with a sequence": (graphs.sequence, "answers with seq(tensor(float))"),
    "answers with no output": (lambda: model(("Sigmoid", "m", "y"), gives=()), "answers with nothing"),
    "takes float": (taking(("x", "FLOAT", ("n", 50, 50, 3))), "takes tensor(float) ['n', 50, 50, 3], not patches"),
    "takes channels first": (taking(("x", "UINT8", ("n", 3, 50, 50))), "takes tensor(uint8) ['n', 3, 50, 50], not"),
    "takes 64 px": (taking(("x", "UINT8", ("n", 64, 64, 3))), "takes tensor(uint8) ['n', 64, 64, 3], not patches"),
    "takes one patch at a time": (taking(("x", "UINT8", (1, 50, 50, 3))), "takes tensor(uint8) [1, 50, 50, 3], not"),
    "takes any number of axes": (taking(("x", "UINT8", None)), "takes tensor(uint8) "),
    "takes two things": (
        taking(("x", "UINT8", ("n", 50, 50, 3)), ("z", "UINT8", ("n", 50, 50, 3))),
        "takes tensor(uint8) ['n', 50, 50, 3]; tensor(uint8)",
    ),
    "takes nothing": (taking(), "takes nothing, not patches"),
    "takes text": (taking(("x", "STRING", ("n", 50, 50, 3))), "takes tensor(string)"),
    "loops for ever": (endless(), "has a graph within its graph, which may go on without end"),
    "chooses between graphs": (endless("If"), "has a graph within its graph"),
    "wants a terabyte": (large(500_000, 500_000), "it asks for more than 4 GB of memory"),
    "wants eight gigabytes": (large(2_000_000_000), "it asks for more than 4 GB of memory"),
    "wants a negative size": (large(-5), "the model graph"),
    "keeps its weights in another file": (graphs.outside, "keeps its weights in another file: export it in one"),
    "has operations of another maker": (
        lambda: model(("Gelu", "m", "y", {"domain": "com.microsoft"})),
        "has operations other than those of the ONNX standard",
    ),
    "has an operation that nobody knows": (lambda: model(("Frobnicate", "m", "y")), "cannot run the model graph"),
    "has a name that is no text": (
        lambda: model(("Sigmoid", "nowhere", "y")).replace(b"nowhere", b"no\xff\xfeere"),
        "cannot run the model graph",
    ),
    "is of a format to come": (lambda: model(("Sigmoid", "m", "y"), ir=9999), "cannot run the model graph"),
    "is of a standard to come": (lambda: model(("Sigmoid", "m", "y"), opset=9999), "cannot run the model graph"),
    "goes in a circle": (
        lambda: model(("Add", "m b", "a"), ("Add", "a m", "b"), ("Add", "a b", "y")),
        "the model graph",
    ),
    "fails on patches": (
        lambda: model(("Reshape", "m s", "y"), constants={"s": [7, 1]}),
        "the model graph cannot be run on these patches",
    ),
    "is empty": (lambda: b"\0", "damaged, or no ONNX file"),
    "is a picture": (lambda: b"\x89PNG\r\n\x1a\n" * 100, "no ONNX file"),
    "has parts without end": (lambda: b"\x08\x00" * 5_000_000, "more parts than any network has"),
    "is cut short": (lambda: constant(0.5)()[:-20], "the model graph"),
}
MANIFESTS = {
    "a threshold of 1e999": (text('"default": 0.5', '"default": 1e999'), "manifest.json"),
    "a threshold that is NaN": (text('"default": 0.5', '"default": NaN'), "manifest.json"),
    "nested a hundred thousand deep": (text("{", '{"more": ' + "[" * 100_000 + "]" * 100_000 + ","), "recursion"),
    "a whole number of 5,000 digits": (text('"seed": 1', '"seed": ' + "9" * 5000), "seed"),
    "a key given twice": (text("{", '{"format": 1, "format": 99,'), "not a valid manifest"),
    "no object": (instead("manifest.json", lambda path: path.write_text("[]")), "not a valid manifest"),
    "no JSON": (instead("manifest.json", lambda path: path.write_bytes(b"\xff\xfe\0")), "cannot read"),
    "no content": (instead("manifest.json", lambda path: path.write_bytes(b"")), "cannot read"),
    "more than any manifest has": (
        instead("manifest.json", lambda path: path.write_bytes(b" " * 16_000_001)),
        "larger than 16 MB",
    ),
    "a device": (instead("manifest.json", lambda path: path.symlink_to("/dev/zero")), "it is a device or a pipe"),
    "a pipe": (instead("manifest.json", os.mkfifo), "it is a device or a pipe"),
    "a folder": (instead("manifest.json", Path.mkdir), "it is a folder"),
    "a link to itself": (instead("manifest.json", lambda path: path.symlink_to(path)), "manifest.json"),
    "nothing": (instead("manifest.json", lambda path: None), "is no model: it has no manifest.json"),
    "patches of 64 px": (manifest(lambda m: m["input"].update(size_px=64)), "takes patches of 64 px"),
    "a floor with a scale of nothing": (manifest(lambda m: m["floor"]["model"]["scale"].__setitem__(0, 0)), "scale"),
    "a band about another threshold": (
        manifest(lambda m: m.update(selective=[{"threshold": 0.9, "width": 1, "target": 0.1}])),
        "a band of abstention lies about 0.9, and the threshold is 0.221917",
    ),
    "a name that leads elsewhere": (manifest(lambda m: m.update(name="../elsewhere")), "$.name"),
}
FILES = {
    "a file above the bundle": (listed("../evil"), "$.files"),
    "a file from the root": (listed("/etc/passwd"), "$.files"),
    "a graph of another size": (listed("model.onnx"), "bytes, not 5; copy the bundle again"),
    "a graph of another content": (listed("model.onnx", 26_874), "its content was changed (SHA-256 differs)"),
    "a graph of a terabyte": (listed("model.onnx", 10**12), "$.files[...].bytes"),
    "a graph that is a device": (
        instead("model.onnx", lambda path: path.symlink_to("/dev/zero")),
        "0 bytes, not 26874",
    ),
    "a graph that is a pipe": (instead("model.onnx", os.mkfifo), "0 bytes, not 26874"),
    "a graph that is not there": (instead("model.onnx", lambda path: None), "No such file"),
}


def header(size: int, content: bytes) -> bytes:
    """A safetensors file whose head says what it likes."""
    return struct.pack("<Q", size) + content


def tensor(shape: list[int], end: int, kind: str = "F16") -> bytes:
    head = json.dumps({"embedding": {"dtype": kind, "shape": shape, "data_offsets": [0, end]}}).encode()
    return header(len(head), head + bytes(8))


REMEMBERED = {
    "a head longer than the file": header(2**62, b"{}"),
    "a head nested without end": header(200_000, b"[" * 200_000),
    "a size beyond the file": tensor([2**40, 2**40], 8),
    "a size that overflows": tensor([2**63, 4], 8),
    "other numbers": tensor([2, 1], 8, "F32"),
    "nothing": b"\0",
}


def remembered(content: bytes) -> Make:
    """A bundle that explains, with other remembered patches."""

    def make(here: Path) -> None:
        patches(here)
        files = {"examples.safetensors": content, "examples.json": b'{"path":[],"patient":[],"label":[],"hash":[]}'}
        bundle(here / "model", {**files, "model.onnx": explaining("Identity")()})

    return make


def held(content: bytes) -> Make:
    """A bundle with other scores of patients held out."""
    return lambda here: bundle(here / "model", {"held_out.safetensors": content})


PLAN = ("plan", "--model", "HERE/model", "--out", "OUT")

CASES = [
    *(
        refused(f"held-out scores with {name}", held(content), "no scores of patients held out", PLAN)
        for name, content in REMEMBERED.items()
    ),
    *(refused(f"a manifest with {name}", make, says) for name, (make, says) in MANIFESTS.items()),
    *(refused(f"a list with {name}", make, says) for name, (make, says) in FILES.items()),
]
if find_spec("onnx"):
    CASES += [refused(f"a graph that {name}", graph(make), says) for name, (make, says) in GRAPHS.items()]
    CASES += [
        refused(f"{command} with a graph that answers NaN", graph(constant(float("nan"))), NO_PROBABILITY, arguments)
        for command, arguments in COMMANDS.items()
        if command not in ("predict", "card")  # no graph is run for a card
    ]
    CASES += [
        refused(
            f"remembered patches with {name}", remembered(content), "no list of training patches", COMMANDS["explain"]
        )
        for name, content in REMEMBERED.items()
    ]
    CASES.append(
        refused("evidence that is of another answer", graph(explaining("Neg")), "does not add up", COMMANDS["explain"])
    )
CASES += [
    refused(f"{command} with a manifest of 1e999", MANIFESTS["a threshold of 1e999"][0], "manifest.json", arguments)
    for command, arguments in COMMANDS.items()
    if command != "predict"
]
