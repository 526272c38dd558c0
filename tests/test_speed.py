"""Ratios that must not slide: ours against the usual way, in one run, with bounds that a busy machine keeps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cancernet.data.sample import write_sample

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def speed() -> None:
    """The benchmarks' own code, which is no part of the package."""
    pytest.importorskip("tensorflow")
    if not BENCHMARKS.is_dir():
        pytest.skip("the benchmarks are not beside the tests")
    sys.path.insert(0, str(BENCHMARKS))


@pytest.fixture(scope="module")
def setup(speed: None, tmp_path_factory: pytest.TempPathFactory):
    from speed.timing import Setup

    work = tmp_path_factory.mktemp("speed")
    data = write_sample(work / "sample", patients=8, patches_per_patient=100)
    return Setup(data, None, "none", work, rounds=3, patches=200, sizes=(200, 800))


def test_packing_beats_a_plain_loop(setup) -> None:
    from speed.patches import pack_row

    figures = pack_row(setup).figures
    assert figures["gain"] > 0.5  # a real set reaches 1.5; here 800 patches, on CPUs that other tests take
    assert figures["peak_mb"] < 500


def test_a_zip_is_read_no_slower_than_it_is_unpacked(setup) -> None:
    from speed.patches import zip_row

    assert zip_row(setup).figures["gain"] > 0.6


def test_input_does_not_starve_the_training_step(setup) -> None:
    from speed.patches import batch_row

    figures = batch_row(setup).figures
    assert figures["share"] > 0.5
    assert max(figures["step"]["cost"].values()) < 1.3


@pytest.mark.train
def test_the_runtime_beats_keras_and_little_is_lost_around_it(setup) -> None:
    from speed.inference import rate_row

    figures = rate_row(setup).figures
    assert figures["gain"] > 1.3
    assert figures["share"] > 0.6
    assert figures["largest_difference"] < 1e-3  # the same answers, only sooner


def test_memory_of_predict_does_not_grow_with_the_number_of_patches(setup) -> None:
    from speed.growth import rows

    few, many = (each["predict"]["peak_mb"] for each in rows(setup)[1].figures["growth"])
    assert many < few + 60
    assert many < 400
