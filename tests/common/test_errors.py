"""The user's error is told apart from a bug."""

from __future__ import annotations

import pytest

from cancernet.common.errors import UserError


def test_it_says_what_it_was_given() -> None:
    assert str(UserError("a.png: not an image; remove it")) == "a.png: not an image; remove it"


def test_it_is_caught_by_none_of_the_handlers_for_bugs() -> None:
    assert not issubclass(UserError, (OSError, ValueError, RuntimeError))
    with pytest.raises(UserError):
        raise UserError("x")
