"""What all tests share: one pace for property tests, and the real patches where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import pytest
from hypothesis import settings
from matplotlib.figure import Figure

from cancernet.common.provenance import ONEDNN
from cancernet.data.pack import Pack, pack
from cancernet.data.sample import write_sample

settings.register_profile("calm", deadline=None)  # a loaded machine is no failure
settings.load_profile("calm")

WHITE = cv2.imencode(".png", np.full((1, 1, 3), 255, np.uint8))[1].tobytes()  # one pixel

os.environ.setdefault(ONEDNN, "1")  # not measured anew in each process a test starts


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with `idc/` and `splits/` beside the project; the test is skipped where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (folder / "idc").is_dir():
        pytest.skip("the real patches are not beside the project")
    return folder


@pytest.fixture(scope="session")
def real_pack(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """All real patches, packed; by whichever worker needs them first."""
    base = tmp_path_factory.getbasetemp()
    return pack(real_data / "idc", cache_dir=(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "real")


@pytest.fixture(scope="session")
def imagenet_file(real_data: Path) -> Path:
    """The ImageNet weights of MobileNetV2 beside the project; the test is skipped where they are absent."""
    path = real_data.parent / "weights" / "mobilenet_v2_1.0_224_no_top.weights.h5"
    if not path.is_file():
        pytest.skip("the ImageNet weights are not beside the project")
    return path


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw each figure as one white pixel: drawing is most of what a report takes, and few tests look at it."""

    def one_pixel(_: Figure, file: Path | BinaryIO, **options: object) -> None:
        if isinstance(file, Path):
            file.write_bytes(WHITE)
        else:
            file.write(WHITE)

    monkeypatch.setattr(Figure, "savefig", one_pixel)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic sample of 8 patients with 24 patches each."""
    return write_sample(tmp_path_factory.mktemp("data") / "sample", patients=8, patches_per_patient=24, seed=3)
