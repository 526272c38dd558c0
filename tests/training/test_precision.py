"""Sixteen bits only where they are wanted and the processor is made for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cancernet.training.precision import policy

pytestmark = pytest.mark.train


@pytest.fixture
def cpuinfo(tmp_path: Path) -> Path:
    path = tmp_path / "cpuinfo"
    path.write_text("flags : fpu sse avx512f avx512_bf16 amx_tile\n")
    return path


def test_it_is_float32_unless_wanted(cpuinfo: Path) -> None:
    assert policy(False, cpuinfo) == "float32"


def test_it_is_bfloat16_where_the_processor_multiplies_it(cpuinfo: Path) -> None:
    assert policy(True, cpuinfo) == "mixed_bfloat16"


def test_it_is_float32_on_a_processor_that_would_be_slower(cpuinfo: Path) -> None:
    cpuinfo.write_text("flags : fpu sse avx2 avx512f\n")
    assert policy(True, cpuinfo) == "float32"


def test_it_is_float32_where_the_processor_is_unknown(tmp_path: Path) -> None:
    assert policy(True, tmp_path / "none") == "float32"
