"""The patches to try: drawn anew, alike each time, and no more than there are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cancernet.common.defaults import PATCH_SIZE
from cancernet.model.model import load_model
from cancernet.serve.samples import SAMPLES, draw


def decoded(number: int) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(draw(number), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_each_is_a_patch_and_the_same_each_time() -> None:
    for number in range(1, len(SAMPLES) + 1):
        first = draw(number)
        draw.cache_clear()
        assert draw(number) == first
        assert decoded(number).shape == (PATCH_SIZE, PATCH_SIZE, 3)


def test_the_last_is_out_of_focus_and_the_model_does_not_judge_it() -> None:
    reasons = load_model().judge(np.stack([decoded(number) for number in (1, 2, 3)])).tolist()
    assert reasons[:2] == ["", ""]
    assert "out of focus" in reasons[2]


@pytest.mark.parametrize("number", [0, 4, -1])
def test_there_is_none_of_another_number(number: int) -> None:
    with pytest.raises(IndexError):
        draw(number)
