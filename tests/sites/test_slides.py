"""Slides: measured as patches are, at the model's scale; one that cannot be read ends nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.data.synthetic import draw_section
from cancernet.model.model import Model
from cancernet.sites.look import look
from cancernet.sites.slides import MOST_PATCHES, Slides
from cancernet.slide.inputs import WORK

pyvips = pytest.importorskip("pyvips")
pytest.importorskip("openslide")
pytest.importorskip("shapely")


def section(path: Path, seed: int, mpp: float | None = 4.0) -> Path:
    image = draw_section(np.random.default_rng(seed), 200, 300, malignant_share=0.3).image
    path.parent.mkdir(parents=True, exist_ok=True)
    made: Any = pyvips.Image.new_from_memory(image.tobytes(), image.shape[1], image.shape[0], 3, "uchar")
    made = made.copy(interpretation="srgb", **({"xres": 1000 / mpp, "yres": 1000 / mpp} if mpp else {}))
    made.write_to_file(str(path))
    return path


@pytest.fixture
def looked(tiny: Model, tmp_path: Path) -> Callable[..., Any]:
    def run(*named: Path, **chosen: Any) -> Any:
        with Output(tmp_path / "out", "site") as output:
            options: dict[str, Any] = {"mpp": None, "patients": None, "threads": 1, "say": lambda line: None}
            found = look(named, tiny, output, **(options | chosen))
            assert not (output.folder / WORK).exists()
            return found

    return run


def test_each_slide_counts_by_itself_and_one_that_cannot_be_read_is_listed(looked: Callable, tmp_path: Path) -> None:
    folder = section(tmp_path / "in" / "one.png", 1).parent
    section(folder / "two.png", 2)
    (folder / "three.png").write_bytes((folder / "two.png").read_bytes()[:3000])
    found = looked(folder, mpp=4.0)
    assert [group.name for group in found.groups] == ["one", "two"]
    assert found.what == "slides"
    assert [Path(path).name for path, _ in found.failed] == ["three.png"]
    assert all(0 < group.n <= MOST_PATCHES and group.n_tissue for group in found.groups)


def test_slides_of_a_patient_are_one(looked: Callable, tmp_path: Path) -> None:
    folder = section(tmp_path / "in" / "one.png", 1).parent
    section(folder / "two.png", 2)
    section(folder / "other.png", 3)
    (tmp_path / "list.csv").write_text("path,patient\none.png,P\ntwo.png,P\n")
    found = looked(folder, mpp=4.0, patients=tmp_path / "list.csv")
    assert [group.name for group in found.groups] == ["P"]
    assert found.what == "patients"
    assert "no row of the list" in found.failed[0][1]


def test_a_barcode_says_whose_a_slide_is(looked: Callable, tmp_path: Path) -> None:
    for i in (1, 2):
        section(tmp_path / "in" / f"TCGA-A7-A0D9-01Z-00-DX{i}.png", i)
    found = looked(tmp_path / "in", mpp=4.0)
    assert [group.name for group in found.groups] == ["TCGA-A7-A0D9"]
    assert found.what == "patients"


def test_a_slide_without_a_scale_is_refused_and_says_what_to_do(looked: Callable, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no slide could be used of 1.*--mpp"):
        looked(section(tmp_path / "in" / "one.png", 1, mpp=None))


def test_two_slides_of_the_same_name_are_two(looked: Callable, tmp_path: Path) -> None:
    one, other = section(tmp_path / "a" / "one.png", 1), section(tmp_path / "b" / "one.png", 2)
    assert [group.name for group in looked(one, other, mpp=4.0).groups] == ["one", "one-2"]


def test_slides_of_two_scales_are_told() -> None:
    assert Slides(scales={"a": 0.25, "b": 0.26}).notes == []
    (note,) = Slides(scales={"a": 0.25, "b": 0.5}).notes
    assert "a has 0.25 um/px, b 0.5" in note


def test_mpp_of_patches_is_refused(looked: Callable, drawn: Path) -> None:
    with pytest.raises(UserError, match="--mpp is of slides"):
        looked(drawn, mpp=0.25)
