"""Text of a stranger's, as the name of a file: fit for the screen, for UTF-8, for a table, and back."""

from __future__ import annotations

import re

# C0 and C1 controls, line and paragraph separators, and what turns the direction of writing: a terminal obeys them.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_ESCAPED = re.compile(r"\\(?:\\|x[0-9a-f]{2})")
TO_ESCAPE = re.compile(r"[\x00-\x1f\x7f\\]")
# What a spreadsheet would run: a cell that begins so, and is no number. Apostrophes before it are of an earlier turn.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_BEGINS = frozenset("'=+-@\t\r")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def utf8(text: str) -> str:
    r"""Return the text with what is not UTF-8, as bytes of a file's name, as "?".

    Example:
        >>> utf8("caf\udce9.png")
        'caf?.png'
    """
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def printable(text: str) -> str:
    r"""Return the text fit for a screen: what a terminal would obey rather than show, or cannot show, as "?".

    Example:
        >>> printable("a\x1b[31m\r.png")
        'a?[31m?.png'
    """
    return text if text.isascii() and text.isprintable() else _CONTROL.sub("?", utf8(text))


def defuse(text: str) -> str:
    """Return the text of a cell as a spreadsheet shows it and does not run it: with an apostrophe before a formula.

    Example:
        >>> defuse("=1+1"), defuse("-1.5"), defuse("a=b")
        ("'=1+1", '-1.5', 'a=b')
    """
    if text[:1] not in _BEGINS:  # of nearly all texts; quicker than the pattern
        return text
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def restore(text: str) -> str:
    """Return what `defuse` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def escape(text: str) -> str:
    r"""Return the text in one line without control characters, `\` before what stands for one.

    Example:
        >>> escape("Icon\r")
        'Icon\\x0d'
    """
    return TO_ESCAPE.sub(lambda found: r"\\" if found[0] == "\\" else f"\\x{ord(found[0]):02x}", text)


def unescape(text: str) -> str:
    """Return what `escape` was given."""
    return _ESCAPED.sub(lambda found: "\\" if found[0] == r"\\" else chr(int(found[0][2:], 16)), text)
