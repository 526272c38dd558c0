"""The drawings of the page as numbers for its template: patients against what is usual, scores, runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.sites.drift import CHARTED, WIDTH, History, chart
from cancernet.sites.measures import BRIGHTNESS, MEASURES, SHARPNESS, TISSUE, Group
from cancernet.sites.reference import ODDS, Reference
from cancernet.sites.scores import EDGES, Distance
from cancernet.sites.shifts import value_of
from cancernet.sites.standing import TITLES, shown

WIDE, HIGH, TALL = 320, 64, 150  # units of an SVG: a strip and a run chart, and the scores
BAND = 2.0  # spreads on either side of the usual mean that are shaded: 95 % of patients
ROWS = 5  # heights among which marks are laid out, so that like ones do not hide each other
SHOWN_ODDS = 8.0  # log odds, at either side
STRIPS = (BRIGHTNESS, SHARPNESS, TISSUE, ODDS)


def strip(groups: Sequence[Group], name: str, reference: Reference) -> dict[str, Any] | None:
    """Return a mark for each patient or slide along a measure, over the band of what is usual; None without either."""
    spread = reference.measures.get(name)
    pairs = [(group, value) for group in groups if (value := value_of(group, name)[0]) == value]
    if spread is None or not pairs:
        return None
    values = np.array([value for _, value in pairs])
    ends = spread.mean + np.array([-1.5, 1.5]) * BAND * spread.between
    if name == TISSUE:
        ends = np.clip(ends, 0, 1)
    low, high = float(min(ends[0], values.min())), float(max(ends[1], values.max()))
    scale = _Scale(low, high)
    band = [scale.at(min(max(spread.mean + side * BAND * spread.between, low), high)) for side in (-1, 1)]
    return {
        "name": name,
        "title": TITLES[name],
        "n": len(pairs),
        "band": (round(band[0], 1), round(band[1] - band[0], 1)),
        "usual": round(scale.at(spread.mean), 1),
        "usual_said": shown(name, spread.mean),
        "mean": round(scale.at(float(values.mean())), 1),
        "mean_said": shown(name, float(values.mean())),
        "low": shown(name, low),
        "high": shown(name, high),
        "marks": [
            {
                "x": round(scale.at(value), 1),
                "y": round(HIGH * (0.2 + 0.6 * (i % ROWS) / (ROWS - 1)), 1),
                "says": f"{group.name}: {shown(name, value)}",
            }
            for i, (group, value) in enumerate(pairs)
        ],
    }


def cumulative(found: Distance) -> dict[str, Any]:
    """Return the cumulative distributions of the scores, of the site and of the reference, as lines."""
    inside = np.abs(EDGES) <= SHOWN_ODDS
    scale = _Scale(-SHOWN_ODDS, SHOWN_ODDS)

    def line(values: NDArray[np.float64]) -> str:
        points = zip(EDGES[inside].tolist(), values[inside].tolist(), strict=True)
        return " ".join(f"{scale.at(x):.1f},{TALL * (1 - y):.1f}" for x, y in points)

    return {
        "site": line(found.site),
        "reference": line(found.reference),
        "ticks": [{"x": round(scale.at(at), 1), "says": f"{at:+.0f}" if at else "0"} for at in (-8, -4, 0, 4, 8)],
    }


def runs(history: History) -> list[dict[str, Any]]:
    """Return a chart of moving averages for each measure of a history."""
    return [made for name in CHARTED if (made := _run_chart(history, name)) is not None]


def _run_chart(history: History, name: str) -> dict[str, Any] | None:
    there, smooth, limit = chart(history, name)
    if not there:
        return None
    most = float(max(1.25 * limit.max(), np.abs(smooth).max(), WIDTH / 2))
    x = (np.arange(len(there)) + 0.5) * WIDE / len(there)

    def y(value: float) -> float:
        return round(HIGH * (0.5 - 0.5 * value / most), 1)

    steps = [(x[i] - WIDE / len(there) / 2, x[i] + WIDE / len(there) / 2, limit[i]) for i in range(len(there))]
    return {
        "title": next((each.title for each in MEASURES if each.name == name), TITLES.get(name, name)),
        "line": " ".join(f"{at:.1f},{y(value)}" for at, value in zip(x.tolist(), smooth.tolist(), strict=True)),
        "upper": " ".join(f"{a:.1f},{y(each)} {b:.1f},{y(each)}" for a, b, each in steps),
        "lower": " ".join(f"{a:.1f},{y(-each)} {b:.1f},{y(-each)}" for a, b, each in steps),
        "middle": y(0),
        "first": there[0].date,
        "last": there[-1].date,
        "n": len(there),
        "beyond": bool(abs(smooth[-1]) > limit[-1]),
        "marks": [
            {
                "x": round(at, 1),
                "y": y(value),
                "out": bool(abs(value) > most_here),
                "says": f"{run.date}: {value:+.2f}, limit {most_here:.2f}; this run alone {run.z[name]:+.1f}",
            }
            for at, value, most_here, run in zip(x.tolist(), smooth.tolist(), limit.tolist(), there, strict=True)
        ],
    }


class _Scale:
    """From values to places across a drawing, with a margin for the marks."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.span = low, (high - low) or 1.0

    def at(self, value: float) -> float:
        return 6 + (WIDE - 12) * (value - self.low) / self.span
