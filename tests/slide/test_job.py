"""What a reader of one slide's results is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cancernet.common import defaults
from cancernet.model.bundle import Bundle
from cancernet.slide.job import OTHER_STAIN, SYNTHETIC, Options, _alarms, _doubts, _settings
from cancernet.slide.section import Section
from cancernet.slide.tissue import Tissue


def section(width: int, height: int) -> Section:
    return Section(Path("s"), width, height, 16.0, 16.0, (0, 0), 0)


def tissue(pen: float = 0.0) -> Tissue:
    return Tissue(np.ones((1, 1), bool), 20.0, pen)


@pytest.mark.parametrize(("width", "told"), [(100, False), (130, False), (124, True), (110, True)])
def test_an_edge_is_told_to_be_left_out_only_where_it_is(width: int, told: bool) -> None:
    found = _doubts(section(width, 100), tissue(), 50)
    assert bool(found) == told
    if told:
        assert f"{width - 100} px at the right edge" in found[0]


def test_overlap_leaves_less_out() -> None:
    assert _doubts(section(124, 100), tissue(), 50)
    assert not _doubts(section(124, 100), tissue(), 5)


def test_ink_is_told() -> None:
    [said] = _doubts(section(100, 100), tissue(pen=0.2), 50)
    assert "20%" in said
    assert "ink" in said


def test_a_synthetic_model_is_always_an_alarm(bundle: Bundle) -> None:
    assert _alarms(bundle, None) == [SYNTHETIC]


def test_another_stain_is_an_alarm_beyond_the_limit_and_none_below(bundle: Bundle) -> None:
    far, near = defaults.SLIDE_STAIN_LIMIT + 0.1, defaults.SLIDE_STAIN_LIMIT - 0.1
    assert OTHER_STAIN.format(far) in _alarms(bundle, far)
    assert _alarms(bundle, near) == [SYNTHETIC]


def test_settings_hold_what_results_depend_on_and_no_threads(bundle: Bundle) -> None:
    owner = {"path": "a.svs", "bytes": 1, "stamp": 2}
    base = _settings(owner, bundle, Options())
    assert base == _settings(owner, bundle, Options(threads=8))
    for other in (Options(mpp=0.5), Options(stride=10)):
        assert base != _settings(owner, bundle, other)
    assert base != _settings({**owner, "stamp": 3}, bundle, Options())
