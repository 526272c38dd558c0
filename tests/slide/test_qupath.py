"""The script for QuPath: it names its folder and slide in Groovy's own words, and nothing is left to fill in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cancernet.common.output import Output
from cancernet.slide.geojson import AMONG, IGNORE, OTHER, REGIONS, TILES, TUMOR
from cancernet.slide.qupath import SCRIPT, literal, write_script


def script_in(folder: Path, *names: str) -> str:
    with Output(folder, "slide") as out:
        write_script(out, names=names or ["a.svs"], size=(1000, 800), threshold=0.10413541)
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
    text = script_in(tmp_path / "o", name, "b.dcm", name)
    line = next(line for line in text.splitlines() if line.startswith("def names = "))
    inside = re.fullmatch(r"def names = \['((?:[^'\\]|\\.)*)', 'b\.dcm'\]  // .*", line)
    assert inside
    assert line.isascii()
    assert inside[1].encode().decode("unicode_escape") == name


def test_a_letter_beyond_sixteen_bits_is_two_units() -> None:
    assert literal("\U0001f52c") == "'\\ud83d\\udd2c'"


def test_the_files_own_classes_stand_at_the_models_own_threshold(tmp_path: Path) -> None:
    """QuPath keeps the measurements of tiles as float32: compared anew, some on the threshold would change sides."""
    text = script_in(tmp_path / "o")
    assert re.search(r"if \(threshold != madeWith\).*\n\s+tile\.setPathClass\(", text)
    assert text.count("setPathClass(") == 1


def test_another_name_or_size_stops_the_import_and_each_bracket_has_its_pair(tmp_path: Path) -> None:
    text = script_in(tmp_path / "o")
    before = text[: text.index("addObjects(")]
    for said in ("the open image has", "the open image is ", "was rotated"):
        assert re.search(rf"throw new IllegalStateException\((?:(?!\n\S).)*?{said}", before, re.DOTALL)
    bare = re.sub(r"//.*|'(?:\\.|[^'])*'|\"(?:\\.|[^\"])*\"", "", text)
    assert all(bare.count(a) == bare.count(b) for a, b in ("()", "[]", "{}"))
