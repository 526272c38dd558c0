"""A running server answers hostile requests rightly; those of many megabytes are left to a benchmark."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from hostile.asked import SOUND, Hostile, form
from hostile.asked_files import FILES
from hostile.requests import ALL_REQUESTS
from hostile.wire import judged

WITHIN_S = 60.0  # for a busy machine; each has its answer in a small part of it
LARGE = ("60 MB", "bomb", "many", "scans", "16 megapixels", "100,000", "texts", "chunks without end", "of a megabyte")
CASES = [
    case
    for case in ALL_REQUESTS
    if "as a field" not in case.name and not any(each in case.name for each in LARGE)
    and (case not in FILES or case in FILES[:16])
]  # fmt: skip
GOOD = Hostile("a good one", lambda: form(SOUND), (200,), '"decision":"')


@pytest.fixture(scope="module")
def wrong(port: int) -> dict[str, list[str]]:
    with ThreadPoolExecutor(12) as pool:
        found = pool.map(lambda case: judged(case, port, within_s=WITHIN_S)[1], CASES)
        return {case.name: why for case, why in zip(CASES, found, strict=True) if why}


def test_each_hostile_request_has_the_answer_it_should_have(wrong: dict[str, list[str]]) -> None:
    assert not wrong


@pytest.mark.usefixtures("wrong")
def test_a_good_request_is_answered_after_all_of_them(port: int) -> None:
    reply, why = judged(GOOD, port, within_s=WITHIN_S)
    assert (reply.status, why) == (200, [])
