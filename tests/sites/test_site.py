"""The whole: from patches to a verdict, a reference that is kept, drift that is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.data.sample import write_sample
from cancernet.evaluation.verdicts import PASS, WARN
from cancernet.model.model import Model, load_model
from cancernet.sites.checks import FAIL
from cancernet.sites.result import Site
from cancernet.sites.site import ELSEWHERE, NO_SCORES, site


def run(*paths: Path, model: Model, out: Path, **chosen: Any) -> Site:
    return site(list(paths), model, out=out, threads=1, say=lambda line: None, date="2026-01-01", **chosen)


@pytest.fixture(scope="module")
def kept(tiny: Model, drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    run(drawn, model=tiny, out=folder / "out", save_reference=folder / "site_ref.json")
    return folder / "site_ref.json"


def test_a_model_of_drawn_patches_never_passes_and_says_what_is_missing(
    tiny: Model, drawn: Path, tmp_path: Path
) -> None:
    found = run(drawn, model=tiny, out=tmp_path / "out")
    assert found.synthetic
    assert found.verdict != PASS
    assert found.notes == (NO_SCORES, ELSEWHERE)
    assert len(found.groups) == 10
    assert not found.provisional
    assert found.page.is_file()


def test_generated_patches_are_told_whatever_the_model(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "in", patients=3, patches_per_patient=6, seed=1)
    found = run(sample, model=load_model(threads=1), out=tmp_path / "out")
    assert found.synthetic
    assert found.verdict in (WARN, FAIL)
    assert found.provisional


def test_the_same_patients_again_have_not_drifted(tiny: Model, drawn: Path, kept: Path, tmp_path: Path) -> None:
    found = run(drawn, model=tiny, out=tmp_path / "out", reference=kept)
    assert found.drift in (PASS, WARN)
    assert {check.name for check in found.against_reference.checks if check.state == WARN} <= {"number", "synthetic"}


def test_a_blur_is_told_as_drift_and_runs_are_kept(tiny: Model, drawn: Path, kept: Path, tmp_path: Path) -> None:
    for path in drawn.rglob("*.png"):
        target = tmp_path / "blurred" / path.relative_to(drawn)
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), cv2.GaussianBlur(cv2.imread(str(path)), (0, 0), 0.6))
    out = tmp_path / "out"
    run(drawn, model=tiny, out=out, reference=kept)
    found = run(tmp_path / "blurred", model=tiny, out=out, reference=kept)
    states = {check.name: check.state for check in found.against_reference.checks}
    assert states["sharpness"] in (WARN, FAIL)
    assert states["brightness"] == PASS
    assert found.drift in (WARN, FAIL)
    assert len(json.loads((out / "history.json").read_text("utf-8"))["runs"]) == 2


def test_a_reference_of_another_model_is_refused(drawn: Path, kept: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="made with another model than cancernet"):
        run(drawn, model=load_model(threads=1), out=tmp_path / "out", reference=kept)


def test_a_reference_is_not_kept_among_results_or_patches(tiny: Model, drawn: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lies among the results"):
        run(drawn, model=tiny, out=tmp_path / "out", save_reference=tmp_path / "out" / "a.json")
    with pytest.raises(UserError, match="lies inside"):
        run(drawn, model=tiny, out=tmp_path / "out", save_reference=drawn / "a.json")
    (tmp_path / "mine.json").write_text("mine")
    with pytest.raises(UserError, match="is not ours"):
        run(drawn, model=tiny, out=tmp_path / "out", save_reference=tmp_path / "mine.json")
    assert not (tmp_path / "out").exists()


def test_patches_none_of_which_can_be_judged_fail_and_leave_no_reference(tiny: Model, tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / "in" / f"P{i}").mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "in" / f"P{i}" / "a.png"), np.full((50, 50, 3), 250, np.uint8))
    found = run(tmp_path / "in", model=tiny, out=tmp_path / "out")
    assert found.verdict == FAIL
    assert found.provisional
    assert len(found.odd) == 12
    with pytest.raises(UserError, match="nothing to keep"):
        run(tmp_path / "in", model=tiny, out=tmp_path / "out", save_reference=tmp_path / "a.json")


def test_no_paths_and_no_day_are_one_line(tiny: Model, drawn: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="name patches or slides"):
        site([], tiny, out=tmp_path / "out")
    with pytest.raises(UserError, match="YYYY-MM-DD"):
        site(drawn, tiny, out=tmp_path / "out", date="yesterday")


def test_patients_of_the_public_set_pass_and_fields_of_other_laboratories_do_not(
    real_data: Path, tmp_path: Path
) -> None:
    names = sorted(path.name for path in (real_data / "idc").iterdir() if path.is_dir())[5:200:16]
    for name in names:
        for path in sorted((real_data / "idc" / name).rglob("*.png"))[::6]:
            target = tmp_path / "idc" / path.relative_to(real_data / "idc")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path)
    model = load_model(threads=1)
    assert run(tmp_path / "idc", model=model, out=tmp_path / "out").verdict == PASS
    pytest.importorskip("openslide")
    fields = sorted((real_data / "external" / "tcga_fields").glob("*.jpg"))[::4]
    found = run(*fields, model=model, out=tmp_path / "fields", mpp=0.5)
    assert found.verdict in (WARN, FAIL)
    assert not found.provisional
