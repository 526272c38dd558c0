"""Slides made by a program, as scanners write them; no real one is ever in the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cancernet.common.output import Output
from cancernet.data.synthetic import draw_section
from cancernet.model.model import Model, load_model

pyvips = pytest.importorskip("pyvips")
pytest.importorskip("openslide")
pytest.importorskip("shapely")

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
APERIO = "Aperio Image Library v11\r\n{w}x{h} [0,0 {w}x{h}] (256x256) JPEG/RGB Q=90|{rest}"
Image = NDArray[np.uint8]


@pytest.fixture(scope="session")
def model() -> Model:
    """A small trained model."""
    return load_model(V1, threads=1)


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Output]:
    """The folder of a slide's results, open for writing."""
    with Output(tmp_path / "written", "slide") as out:
        yield out


@pytest.fixture(scope="session")
def tissue_image() -> Image:
    """A drawn section, uint8 (300, 400, 3) at 4 um/px."""
    return draw_section(np.random.default_rng(5), 300, 400, malignant_share=0.4).image


def _vips(image: Image) -> Any:
    height, width, bands = image.shape
    kind = "srgb" if bands >= 3 else "b-w"
    data = np.ascontiguousarray(image).tobytes()
    return pyvips.Image.new_from_memory(data, width, height, bands, "uchar").copy(interpretation=kind)


@pytest.fixture(scope="session")
def save() -> Callable[..., Path]:
    """Write an RGB array as an image file: save(image, path, mpp=None, format=None, **options)."""

    def write(image: Image, path: Path, *, mpp: float | None = None, format: str = "", **how: Any) -> Path:
        made = _vips(image)
        if mpp:
            made = made.copy(xres=1000 / mpp, yres=1000 / mpp)
        saver = {"png": made.pngsave, "jpg": made.jpegsave, "tif": made.tiffsave}
        saver[format or path.suffix[1:].lower()](str(path), **how)
        return path

    return write


@pytest.fixture(scope="session")
def save_svs() -> Callable[..., Path]:
    """Write a tiled pyramid that OpenSlide takes for an Aperio slide; `rest` is its description's end."""

    def write(image: Image, path: Path, rest: str = "AppMag = 40|MPP = 0.25") -> Path:
        made = _vips(image).copy()
        text = APERIO.format(w=made.width, h=made.height, rest=rest)
        made.set_type(pyvips.GValue.gstr_type, "image-description", text)
        made.tiffsave(str(path), tile=True, pyramid=True, compression="jpeg", Q=95)
        return path

    return write


@pytest.fixture(scope="session")
def enlarge() -> Callable[[Image, int], Image]:
    """Repeat each pixel so many times across and down: reducing by that gives the image back, exactly."""
    return lambda image, by: np.repeat(np.repeat(image, by, axis=0), by, axis=1)
