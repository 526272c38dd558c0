"""The list of what could not be used: whole, and never over somebody else's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cancernet.errors import UserError
from cancernet.unusable import refuse_others, write_errors


def test_paths_and_reasons_survive_commas_and_quotes(tmp_path: Path) -> None:
    write_errors(tmp_path / "errors.csv", [('a, "b".svs', "too coarse: 5 um/px, 4")])
    assert (tmp_path / "errors.csv").read_text("utf-8") == (
        'path,reason\n"a, ""b"".svs","too coarse: 5 um/px, 4"\n'
    )


def test_our_own_list_may_be_replaced_and_another_may_not(tmp_path: Path) -> None:
    path = tmp_path / "errors.csv"
    refuse_others(path)
    write_errors(path, [])
    refuse_others(path)
    path.write_text("when,what\n")
    with pytest.raises(UserError, match="not ours"):
        refuse_others(path)
