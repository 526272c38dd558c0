"""Copies, contradictions and empty glass."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common import defaults
from cancernet.data.integrity import copies, near_white


def table(rows: list[tuple[str, int, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["path", "label", "hash"])


def test_different_patches_are_all_kept() -> None:
    assert copies(table([("a", 0, "1"), ("b", 1, "2")])).empty


def test_of_exact_duplicates_the_first_is_kept_and_named() -> None:
    reasons = copies(table([("a", 0, "1"), ("b", 0, "2"), ("c", 0, "1"), ("d", 0, "1")]))
    assert reasons.to_dict() == {2: "exact duplicate of a", 3: "exact duplicate of a"}


def test_of_one_content_under_two_labels_none_is_kept_and_each_names_another() -> None:
    reasons = copies(table([("a", 0, "1"), ("b", 1, "1"), ("c", 0, "2")]))
    assert reasons.to_dict() == {0: "same content under two labels (see b)", 1: "same content under two labels (see a)"}


def test_a_named_counterpart_has_the_other_label() -> None:
    rows = [("a", 0, "1"), ("b", 1, "1"), ("c", 0, "1"), ("d", 0, "1")]
    reasons = copies(table(rows))
    label = {path: label for path, label, _ in rows}
    for row, reason in reasons.items():
        assert label[reason.split("see ")[1].rstrip(")")] != rows[int(row)][1]


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from("abcdef")), max_size=30))
def test_what_is_kept_has_each_content_once_and_one_label_each(drawn: list[tuple[int, str]]) -> None:
    rows = table([(str(i), label, content) for i, (label, content) in enumerate(drawn)])
    kept = rows.drop(index=copies(rows).index)
    assert kept["hash"].is_unique
    labels = {content: {label for label, other in drawn if other == content} for _, content in drawn}
    assert set(kept["hash"]) == {content for content, seen in labels.items() if len(seen) == 1}


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from("abc")), max_size=20))
def test_the_index_of_the_table_is_respected(drawn: list[tuple[int, str]]) -> None:
    rows = table([(str(i), label, content) for i, (label, content) in enumerate(drawn)])
    shifted = rows.set_index(rows.index + 100)
    assert copies(shifted).tolist() == copies(rows).tolist()
    assert (copies(shifted).index - 100).tolist() == copies(rows).index.tolist()


def patches(level: float, spread: float, n: int = 3) -> np.ndarray:
    noise = np.random.default_rng(0).normal(level, spread, (n, 50, 50, 1)).clip(0, 255)
    return noise.round().astype(np.uint8).repeat(3, axis=3)


@pytest.mark.parametrize(
    ("level", "spread", "expected"),
    [
        (255, 0, True),
        (defaults.WHITE_LEVEL + 5, defaults.WHITE_SPREAD - 4, True),
        (defaults.WHITE_LEVEL + 5, defaults.WHITE_SPREAD + 4, False),
        (defaults.WHITE_LEVEL - 5, 1, False),
        (0, 0, False),
    ],
)
def test_bright_and_even_is_near_white(level: float, spread: float, expected: bool) -> None:
    assert near_white(patches(level, spread)).tolist() == [expected] * 3


def test_each_patch_is_judged_by_itself() -> None:
    images = np.concatenate([patches(250, 1), patches(120, 30), patches(250, 1)])
    assert near_white(images).tolist() == [True] * 3 + [False] * 3 + [True] * 3


def test_no_patches_give_no_flags() -> None:
    assert near_white(np.zeros((0, 50, 50, 3), np.uint8)).shape == (0,)
