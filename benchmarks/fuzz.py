"""Broken files of all kinds, for as long as you like: `python benchmarks/fuzz.py --minutes 60 --seed 1`.

Three targets take turns, each for its share of the time:

- `images`: PNG, JPEG and TIFF of many kinds, made in memory, to `decode` and `fit_patch`;
- `zips`: archives of patches, to `open_source` and `read_member`;
- `bundles`: copies of `tests/fixtures/bundle_v1`, to `load_model`, `predict` and `judge`.

Each input is a sound file with some faults: bits and bytes flipped, pieces cut out, doubled or exchanged with another
file's, numbers replaced by such as end loops and sizes badly. Half of the checksums are put right afterwards (of PNG
chunks, and of the files that a manifest lists), so that faults reach what lies behind them. An input depends on seed,
target and number alone.

A child process reads them and the parent watches it, since native code may crash, hang or fill the memory. A finding is
any exception but BadImage, UserError and OSError, a signal, an input of more than `SECONDS`, memory over the target's
limit, or a word on the screen. Findings are printed and their input is written to `--out`; exit code 1 where there
are any. Linux and macOS.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import multiprocessing
import os
import random
import resource
import struct
import sys
import tempfile
import time
import traceback
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cancernet import UserError, load_model
from cancernet.data.decode import decode, fit_patch
from cancernet.data.headers import BadImage
from cancernet.data.scan import read_member
from cancernet.data.stream import open_source

BUNDLE = Path(__file__).parents[1] / "tests" / "fixtures" / "bundle_v1"
SECONDS = 20.0  # for one input; a sound one takes a thousandth
MEGABYTES = {"images": 700, "zips": 900, "bundles": 2000}  # greatest resident memory
SHARES = {"images": 0.4, "zips": 0.3, "bundles": 0.3}  # of the time
ADDRESS_SPACE = 16_000_000_000  # bytes; ends a child before it ends the machine
START = "spawn"  # a process without the threads of this one
STARTING = 120.0  # s until a child is ready, on a busy machine

ODD = (0, 1, 2, 3, 25, 50, 51, 127, 128, 255, 256, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
ODD_WIDE = (2**62, 2**63 - 1, 2**63, 2**64 - 1)
ODD_TEXTS = (b"NaN", b"1e999", b"-1", b"null", b"[]", b"{}", b'"x"', b"1" * 5000, b"[" * 3000)


def patch(seed: int = 0) -> NDArray[np.uint8]:
    """Return something like a stained patch: uint8 (50, 50, 3)."""
    noise = np.random.default_rng(seed)
    mix = noise.random((10, 10, 1)).repeat(5, 0).repeat(5, 1)
    colour = mix * (225, 170, 205) + (1 - mix) * (110, 70, 140) + noise.normal(0, 6, (50, 50, 3))
    return colour.clip(0, 255).astype(np.uint8)


@cache
def sound_images() -> list[bytes]:
    """Return sound files of many kinds."""
    picture = Image.fromarray(patch())
    kinds: list[tuple[str, str, dict[str, object]]] = [("PNG", mode, {}) for mode in ("RGB", "RGBA", "L", "LA", "P")]
    kinds += [("PNG", "P", {"transparency": 0, "bits": 4}), ("PNG", "RGB", {"transparency": (1, 2, 3)})]
    for options in ({}, {"quality": 100, "subsampling": 0}, {"progressive": True}, {"restart_marker_blocks": 3}):
        kinds += [("JPEG", mode, options) for mode in ("RGB", "L")]
    kinds += [("JPEG", "RGB", {"progressive": True, "restart_marker_rows": 1}), ("JPEG", "CMYK", {})]
    for packing in ("raw", "tiff_lzw", "tiff_deflate", "packbits"):
        kinds += [("TIFF", mode, {"compression": packing}) for mode in ("RGB", "RGBA", "L", "P")]
    kinds += [("TIFF", "RGB", {"compression": "jpeg"}), ("TIFF", "F", {}), ("TIFF", "RGB", {"big_tiff": True})]
    found = []
    for form, mode, options in kinds:
        out = io.BytesIO()
        picture.convert(mode).save(out, form, **options)
        found.append(out.getvalue())
    return found


@cache
def sound_zips() -> list[bytes]:
    """Return zips of some patches by each method of packing."""
    found = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            for i, content in enumerate(sound_images()[:3]):
                with archive.open(f"idc/{9000 + i}/0/x{i}.png", "w", force_zip64=i == 1) as member:
                    member.write(content)
            archive.comment = b"made for the fuzzer"
        found.append(out.getvalue())
    return found


def break_bytes(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """Return a file with one to eight faults."""
    broken = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        end = len(broken)
        at = min(chance.choice((chance.randrange(end + 1), chance.randrange(64), end - chance.randrange(64))), end - 1)
        at, length = max(at, 0), chance.choice((1, 2, 4, 16, 200, 2000))
        kind = chance.randrange(8)
        if kind == 0 and broken:
            broken[at] ^= 1 << chance.randrange(8)
        elif kind == 1 and broken:
            broken[at] = chance.randrange(256)
        elif kind == 2:
            del broken[at:]
        elif kind == 3:
            del broken[at : at + length]
        elif kind == 4:
            broken[at:at] = broken[at : at + length]
        elif kind == 5:
            start = chance.randrange(max(len(other), 1))
            broken[at : at + length] = other[start : start + length]
        elif kind == 6:
            letter = chance.choice("BHIIQ")
            value = chance.choice(ODD_WIDE if letter == "Q" else ODD) & (1 << 8 * struct.calcsize(letter)) - 1
            broken[at : at + struct.calcsize("=" + letter)] = struct.pack(chance.choice("<>") + letter, value)
        else:
            broken[at : at + chance.randrange(8)] = chance.choice(ODD_TEXTS)
    return bytes(broken)


def mend_png(content: bytes) -> bytes:
    """Return a PNG with the checksums of its chunks put right, as far as they can be found."""
    out, position = bytearray(content), 8
    while position + 12 <= len(out):
        following = position + 12 + int.from_bytes(out[position : position + 4], "big")
        if following > len(out):
            break
        out[following - 4 : following] = zlib.crc32(out[position + 4 : following - 4]).to_bytes(4, "big")
        position = following
    return bytes(out)


def make(target: str, seed: int, number: int) -> dict[str, bytes]:
    """Return the files of one input, content by name."""
    chance = random.Random(f"{seed} {target} {number}")
    if target == "bundles":
        return make_bundle(chance)
    sound = sound_images() if target == "images" else sound_zips()
    content = break_bytes(chance.choice(sound), chance.choice(sound), chance)
    if content.startswith(b"\x89PNG") and chance.random() < 0.5:
        content = mend_png(content)
    return {"a.zip" if target == "zips" else "a": content}


def make_bundle(chance: random.Random) -> dict[str, bytes]:
    """Return the files of a bundle, one of them broken."""
    files = {path.name: path.read_bytes() for path in BUNDLE.iterdir()}
    name = chance.choice(("manifest.json", "model.onnx", "model.onnx", "weights.safetensors"))
    files[name] = break_bytes(files[name], chance.choice(list(files.values())), chance)
    if name != "manifest.json" and chance.random() < 0.9:
        manifest = json.loads(files["manifest.json"])
        digest = hashlib.sha256(files[name]).hexdigest()
        manifest["files"][name] = {"bytes": len(files[name]), "sha256": digest}
        files["manifest.json"] = json.dumps(manifest).encode()
    return files


def try_image(_: Path, files: dict[str, bytes]) -> None:
    """Decode it, as a stream of patches does."""
    image = fit_patch(decode(files["a"]))
    if image.shape != (50, 50, 3) or image.dtype != np.uint8:
        raise AssertionError(f"a patch of {image.shape}, {image.dtype}")


def try_zip(folder: Path, files: dict[str, bytes]) -> None:
    """Read all members of it."""
    (folder / "a.zip").write_bytes(files["a.zip"])
    source = open_source(folder / "a.zip")
    refused = None
    for member in source.members():
        try:
            fit_patch(decode(read_member(source, member)))
        except BadImage as error:
            refused = error
    if refused:
        raise refused


def try_bundle(folder: Path, files: dict[str, bytes]) -> None:
    """Open it and answer two patches."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    model = load_model(folder)
    images = np.stack([patch(1), patch(2)])
    probability = model.predict(images)
    model.judge(images)
    model.decide(probability)
    if probability.shape != (2,) or not ((probability >= 0) & (probability <= 1)).all():
        raise AssertionError(f"answers {probability}")


