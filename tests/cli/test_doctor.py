"""`cancernet doctor`: PASS, WARN or FAIL a line, a fix where one is due, and an exit code."""

from __future__ import annotations

import os
import shutil
import sys
from collections import namedtuple
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from cancernet.cli import doctor
from cancernet.cli.doctor import Finding, examine
from cancernet.common.errors import UserError
from cancernet.data.sample import write_sample

Usage = namedtuple("Usage", "total used free")


def whole(told: Finding | str) -> Finding:
    """What a check is shown as."""
    return told if isinstance(told, Finding) else Finding("PASS", told)


def test_the_installation_that_runs_the_tests_can_predict() -> None:
    assert "onnxruntime" in doctor._base()


def test_the_runtime_may_come_from_another_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", unknown)  # as with onnxruntime-gpu in place of onnxruntime
    assert "onnxruntime" in doctor._base()


def test_a_missing_package_fails_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "BASE", ("numpy", "no_such_module_here"))
    found = examine(data=None, weights="none", cache=tmp_path)["predict, evaluate"]
    assert found == Finding("FAIL", "missing: no_such_module_here", "pip install cancernet")


def test_a_package_that_breaks_on_import_is_shown_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken_module_here.py").write_text("raise ImportError('libGL.so.1: cannot open')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert doctor._missing(("broken_module_here",)) == ["broken_module_here (libGL.so.1: cannot open)"]


def test_extras_that_are_not_installed_are_a_warning_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "TRAINING", ("no_such_module_here",))
    monkeypatch.setattr("cancernet.slide.extra.MODULES", ("no_such_module_here",))
    found = examine(data=None, weights="none", cache=tmp_path)
    assert (found["train"].state, found["slides"].state) == ("WARN", "WARN")
    assert "cancernet[train]" in found["train"].fix
    assert "needs no_such_module_here" in found["slides"].found
    assert "cancernet[slide]" in found["slides"].fix


@pytest.mark.parametrize(("gigabytes", "state"), [(16, "PASS"), (2, "WARN")])
def test_memory_is_weighed(monkeypatch: pytest.MonkeyPatch, gigabytes: int, state: str) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 1000, "SC_PHYS_PAGES": gigabytes * 10**6}.get)
    found = whole(doctor._memory())
    assert (found.state, found.found) == (state, f"{gigabytes}.0 GB")
    assert bool(found.fix) == (state != "PASS")


def test_memory_that_cannot_be_read_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sysconf")
    assert whole(doctor._memory()).state == "WARN"


@pytest.mark.parametrize(("gigabytes", "state"), [(100, "PASS"), (1, "WARN")])
def test_disk_is_weighed_where_the_cache_will_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gigabytes: int, state: str
) -> None:
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda p: asked.append(p) or Usage(0, 0, gigabytes * 10**9))
    found = whole(doctor._disk(tmp_path / "not" / "yet"))
    assert found.state == state
    assert asked == [tmp_path]
    assert f"{gigabytes}.0 GB free" in found.found


def test_a_cache_that_cannot_be_written_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = whole(doctor._disk(tmp_path))
    assert found.state == "FAIL"
    assert "CANCERNET_CACHE" in found.fix


def test_a_relative_cache_is_found_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert whole(doctor._disk(Path("cache"))).state in ("PASS", "WARN")


def _weights_found(monkeypatch: pytest.MonkeyPatch, result: object) -> None:
    """Stand in for the search, which needs keras and a network."""

    def find(choice: str) -> object:
        if isinstance(result, Exception):
            raise result
        return result

    fake = SimpleNamespace(find_weights=find, OTHER_WAYS="pass --weights PATH")
    monkeypatch.setitem(sys.modules, "cancernet.training.pretrained", fake)
    monkeypatch.setattr(doctor, "_missing", lambda _: [])


def test_weights_that_are_there_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    _weights_found(monkeypatch, SimpleNamespace(path=Path("w.h5"), said="imagenet"))
    assert doctor._weights("imagenet") == "imagenet"


