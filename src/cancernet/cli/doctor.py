"""`cancernet doctor`: is this installation able to work? Each check says PASS, WARN or FAIL, and what to do."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click

from cancernet.cli.options import PATH, cache_option, echo
from cancernet.common.errors import UserError
from cancernet.common.threads import available_cpus

BASE = ("numpy", "pandas", "cv2", "onnxruntime", "sklearn", "matplotlib", "jinja2", "msgspec", "safetensors")
TRAINING = ("keras", "tensorflow", "tf2onnx", "tensorboard")
MIN_FREE_BYTES = 4_000_000_000  # the full set packed takes 2.1 GB, its features up to 1.5 GB
MIN_MEMORY_BYTES = 4_000_000_000  # training the five recipes on the full set stays under this


class Finding(NamedTuple):
    """What came of one check: its `state` (PASS, WARN, FAIL), what was found and the fix."""

    state: str
    found: str
    fix: str = ""


def examine(*, data: Path | None, weights: str, cache: Path) -> dict[str, Finding]:
    """Run all checks and return what came of them, by what they are about.

    Args:
        data: folder or zip to look at, or nothing.
        weights: as for `--weights`.
        cache: folder that packs and features go to.
    """
    checks: list[tuple[str, Callable[[], Finding | str], str, str]] = [  # last: state and fix of a UserError
        ("python", platform.python_version, "FAIL", ""),
        ("predict, evaluate", _base, "FAIL", "pip install cancernet"),
        ("shipped model", _shipped, "FAIL", "pip install --force-reinstall cancernet"),
        ("train", _training, "WARN", "pip install 'cancernet[train]' to train"),
        ("slides", _slides, "WARN", "pip install 'cancernet[slide]' to read them"),
        ("processors", lambda: f"{available_cpus()} usable", "FAIL", ""),
        ("memory", _memory, "FAIL", ""),
        ("cache", partial(_disk, cache), "FAIL", ""),
        ("ImageNet weights", partial(_weights, weights), "FAIL", ""),
        ("data", partial(_data, data), "FAIL", "see `cancernet data check --help` for the layouts"),
    ]
    found = {}
    for what, check, state, fix in checks:
        try:
            told = check()
        except UserError as error:
            told = Finding(state, str(error), fix)
        found[what] = told if isinstance(told, Finding) else Finding("PASS", told)
    return found


def _missing(names: Sequence[str]) -> list[str]:
    missing = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            missing.append(f"{name} ({error})" if not isinstance(error, ModuleNotFoundError) else name)
    return missing


def _need(names: Sequence[str]) -> None:
    if missing := _missing(names):
        raise UserError(f"missing: {', '.join(missing)}")


def _base() -> str:
    _need(BASE)
    import onnxruntime

    return f"onnxruntime {onnxruntime.__version__}"


def _shipped() -> Finding | str:
    if _missing(BASE):
        return Finding("WARN", "not looked at without the above", "pip install cancernet")
    import numpy as np

    from cancernet.model.model import load_model

    model = load_model(threads=1)
    model.predict(np.zeros((1, model.size_px, model.size_px, 3), np.uint8))
    size = sum(file.bytes for file in model.manifest.files.values())
    return f"{model.name} of {model.manifest.created[:10]}, {size / 1e6:.1f} MB, answers"


def _training() -> str:
    _need(TRAINING)
    import keras

    return f"keras {keras.__version__} on {keras.backend.backend()}"


def _slides() -> str:
    from cancernet.slide.extra import need, need_all

    need_all()
    return f"openslide {need('openslide').__version__}"


def _memory() -> Finding | str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return Finding("WARN", "unknown", "see that 4 GB are free")
    found = f"{total / 1e9:.1f} GB"
    if total < MIN_MEMORY_BYTES:
        return Finding("WARN", found, "train with --limit, or on a machine with 4 GB")
    return found


def _disk(cache: Path) -> Finding | str:
    folder = next(path for path in (cache, *cache.absolute().parents) if path.exists())
    if not os.access(folder, os.W_OK):
        return Finding("FAIL", f"cannot write {cache}", "name a writable folder with --cache or CANCERNET_CACHE")
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free for {cache}"
    if free < MIN_FREE_BYTES:
        return Finding("WARN", found, "free 4 GB for the full set, or name another disk with --cache")
    return found


def _weights(choice: str) -> Finding | str:
    if _missing(["keras"]):
        return Finding("WARN", "not looked for without keras", "pip install 'cancernet[train]'")
    from cancernet.training.pretrained import OTHER_WAYS, find_weights

    try:
        found = find_weights(choice)
    except UserError as error:
        return Finding("FAIL", str(error), OTHER_WAYS)
    random = found.path is None and choice != "none"
    return Finding("WARN", found.said, OTHER_WAYS) if random else found.said


def _data(data: Path | None) -> Finding | str:
    if data is None:
        fix = "give --data DIR, or try `cancernet run` on its own sample"
        return Finding("WARN", "no folder given", fix)
    from cancernet.data.catalog import open_labelled

    return f"{len(open_labelled(data)):,} files in {data}; `cancernet data check` reads them all"


@click.command()
@click.option("--data", type=PATH, help="Folder or zip to look at too.")
@click.option("--weights", default="auto", metavar="imagenet|auto|none|PATH")
@cache_option
def command(data: Path | None, weights: str, cache: Path | None) -> bool:
    """Check installation, memory, disk, weights and data: PASS, WARN or FAIL, and the fix."""
    from cancernet.data.pack import default_cache_dir
    from cancernet.training.quiet import import_quietly

    try:
        import_quietly()
    except ImportError:
        echo("training is not installed; predicting and evaluating are looked at", err=True)
    findings = examine(data=data, weights=weights, cache=cache or default_cache_dir())
    for what, (state, found, fix) in findings.items():
        echo(f"{state:<5} {what:<18} {found}")
        if fix:
            echo(f"{'':<5} {'':<18} fix: {fix}")
    return any(finding.state == "FAIL" for finding in findings.values())