TRY: dict[str, Callable[[Path, dict[str, bytes]], None]] = {
    "images": try_image, "zips": try_zip, "bundles": try_bundle,
}  # fmt: skip


def child(target: str, seed: int, first: int, pipe: Connection, screen: str) -> None:
    """Try one input after the other and send, for each, how it ended and the greatest memory so far (MB)."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    os.dup2(os.open(screen, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    os.dup2(2, 1)
    unit = 1_000_000 if sys.platform == "darwin" else 1_000
    pipe.send("ready")
    with tempfile.TemporaryDirectory() as folder:
        number, said = first, 0
        while True:
            files = make(target, seed, number)
            try:
                TRY[target](Path(folder), files)
                ended = "read"
            except (BadImage, UserError, OSError):
                ended = "refused"
            except BaseException:  # noqa: BLE001 - that is what is looked for
                ended = traceback.format_exc()
            if (length := os.fstat(2).st_size) > said:
                ended = f"on the screen: {Path(screen).read_bytes()[said : said + 300]!r}, after: {ended}"
                said = length
            pipe.send((ended, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit))
            number += 1


def fuzz(target: str, seed: int, seconds: float, out: Path) -> tuple[Counter[str], int]:
    """Try inputs of one target for some time; print and write what is found.

    Returns:
        How many ended in each way, and how many findings there were.
    """
    context = multiprocessing.get_context(START)
    ends, number, findings = time.monotonic() + seconds, 0, 0
    counts: Counter[str] = Counter()
    seen: Counter[str] = Counter()

    def report(what: str) -> None:
        nonlocal findings
        findings += 1
        seen[what.strip().splitlines()[-1][:60]] += 1
        if seen[what.strip().splitlines()[-1][:60]] > 3:  # the same again
            return
        folder = out / f"{target}-{seed}-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in make(target, seed, number).items():
            (folder / name).write_bytes(content)
        print(f"FOUND {folder}: {what}", flush=True)

    while time.monotonic() < ends:
        ours, theirs = context.Pipe()
        with tempfile.NamedTemporaryFile() as screen:
            process = context.Process(target=child, args=(target, seed, number, theirs, screen.name))
            process.start()
            theirs.close()
            limit, told = STARTING, ""
            while time.monotonic() < ends:
                try:
                    if not ours.poll(limit):
                        told = f"no end after {limit:.0f} s"
                        break
                    message = ours.recv()
                except (EOFError, ConnectionResetError):
                    process.join()
                    told = f"the process ended with code {process.exitcode}"
                    break
                if message == "ready":
                    limit = SECONDS
                    continue
                ended, megabytes = message
                counts[ended if ended in ("read", "refused") else "found"] += 1
                if ended not in ("read", "refused"):
                    report(ended)
                if megabytes > MEGABYTES[target]:
                    told = f"{megabytes:.0f} MB"
                    break
                number += 1
            if told:
                report(told)
                number += 1
            process.kill()
            process.join()
    for what, times in seen.items():
        print(f"{target}: {times} times: {what}", flush=True)
    return counts, findings


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=list(TRY), help="one target alone")
    parser.add_argument("--out", type=Path, default=Path("fuzz"), help="folder for inputs that were found")
    options = parser.parse_args()
    targets = [options.only] if options.only else list(TRY)
    total = 0
    for target in targets:
        share = SHARES[target] / sum(SHARES[each] for each in targets)
        counts, findings = fuzz(target, options.seed, 60 * options.minutes * share, options.out)
        total += findings
        tried = ", ".join(f"{n:,} {how}" for how, n in sorted(counts.items()))
        print(f"{target}: {sum(counts.values()):,} inputs ({tried}); {findings:,} findings", flush=True)
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
