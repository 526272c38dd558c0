"""The numbers a site keeps of itself: fitted, written, read as a stranger's file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.model.colours import Colours
from cancernet.sites.measures import BRIGHTNESS, SHARPNESS
from cancernet.sites.reference import (
    KEPT_SCORES,
    Reference,
    kept_scores,
    make_reference,
    read_reference,
    save_reference,
    spread_of,
)
from cancernet.sites.usual import POSITION, PUBLIC


def test_the_spread_between_patients_is_found_beneath_that_of_their_patches() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 30, 4000).astype(float)
    means = 5 + 2 * rng.normal(size=4000) + 3 * rng.normal(size=4000) / np.sqrt(counts)
    found = spread_of(means, counts, 3.0, least=0.1)
    assert found.mean == pytest.approx(5, abs=0.15)
    assert found.between == pytest.approx(2, abs=0.15)
    assert found.error < 0.06


def test_patients_that_are_all_alike_keep_the_least_spread() -> None:
    assert spread_of(np.full(5, 1.0), np.full(5, 10.0), 0.0, least=0.3).between == 0.3
    assert spread_of(np.array([1.0]), np.array([10.0]), 0.5, least=0.3).between == 0.3


def test_a_reference_is_like_the_patients_it_was_made_of(reference: Reference) -> None:
    assert reference.n == 100
    assert reference.measures[BRIGHTNESS].mean == pytest.approx(PUBLIC[BRIGHTNESS].mean, abs=5)
    assert reference.measures[SHARPNESS].between == pytest.approx(PUBLIC[SHARPNESS].between, rel=0.3)
    assert len(reference.scores) == 100


def test_a_reference_comes_back_as_it_was_and_holds_no_name(reference: Reference, tmp_path: Path) -> None:
    save_reference(tmp_path / "site_ref.json", reference)
    assert read_reference(tmp_path / "site_ref.json") == reference
    assert "P001" not in (tmp_path / "site_ref.json").read_text("utf-8")


def test_a_reference_replaces_a_reference_and_no_other_file(reference: Reference, tmp_path: Path) -> None:
    path = tmp_path / "site_ref.json"
    save_reference(path, reference)
    save_reference(path, reference)
    path.write_text("{}")
    with pytest.raises(UserError, match="is not ours"):
        save_reference(path, reference)


def spoilt(reference: Reference, tmp_path: Path, **changes: object) -> Path:
    path = tmp_path / "site_ref.json"
    save_reference(path, reference)
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}))
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "another"}, "kind"),
        ({"format": 99}, "newer CancerNet"),
        ({"measures": {}}, "lacks brightness"),
        ({"n": 0}, "n"),
        ({"centre": [1, 2]}, "centre"),
        ({"scores": [[1e9]]}, "scores"),
        ({"measures": {"brightness": {"mean": 1, "between": 0, "within": 1, "error": 1}}}, "between"),
    ],
)
def test_a_reference_that_cannot_be_is_one_line(
    reference: Reference, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    path = spoilt(reference, tmp_path, **changes)
    with pytest.raises(UserError, match=said) as raised:
        read_reference(path)
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"\xff\xfe\x00", b'{"of": NaN}'])
def test_what_is_no_reference_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError, match="cannot read the reference"):
        read_reference(tmp_path / "a.json")


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_kept_scores_rise_and_are_few(values: list[float]) -> None:
    kept = kept_scores(np.array(values))
    assert kept == sorted(kept)
    assert len(kept) == min(len(values), KEPT_SCORES)
    assert max(map(abs, kept)) <= 12


def test_patients_without_tissue_are_left_out(groups: Callable, colours: Colours) -> None:
    from dataclasses import replace

    some = groups(12)
    nothing = replace(some[0], n_tissue=0, means={**some[0].means, BRIGHTNESS: float("nan")}, odds=np.empty(0))
    made = make_reference([*some, nothing], colours, PUBLIC, POSITION, of="", graph_sha256="")
    assert made.n == 12
