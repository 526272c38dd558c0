"""`cancernet doctor`: is this installation able to work? Each check says PASS, WARN or FAIL, and what to do."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from cancernet.cli.options import PATH, cache_option
from cancernet.common.errors import UserError
from cancernet.common.threads import available_cpus

BASE = (
    "numpy",
    "pandas",
    "cv2",
    "onnxruntime",
    "sklearn",
    "matplotlib",
    "jinja2",
    "msgspec",
    "safetensors",
)
TRAINING = ("keras", "tensorflow", "tf2onnx", "tensorboard")
MIN_FREE_BYTES = 4_000_000_000  # the full set packed takes 2.1 GB, its features up to 1.5 GB
MIN_MEMORY_BYTES = 4_000_000_000  # training the five recipes on the full set stays under this


@dataclass(frozen=True)
class Finding:
    """One check: its `state` (PASS, WARN, FAIL), what it is about, what was found and the fix."""

    state: str
    what: str
    found: str
    fix: str = ""


def examine(*, data: Path | None, weights: str, cache: Path) -> list[Finding]:
    """Run all checks.

    Args:
        data: folder or zip to look at, or nothing.
        weights: as for `--weights`.
        cache: folder that packs and features go to.
    """
    checks: list[Callable[[], Finding]] = [
        _python,
        _base,
        _shipped,
        _training,
        _slides,
        _cpus,
        _memory,
        lambda: _disk(cache),
        lambda: _weights(weights),
        lambda: _data(data),
    ]
    return [check() for check in checks]


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("PASS", "python", version)


def _missing(names: tuple[str, ...]) -> list[str]:
    missing = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            missing.append(f"{name} ({error})" if not isinstance(error, ModuleNotFoundError) else name)
    return missing


def _base() -> Finding:
    missing = _missing(BASE)
    if missing:
        return Finding("FAIL", "predict, evaluate", f"missing: {', '.join(missing)}", "pip install cancernet")
    import onnxruntime

    return Finding("PASS", "predict, evaluate", f"onnxruntime {onnxruntime.__version__}")


def _shipped() -> Finding:
    if _missing(BASE):
        return Finding("WARN", "shipped model", "not looked at without the above", "pip install cancernet")
    import numpy as np

    from cancernet.model.model import load_model

    try:
        model = load_model(threads=1)
        model.predict(np.zeros((1, model.size_px, model.size_px, 3), np.uint8))
    except UserError as error:
        return Finding("FAIL", "shipped model", str(error), "pip install --force-reinstall cancernet")
    size = sum(file.bytes for file in model.manifest.files.values())
    made = model.manifest.created[:10]
    return Finding("PASS", "shipped model", f"{model.name} of {made}, {size / 1e6:.1f} MB, answers")


def _training() -> Finding:
    missing = _missing(TRAINING)
    if missing:
        return Finding(
            "WARN", "train", f"missing: {', '.join(missing)}", "pip install 'cancernet[train]' to train"
        )
    import keras

    return Finding("PASS", "train", f"keras {keras.__version__} on {keras.backend.backend()}")


def _slides() -> Finding:
    from cancernet.slide.extra import need_all

    try:
        need_all()
    except UserError as error:
        return Finding("WARN", "slides", str(error), "pip install 'cancernet[slide]' to read them")
    import openslide

    return Finding("PASS", "slides", f"openslide {openslide.__version__}")


def _cpus() -> Finding:
    return Finding("PASS", "processors", f"{available_cpus()} usable")


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return Finding("WARN", "memory", "unknown", "see that 4 GB are free")
    found = f"{total / 1e9:.1f} GB"
    if total < MIN_MEMORY_BYTES:
        return Finding("WARN", "memory", found, "train with --limit, or on a machine with 4 GB")
    return Finding("PASS", "memory", found)


def _disk(cache: Path) -> Finding:
    folder = next(path for path in (cache, *cache.absolute().parents) if path.exists())
    if not os.access(folder, os.W_OK):
        return Finding(
            "FAIL", "cache", f"cannot write {cache}", "name a writable folder with --cache or CANCERNET_CACHE"
        )
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free for {cache}"
    if free < MIN_FREE_BYTES:
        return Finding(
            "WARN", "cache", found, "free 4 GB for the full set, or name another disk with --cache"
        )
    return Finding("PASS", "cache", found)


def _weights(choice: str) -> Finding:
    if _missing(("keras",)):
        return Finding(
            "WARN", "ImageNet weights", "not looked for without keras", "pip install 'cancernet[train]'"
        )
    from cancernet.training.pretrained import OTHER_WAYS, find_weights

    try:
        found = find_weights(choice)
    except UserError as error:
        return Finding("FAIL", "ImageNet weights", str(error), OTHER_WAYS)
    if found.path is None and choice != "none":
        return Finding("WARN", "ImageNet weights", found.said, OTHER_WAYS)
    return Finding("PASS", "ImageNet weights", found.said)


def _data(data: Path | None) -> Finding:
    if data is None:
        return Finding(
            "WARN", "data", "no folder given", "give --data DIR, or try `cancernet run` on its own sample"
        )
    from cancernet.data.catalog import open_labelled

    try:
        stream = open_labelled(data)
    except UserError as error:
        return Finding("FAIL", "data", str(error), "see `cancernet data check --help` for the layouts")
    return Finding("PASS", "data", f"{len(stream):,} files in {data}; `cancernet data check` reads them all")


@click.command()
@click.option("--data", type=PATH, help="Folder or zip to look at too.")
@click.option("--weights", default="auto", show_default=True, metavar="imagenet|auto|none|PATH")
@cache_option
@click.pass_context
def command(ctx: click.Context, data: Path | None, weights: str, cache: Path | None) -> None:
    """Check installation, memory, disk, weights and data: PASS, WARN or FAIL, and the fix."""
    from cancernet.data.pack import default_cache_dir
    from cancernet.training.quiet import import_quietly

    try:
        import_quietly()
    except ImportError:
        click.echo("training is not installed; predicting and evaluating are looked at", err=True)
    findings = examine(data=data, weights=weights, cache=cache or default_cache_dir())
    for finding in findings:
        click.echo(f"{finding.state:<5} {finding.what:<18} {finding.found}")
        if finding.fix:
            click.echo(f"{'':<5} {'':<18} fix: {finding.fix}")
    if any(finding.state == "FAIL" for finding in findings):
        ctx.exit(1)
