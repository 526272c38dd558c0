"""What stands out is far from most, in numbers that mean something, and only where there are enough to tell."""

from __future__ import annotations

import numpy as np
import pytest

from cancernet.slide.cohort_row import MAPPED, REFUSED, Row
from cancernet.slide.standing_out import (
    BINS,
    FEWEST,
    LIMIT,
    MEASURES,
    histogram,
    robust_z,
    several_models,
    standing_out,
)


def cohort(n: int = 40, **changed: float | str | None) -> list[Row]:
    """So many slides much alike, and one more with what is `changed`."""
    draw = np.random.default_rng(0)
    usual = [
        Row(
            f"{i}.svs",
            status=MAPPED,
            malignant_share=float(draw.uniform(0.2, 0.4)),
            mean_log_odds=float(draw.normal(-1, 0.5)),
            stain_distance=float(draw.uniform(0.3, 0.9)),
            unsure_share=float(draw.uniform(0.01, 0.03)),
            graph_sha256="a",
        )
        for i in range(n)
    ]
    middle = {"malignant_share": 0.3, "mean_log_odds": -1.0, "stain_distance": 0.6, "unsure_share": 0.02}
    return [*usual, Row("odd.svs", **{"status": MAPPED, "graph_sha256": "a", **middle, **changed})]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("malignant_share", 0.95), ("mean_log_odds", 3.0), ("mean_log_odds", -5.0)),
        *(("stain_distance", 9.0), ("unsure_share", 0.4)),
    ],
)
def test_a_slide_far_from_the_others_stands_out_and_says_by_what(name: str, value: float) -> None:
    [found] = standing_out(cohort(**{name: value}))
    assert (found.row, found.measure.name, found.value) == (40, name, value)
    assert abs(found.z) > LIMIT
    assert (found.z > 0) == (value > found.median)


@pytest.mark.parametrize(
    ("name", "value"), [("stain_distance", 0.02), ("unsure_share", 0.0), ("malignant_share", None)]
)
def test_what_is_close_to_the_model_or_unknown_does_not_stand_out(name: str, value: float | None) -> None:
    assert standing_out(cohort(**{name: value})) == []


def test_a_refused_slide_is_told_apart_already_and_moves_nothing() -> None:
    assert standing_out(cohort(status=REFUSED, unsure_share=1.0, stain_distance=20.0)) == []


def test_numbers_of_two_models_are_not_compared() -> None:
    rows = cohort(graph_sha256="b", mean_log_odds=5.0)
    assert several_models(rows)
    assert standing_out(rows) == []


@pytest.mark.parametrize(("n", "told"), [(FEWEST - 2, False), (FEWEST - 1, True)])
def test_few_slides_say_nothing_of_what_is_usual(n: int, told: bool) -> None:
    assert bool(standing_out(cohort(n, mean_log_odds=9.0))) == told


def test_slides_that_are_all_alike_do_not_make_a_small_difference_stand_out() -> None:
    rows = cohort(mean_log_odds=-0.8)
    same = [Row("a", status=MAPPED, mean_log_odds=-1 + i * 1e-4, graph_sha256="a") for i in range(40)]
    assert standing_out([*same, rows[-1]]) == []
    assert robust_z(np.array([1.0] * 30 + [2.0])) is None  # no spread at all


@pytest.mark.parametrize(("n", "share"), [(5, 0.053), (10, 0.016), (FEWEST, 0.006), (100, 0.0011)])
def test_how_many_usual_slides_stand_out_by_chance(monkeypatch: pytest.MonkeyPatch, n: int, share: float) -> None:
    """What the comment at FEWEST states, of a normal distribution."""
    monkeypatch.setattr("cancernet.slide.standing_out.FEWEST", 1)
    draw = np.random.default_rng(1)
    beyond = [np.abs(z) > LIMIT for _ in range(4000) if (z := robust_z(draw.normal(size=n))) is not None]
    assert np.mean(beyond) == pytest.approx(share, rel=0.15)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_a_histogram_counts_every_slide_that_has_the_number(measure) -> None:  # type: ignore[no-untyped-def]
    rows = [*cohort(**{measure.name: None}), Row("failed.svs")]
    found = histogram(rows, measure)
    assert found is not None
    assert (len(found.counts), sum(found.counts)) == (BINS, 40)
    values = [getattr(row, measure.name) for row in rows[:40]]
    assert found.low <= min(values) <= found.median <= max(values) <= found.high
    assert histogram(rows[40:], measure) is None


def test_a_histogram_of_one_value_has_one_bar() -> None:
    found = histogram([Row("a", mean_log_odds=-1.0)] * 3, MEASURES[1])
    assert found is not None
    assert sorted(found.counts)[-2:] == [0, 3]
