"""All checks together, against a model's patients and against a site's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cancernet.evaluation.verdicts import PASS, WARN
from cancernet.model.colours import Colours
from cancernet.sites.checks import FAIL
from cancernet.sites.compare import compare, compare_with_itself
from cancernet.sites.reference import Reference, make_reference
from cancernet.sites.usual import POSITION, PUBLIC

ALL = ["number", "answers", "stain", "colours", "brightness", "sharpness", "tissue", "scores"]


def test_a_site_like_the_reference_passes_every_check(groups: Callable, reference: Reference, colours: Colours) -> None:
    found = compare(groups(20, seed=3), reference, colours, what="patients")
    assert [check.name for check in found.checks] == ALL
    assert found.verdict == PASS


@pytest.mark.parametrize("moved", [{"brightness": -4.0}, {"sharpness": -13.0}, {"unsure": 0.0, "tissue": -6.0}])
def test_a_site_far_off_fails(groups: Callable, reference: Reference, colours: Colours, moved: dict) -> None:
    assert compare(groups(20, seed=3, **moved), reference, colours, what="patients").verdict == FAIL


def test_synthetic_patches_never_pass(groups: Callable, reference: Reference, colours: Colours) -> None:
    found = compare(groups(20, seed=3), reference, colours, what="patients", synthetic=True)
    assert found.checks[0].name == "synthetic"
    assert found.verdict == WARN


def test_against_itself_the_stain_of_the_model_is_no_matter(
    groups: Callable, reference: Reference, colours: Colours
) -> None:
    found = compare_with_itself(groups(20, seed=3), reference, colours, what="patients")
    assert [check.name for check in found.checks] == [name for name in ALL if name != "stain"]
    assert found.verdict == PASS


def test_a_reference_of_few_is_told(groups: Callable, colours: Colours) -> None:
    few = make_reference(groups(4, seed=5), colours, PUBLIC, POSITION, of="", graph_sha256="")
    found = compare_with_itself(groups(20, seed=3), few, colours, what="patients")
    assert found.checks[1].name == "reference"
    assert found.verdict != PASS


def test_by_chance_hardly_any_batch_is_no_pass(groups: Callable, reference: Reference, colours: Colours) -> None:
    verdicts = [compare(groups(20, seed=seed), reference, colours, what="patients").verdict for seed in range(100, 112)]
    assert sum(each != PASS for each in verdicts) <= 2
