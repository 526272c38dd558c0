"""The script for QuPath: it names its folder and slide in Groovy's own words, and nothing is left to fill in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cancernet.common.output import Output
from cancernet.slide.geojson import AMONG, IGNORE, OTHER, REGIONS, TILES, TUMOR
from cancernet.slide.qupath import SCRIPT, literal, write_script


def script_in(folder: Path, image: str = "a.svs") -> str:
    with Output(folder, "slide") as out:
        write_script(out, image=image, size=(1000, 800), threshold=0.10413541)
    return (folder / SCRIPT).read_text("utf-8")


def test_everything_is_filled_in_and_the_files_are_ours(tmp_path: Path) -> None:
    text = script_in(tmp_path / "o")
    assert "@@" not in text
    assert "double threshold = 0.10413541 " in text
    assert "int width = 1000, height = 800" in text
    assert f"String folder = '{(tmp_path / 'o').as_posix()}'" in text
    for name in (TILES, REGIONS, AMONG, TUMOR, OTHER, IGNORE):
        assert name in text


@pytest.mark.parametrize("name", ["it's", "a$b", "${x}", "back\\slash", "ä 切片", "new\nline", '"quoted"'])
def test_no_name_ends_its_text_or_is_filled_in(tmp_path: Path, name: str) -> None:
    text = script_in(tmp_path / "o", image=name)
    line = next(line for line in text.splitlines() if line.startswith("String image = "))
    inside = re.fullmatch(r"String image = '((?:[^'\\]|\\.)*)'", line)
    assert inside
    assert line.isascii()
    assert inside[1].encode().decode("unicode_escape") == name


def test_a_letter_beyond_sixteen_bits_is_two_units() -> None:
    assert literal("\U0001f52c") == "'\\ud83d\\udd2c'"
