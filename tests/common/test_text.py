"""Names and cells: fit for a screen and a spreadsheet, and back to what they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.text import defuse, escape, printable, restore, unescape, utf8

ANY = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(("text", "shown"), [("a/b.png", "a/b.png"), ("ü.png", "ü.png"), ("a\udce9", "a?")])
def test_only_undecodable_bytes_of_a_name_are_replaced(text: str, shown: str) -> None:
    assert utf8(text) == printable(text) == shown


@pytest.mark.parametrize(
    "hostile", ["\x1b", "\r", "\n", "\t", "\0", "\x07", "\x7f", "\x85", "\x9b", "\u2028", "\u202e", "\u2066", "\udc1b"]
)
def test_no_terminal_gets_what_it_would_obey(hostile: str) -> None:
    assert printable(f"a{hostile}é") == "a?é"


def test_letters_of_all_languages_are_shown_as_they_are() -> None:
    assert printable("患者 Łódź ñ €.png") == "患者 Łódź ñ €.png"


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-cmd", "@SUM(1)", "\t=1", "\r=1", "=", "'=1", "--1"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert defuse(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a", "a=1", "-1", "+1.5", "-1e-05", "-.5", "8863", "'quoted'", "007", "NA", "–1"])
def test_numbers_and_plain_text_are_left_alone(text: str) -> None:
    assert defuse(text) == restore(text) == text


@given(st.from_regex(r"'{0,2}[=+\-@\t\r]?.{0,3}") | ANY)
def test_a_cell_is_restored_to_what_it_was(text: str) -> None:
    assert restore(defuse(text)) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_number_is_touched(number: float) -> None:
    assert defuse(f"{number:.6g}") == f"{number:.6g}"


@given(st.text("\\x0da\r\n\t\x1b") | ANY)
def test_an_escaped_text_is_one_line_and_comes_back(text: str) -> None:
    assert not set(escape(text)) & {chr(code) for code in range(32)}
    assert unescape(escape(text)) == text
