"""What a slide's results depend on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cancernet.model.model import Model
from cancernet.slide.inputs import Options, SlideInput
from cancernet.slide.job import identify, settings_of
from cancernet.slide.scale import BadSlide

ITEM = SlideInput(Path("a.svs"))


def test_a_changed_file_is_another_state(tmp_path: Path) -> None:
    path = tmp_path / "x.svs"
    path.write_text("x")
    before = identify(SlideInput(path))
    path.write_text("xy")
    assert identify(SlideInput(path)) != before
    with pytest.raises(BadSlide, match="no such file"):
        identify(SlideInput(tmp_path / "none.svs"))


def test_all_files_of_a_slide_tell_its_state(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("x.mrxs", "Data0.dat")]
    for file in files:
        file.write_text("x")
    item = SlideInput(files[0], files=tuple(files))
    before = identify(item)
    files[1].write_text("xy")
    assert identify(item) != before


def test_settings_hold_what_results_depend_on_and_no_threads(model: Model) -> None:
    owner = {"path": "a.svs", "bytes": 1, "stamp": 2}
    base = settings_of(ITEM, owner, model, Options())
    assert base == settings_of(ITEM, owner, model, Options(threads=8))
    assert base != settings_of(SlideInput(ITEM.path, mpp=0.5), owner, model, Options())
    assert base != settings_of(SlideInput(ITEM.path, usual_mpp=0.5), owner, model, Options())
    assert base != settings_of(ITEM, owner, model, Options(stride=10))
    assert base != settings_of(ITEM, owner, model, Options(viewer_mpp=1.0))
    assert base != settings_of(ITEM, {**owner, "stamp": 3}, model, Options())


def test_mapping_a_slide_loads_no_scikit_learn() -> None:
    """It takes a second, longer than a small slide takes to map, and no slide needs it."""
    code = "import sys, cancernet.slide.batch; print(sorted({'sklearn', 'scipy'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
