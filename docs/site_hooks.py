"""What MkDocs does to a page before it is rendered: intervals in tables stay on one line."""

from __future__ import annotations

import re
from typing import Any

INTERVAL = re.compile(r"(?<=\()([+-]?\d[\d.]*)-(\d[\d.]*)(?=\))")
UNBROKEN = "\u2011"  # a hyphen that no line ends at


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return the page with the hyphens of intervals in tables, "(0.877-0.977)", unbreakable."""
    lines = markdown.split("\n")
    return "\n".join(INTERVAL.sub(rf"\1{UNBROKEN}\2", line) if line.startswith("|") else line for line in lines)
