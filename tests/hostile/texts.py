from __future__ import annotations

from hostile.case import Case

CASES: list[Case] = []