def test_auto_that_would_start_at_random_is_a_warning_with_the_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    _weights_found(monkeypatch, SimpleNamespace(path=None, said="none (random: no network)"))
    found = whole(doctor._weights("auto"))
    assert (found.state, found.found) == ("WARN", "none (random: no network)")
    assert found.fix == "pass --weights PATH"


def test_random_weights_that_were_asked_for_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    _weights_found(monkeypatch, SimpleNamespace(path=None, said="none (random)"))
    assert doctor._weights("none") == "none (random)"


def test_weights_that_cannot_be_had_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    _weights_found(monkeypatch, UserError("cannot download"))
    found = whole(doctor._weights("imagenet"))
    assert (found.state, found.found) == ("FAIL", "cannot download")


def test_without_keras_weights_are_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_missing", list)
    assert whole(doctor._weights("imagenet")).state == "WARN"


def test_data_is_looked_at_only_where_given(tmp_path: Path) -> None:
    assert whole(doctor._data(None)).state == "WARN"
    sample = write_sample(tmp_path / "sample", patients=1, patches_per_patient=4)
    found = whole(doctor._data(sample))
    assert found.state == "PASS"
    assert "files" in found.found


def test_data_that_is_not_there_fails_in_one_line(tmp_path: Path) -> None:
    found = examine(data=tmp_path / "nowhere", weights="none", cache=tmp_path)["data"]
    assert found.state == "FAIL"
    assert "nowhere" in found.found
    assert found.fix


def test_every_finding_that_is_no_pass_has_a_fix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "_missing", list)
    findings = examine(data=tmp_path / "nowhere", weights="none", cache=tmp_path)
    assert list(findings) == [
        "python", "predict, evaluate", "shipped model", "train", "slides", "processors", "memory", "cache",
        "ImageNet weights", "data",
    ]  # fmt: skip
    assert all(f.fix for f in findings.values() if f.state != "PASS")
    assert {f.state for f in findings.values()} <= {"PASS", "WARN", "FAIL"}


def test_the_shipped_model_is_asked_and_answers() -> None:
    assert "answers" in whole(doctor._shipped()).found


def test_a_damaged_shipped_model_fails_with_the_fix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("cancernet.model.model.shipped", lambda: tmp_path)
    found = examine(data=None, weights="none", cache=tmp_path)["shipped model"]
    assert found.state == "FAIL"
    assert "manifest.json" in found.found
    assert "reinstall" in found.fix


def test_without_training_it_still_looks_at_the_rest(cancernet: Callable, no_tensorflow: str, sample: Path) -> None:
    ended = cancernet("doctor", "--data", sample, before=no_tensorflow, keras=False)
    assert ended.returncode == 0, ended.stderr
    states = dict(line.split(maxsplit=1)[::-1] for line in ended.stdout.splitlines() if not line.startswith(" "))
    assert set(states.values()) <= {"PASS", "WARN"}
    assert "WARN  train" in ended.stdout
    assert "fix: pip install 'cancernet[train]'" in ended.stdout
    assert "PASS  data" in ended.stdout
    assert "Traceback" not in ended.stderr


def test_a_failure_is_exit_1_with_the_fix(cancernet: Callable, no_tensorflow: str, tmp_path: Path) -> None:
    ended = cancernet("doctor", "--data", tmp_path / "nowhere", before=no_tensorflow, keras=False)
    assert ended.returncode == 1
    assert "FAIL  data" in ended.stdout
    assert ended.stdout.count("fix: ") >= 1
    assert "Traceback" not in ended.stderr


@pytest.mark.train
@pytest.mark.slow
def test_with_training_it_names_keras_and_the_weights(cancernet: Callable, tmp_path: Path) -> None:
    ended = cancernet("doctor", "--weights", tmp_path / "none.h5")
    assert ended.returncode == 1
    assert "PASS  train" in ended.stdout
    assert "FAIL  ImageNet weights" in ended.stdout
    assert "no such file" in ended.stdout
    assert ended.stderr == ""
