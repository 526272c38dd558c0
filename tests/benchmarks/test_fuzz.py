"""The fuzzer's inputs can be made again, sound ones pass, and what it should find it finds."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from cancernet.data.headers import BadImage

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"
pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="the benchmarks are not beside the tests")


@pytest.fixture(scope="module")
def fuzz() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("fuzz", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz"] = module  # a child process finds its function by this name
    spec.loader.exec_module(module)
    yield module
    del sys.modules["fuzz"]


def test_sound_files_of_all_kinds_are_read_or_refused_by_name(fuzz: ModuleType, tmp_path: Path) -> None:
    reasons = []
    for content in fuzz.sound_images():
        try:
            fuzz.try_image(tmp_path, {"a": content})
        except BadImage as reason:
            reasons.append(str(reason))
    assert len(reasons) == 2
    assert "CMYK" in reasons[0]
    assert "float32" in reasons[1]


def test_sound_zips_and_bundles_are_read(fuzz: ModuleType, tmp_path: Path) -> None:
    for content in fuzz.sound_zips():
        fuzz.try_zip(tmp_path, {"a.zip": content})
    fuzz.try_bundle(tmp_path, {path.name: path.read_bytes() for path in fuzz.BUNDLE.iterdir()})


@pytest.mark.parametrize("target", ["images", "zips", "bundles"])
def test_an_input_depends_on_seed_target_and_number_alone(fuzz: ModuleType, target: str) -> None:
    assert fuzz.make(target, 1, 5) == fuzz.make(target, 1, 5)
    assert fuzz.make(target, 1, 5) != fuzz.make(target, 1, 6)
    assert fuzz.make(target, 1, 5) != fuzz.make(target, 2, 5)


def test_a_png_with_mended_checksums_is_noticed_by_its_pixels_alone(fuzz: ModuleType) -> None:
    broken = bytearray(fuzz.sound_images()[0])
    broken[60] ^= 1
    with pytest.raises(BadImage, match="checksum"):
        fuzz.decode(bytes(broken))
    with pytest.raises(BadImage, match="PNG data"):
        fuzz.decode(fuzz.mend_png(bytes(broken)))


def crash(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang(*_: object) -> None:
    time.sleep(60)


def fail(*_: object) -> None:
    raise KeyError("a bug")


def chatter(*_: object) -> None:
    os.write(2, b"libpng warning: something")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (crash, "the process ended with code -9"),
        (hang, "no end after 0 s"),
        (fail, "KeyError: 'a bug'"),
        (chatter, "on the screen: b'libpng warning: something'"),
    ],
)
def test_what_goes_wrong_is_found_and_its_input_written(
    fuzz: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, fault: Callable,
    expected: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(fuzz, "START", "fork")  # a child that knows the fault
    monkeypatch.setattr(fuzz, "SECONDS", 0.3)
    monkeypatch.setitem(fuzz.TRY, "zips", fault)
    _, findings = fuzz.fuzz("zips", 1, 1, tmp_path / "found")
    assert findings >= 1
    assert expected in capsys.readouterr().out
    first = sorted((tmp_path / "found").iterdir())[0]
    assert (first / "a.zip").read_bytes() == fuzz.make("zips", 1, int(first.name.rpartition("-")[2]))["a.zip"]


def test_memory_over_the_limit_is_found(
    fuzz: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzz, "START", "fork")
    monkeypatch.setitem(fuzz.MEGABYTES, "zips", 1)
    _, findings = fuzz.fuzz("zips", 1, 1, tmp_path / "found")
    assert findings >= 1
    assert " MB" in capsys.readouterr().out
